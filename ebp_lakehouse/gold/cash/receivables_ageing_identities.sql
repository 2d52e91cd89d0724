-- What gold.receivables_ageing must satisfy (semantics §13): the ages sum to what each debtor owes, and with the credit
-- notes to the open instalments of customers.
with figures as (
    select
        coalesce((select sum(not_due + overdue + credit_notes) from computed.receivables_ageing), 0) as aged,
        coalesce((select sum(balance) from computed.open_instalments where side = 'customer'), 0) as open_then
)

select 'the ages and credit notes make ' || aged || ', the open instalments ' || open_then as problem
from figures
where aged <> open_then
union all
select debtor_id || ': the ages do not make ' || receivables
from computed.receivables_ageing
where not_due + overdue + credit_notes + unallocated_cash <> receivables
