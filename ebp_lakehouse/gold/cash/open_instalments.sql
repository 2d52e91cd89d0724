-- gold.open_instalments: what is open of each instalment on the evening of $as_of; formulas in open_instalments.py.
-- Balances are today's, with what was settled after $as_of put back; documents dated after it wait (semantics V5, S5).
with instalments as (
    select
        commitment_id,
        side,
        coalesce(third_id, '(unknown)') as third_id,
        any_value(document_number) as document_number,
        any_value(due_date) as due_date,
        any_value(amount) as amount,
        sum(balance) + coalesce(sum(assigned_amount + financial_discount_amount) filter (
            where settlement_date > $as_of and not is_rejected
        ), 0) as balance,
        bool_or(is_doubtful) as is_doubtful,
        max(last_reminder_level) as last_reminder_level,
        max(reminder_count) as reminder_count
    from silver.fact_payments
    where coalesce(document_date, date '1900-01-01') <= $as_of
    group by commitment_id, side, third_id
)

select
    commitment_id,
    side,
    third_id,
    document_number,
    due_date,
    cents(amount) as amount,
    cents(balance) as balance,
    coalesce($as_of - due_date, 0)::integer as days_overdue,
    is_doubtful,
    reminder_count,
    last_reminder_level
from instalments
where cents(balance) <> 0
order by side, third_id, due_date, commitment_id
