-- gold.vat_due: VAT that a month makes due, from the first document to $as_of (semantics S6); formulas in vat_due.py.
with sales as (
    select
        f.document_id,
        date_trunc('month', d.date_value)::date as month_start,
        f.tax_amount,
        f.tax_on_collection_amount as tax_on_collection
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

waiting as (
    select
        document_id,
        month_start,
        sum(tax_on_collection) as tax
    from sales
    group by all
    having sum(tax_on_collection) <> 0
),

-- What is owed under each document: its deposits, paid before, are not in it.
owed as (
    select
        document_id,
        sum(amount) as amount
    from (
        select distinct
            document_id,
            commitment_id,
            amount
        from silver.fact_payments
        where side = 'customer' and document_id is not null
    )
    group by document_id
),

settled as (
    select
        document_id,
        date_trunc('month', settlement_date)::date as month_start,
        sum(assigned_amount + financial_discount_amount) as amount
    from silver.fact_payments
    where side = 'customer' and not is_rejected and settlement_date <= $as_of
    group by all
),

flows as (
    select
        month_start,
        tax_amount - tax_on_collection as on_debit,
        0 as on_collection,
        0 as deductible
    from sales
    union all
    select
        s.month_start,
        0 as on_debit,
        (w.tax::double * s.amount::double / o.amount::double)::decimal(28, 8) as on_collection,
        0 as deductible
    from waiting as w
    inner join owed as o on w.document_id = o.document_id and o.amount <> 0
    inner join settled as s on w.document_id = s.document_id
    union all
    -- Nothing is left to be paid: deposits cover it.
    select
        w.month_start,
        0 as on_debit,
        w.tax as on_collection,
        0 as deductible
    from waiting as w
    left join owed as o on w.document_id = o.document_id
    where coalesce(o.amount, 0) = 0
    union all
    select
        date_trunc('month', d.date_value)::date as month_start,
        0 as on_debit,
        0 as on_collection,
        f.tax_amount as deductible
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
)

select
    strftime(month_start, '%Y-%m') as period,
    cents(sum(on_debit)) as vat_on_debit,
    cents(sum(on_collection)) as vat_on_collection,
    cents(sum(deductible)) as vat_deductible,
    cents(sum(on_debit) + sum(on_collection) - sum(deductible)) as vat_due_estimate
from flows
group by month_start
order by month_start
