-- gold.receivables_ageing: what each debtor owes on the evening of $as_of, by age; formulas in receivables_ageing.py.
with aged as (
    select
        third_id as debtor_id,
        sum(balance) filter (where balance > 0 and days_overdue <= 0) as not_due,
        sum(balance) filter (where balance > 0 and days_overdue between 1 and 30) as days_1_30,
        sum(balance) filter (where balance > 0 and days_overdue between 31 and 60) as days_31_60,
        sum(balance) filter (where balance > 0 and days_overdue between 61 and 90) as days_61_90,
        sum(balance) filter (where balance > 0 and days_overdue > 90) as days_over_90,
        sum(balance) filter (where balance < 0) as credit_notes,
        sum(balance) filter (where balance > 0 and is_doubtful) as doubtful,
        max(days_overdue) filter (where balance > 0 and days_overdue > 0) as oldest_days
    from computed.open_instalments
    where side = 'customer'
    group by third_id
),

-- Cash that settles nothing yet, and cash that by now settles a document which did not exist on that day.
settlements as (
    select
        coalesce(third_id, '(unknown)') as debtor_id,
        -sum(unassigned_amount) as cash
    from silver.fact_settlements
    where settlement_date <= $as_of and not is_rejected
    group by all
    union all
    select
        coalesce(third_id, '(unknown)') as debtor_id,
        -sum(assigned_amount) as cash
    from silver.fact_payments
    where
        side = 'customer' and document_date > $as_of and settlement_date <= $as_of
        and not is_rejected and not is_set_off
    group by all
),

unallocated as (
    select
        debtor_id,
        sum(cash) as cash
    from settlements
    group by debtor_id
),

-- Revenue of who owes it, per day.
sales as (
    select
        coalesce(f.payer_id, f.customer_id, '(unknown)') as debtor_id,
        d.date_value as day,
        sum(f.net_amount_incl_tax) as amount
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
    group by all
),

turnover as (
    select
        debtor_id,
        sum(amount) filter (where day > $as_of - interval 12 months) as amount
    from sales
    group by debtor_id
),

owed as (
    select
        coalesce(aged.debtor_id, unallocated.debtor_id) as debtor_id,
        coalesce(aged.not_due, 0) as not_due,
        coalesce(aged.days_1_30, 0) as days_1_30,
        coalesce(aged.days_31_60, 0) as days_31_60,
        coalesce(aged.days_61_90, 0) as days_61_90,
        coalesce(aged.days_over_90, 0) as days_over_90,
        coalesce(aged.credit_notes, 0) as credit_notes,
        coalesce(unallocated.cash, 0) as unallocated_cash,
        coalesce(aged.doubtful, 0) as doubtful,
        aged.oldest_days
    from aged
    full join unallocated on aged.debtor_id = unallocated.debtor_id
    where
        coalesce(aged.not_due, 0) <> 0 or coalesce(aged.days_1_30, 0) <> 0 or coalesce(aged.days_31_60, 0) <> 0
        or coalesce(aged.days_61_90, 0) <> 0 or coalesce(aged.days_over_90, 0) <> 0
        or coalesce(aged.credit_notes, 0) <> 0 or coalesce(unallocated.cash, 0) <> 0
),

totals as (
    select
        *,
        days_1_30 + days_31_60 + days_61_90 + days_over_90 as overdue,
        not_due + overdue + credit_notes + unallocated_cash as receivables
    from owed
),

-- Count-back: from $as_of backwards, the first day at which the revenue since then absorbs what is owed.
absorbed as (
    select
        debtor_id,
        max(day) as day
    from (
        select
            t.debtor_id,
            s.day,
            sum(s.amount) over (partition by t.debtor_id order by s.day desc) as amount,
            t.receivables
        from totals as t
        inner join sales as s on t.debtor_id = s.debtor_id
    )
    where amount >= receivables and receivables > 0
    group by debtor_id
)

select
    coalesce(c.customer_key, md5('orphan')) as debtor_key,
    t.debtor_id,
    cents(t.not_due) as not_due,
    cents(t.days_1_30) as days_1_30,
    cents(t.days_31_60) as days_31_60,
    cents(t.days_61_90) as days_61_90,
    cents(t.days_over_90) as days_over_90,
    cents(t.credit_notes) as credit_notes,
    cents(t.unallocated_cash) as unallocated_cash,
    cents(t.doubtful) as doubtful,
    cents(t.overdue) as overdue,
    cents(t.receivables) as receivables,
    t.oldest_days::integer as oldest_overdue_days,
    cents(coalesce(v.amount, 0)) as revenue_incl_tax_12_months,
    case when v.amount > 0 then t.receivables::double / v.amount::double * 365 end as dso_days,
    ($as_of - a.day + 1)::integer as dso_count_back_days,
    cents(c.credit_limit) as credit_limit,
    case when c.credit_limit > 0 then t.receivables::double / c.credit_limit::double end as credit_limit_use
from totals as t
left join turnover as v on t.debtor_id = v.debtor_id
left join absorbed as a on t.debtor_id = a.debtor_id
left join silver.dim_customer as c on t.debtor_id = c.customer_id and c.is_current
order by t.debtor_id
