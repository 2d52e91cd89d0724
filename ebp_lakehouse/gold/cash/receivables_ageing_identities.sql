-- What gold.receivables_ageing must satisfy (semantics §13): the ages sum to what each debtor owes, and what is open is
-- what EBP keeps open on instalments of documents dated up to that day, settlements after it put back.
with facts as (
    select
        sum(balance) as open_now,
        sum(assigned_amount + financial_discount_amount) filter (
            where settlement_date > $as_of and not is_rejected
        ) as settled_later
    from silver.fact_payments
    where side = 'customer' and coalesce(document_date, date '1900-01-01') <= $as_of
),

figures as (
    select
        coalesce(sum(not_due + overdue + credit_notes), 0) as open_then,
        count(*) as debtors
    from computed.receivables_ageing
)

select 'open are ' || g.open_then || ', in the facts ' || f.open_now || ' + ' || f.settled_later as problem
from facts as f
cross join figures as g
-- Six roundings to the cent a debtor.
where abs(coalesce(f.open_now, 0) + coalesce(f.settled_later, 0) - g.open_then) > 0.03 * g.debtors
union all
select debtor_id || ': the ages do not make ' || receivables
from computed.receivables_ageing
where abs(not_due + overdue + credit_notes + unallocated_cash - receivables) > 0.03
