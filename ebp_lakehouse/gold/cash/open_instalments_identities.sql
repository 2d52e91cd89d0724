-- What gold.open_instalments must satisfy (semantics §13): per side its balances sum to those that EBP keeps for
-- documents dated up to that day, settlements after it put back.
with facts as (
    select
        side,
        sum(balance) + coalesce(sum(assigned_amount + financial_discount_amount) filter (
            where settlement_date > $as_of and not is_rejected
        ), 0) as balance,
        count(*) as summed_rows
    from silver.fact_payments
    where coalesce(document_date, date '1900-01-01') <= $as_of
    group by side
),

figures as (
    select
        side,
        sum(balance) as balance
    from computed.open_instalments
    group by side
)

select f.side || ': open are ' || coalesce(g.balance, 0) || ', in the facts ' || f.balance as problem
from facts as f
left join figures as g on f.side = g.side
where abs(f.balance - coalesce(g.balance, 0)) > 0.005 * f.summed_rows
