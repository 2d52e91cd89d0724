-- gold.sales_daily_kpi: one row per day from the first document to $as_of; formulas in sales_daily_kpi.py.
-- Facts dated after $as_of wait (semantics V5); customers are counted by their durable id (V1).
with sales as (
    select
        f.*,
        d.date_value as document_date,
        p.is_commercial_product
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join silver.dim_product as p using (product_key)
    where d.date_value <= $as_of
),

revenue as (  -- K2: invoices and credit notes, nothing else
    select
        date_key as date_id,
        count(distinct document_id) filter (where document_type = 'Invoice') as total_orders_count,
        sum(net_amount_excl_tax) as revenue_excl_tax,
        sum(net_amount_incl_tax) as revenue_incl_tax,
        sum(cost_amount) as cost,
        sum(net_amount_excl_tax) filter (where document_type = 'Invoice') as gross_invoiced,
        sum(net_amount_excl_tax) filter (where document_type = 'CreditNote') as credit_notes,
        sum(net_amount_excl_tax) filter (where row_origin = 'header') as ancillary,
        sum(financial_discount_amount) as financial_discount,
        sum(net_amount_excl_tax) filter (where is_cost_missing) as revenue_without_cost,
        count(distinct product_id) filter (where document_type = 'Invoice' and is_commercial_product) as products,
        count(*) filter (where document_type = 'Invoice' and row_origin = 'line') as invoice_lines
    from sales
    where document_type in ('Invoice', 'CreditNote')
    group by date_key
),

customer_days as (  -- an invoice without a customer is nobody's first nor next
    select distinct
        customer_id,
        date_key as date_id,
        min(date_key) over (partition by customer_id) as first_date_id
    from sales
    where document_type = 'Invoice' and customer_id is not null
),

customers as (
    select
        date_id,
        count(*) filter (where date_id = first_date_id) as new_customers,
        count(*) filter (where date_id > first_date_id) as returning_customers
    from customer_days
    group by date_id
),

-- One per chain of revisions: the last one that the day knows gives date and amount; any may have been converted.
quotes as (
    select
        quote_id,
        date_key as date_id,
        sum(net_amount_excl_tax) as amount,
        min(min(converted_date)) over (partition by quote_id) as converted_date
    from sales
    where document_type = 'Quote'
    group by quote_id, document_id, date_key, is_last_revision
    qualify row_number() over (partition by quote_id order by is_last_revision desc, date_key desc, document_id) = 1
),

quote_days as (
    select
        date_id,
        count(*) as quotes,
        sum(amount) as amount,
        count(*) filter (where converted_date <= $as_of) as converted
    from quotes
    group by date_id
),

others as (
    select
        date_key as date_id,
        count(distinct document_id) filter (where document_type = 'Order') as orders,
        sum(net_amount_excl_tax) filter (where document_type = 'Order') as orders_excl_tax,
        sum(net_amount_incl_tax) filter (
            where document_type in ('DepositInvoice', 'DepositCreditNote')
        ) as deposits
    from sales
    where document_type not in ('Invoice', 'CreditNote', 'Quote')
    group by date_key
)

select
    d.date_id,
    coalesce(r.total_orders_count, 0) as total_orders_count,
    cents(coalesce(r.revenue_excl_tax, 0)) as total_revenue_excl_tax,
    cents(coalesce(r.revenue_incl_tax, 0)) as total_revenue_incl_tax,
    cents(coalesce(r.cost, 0)) as total_cost,
    total_revenue_excl_tax - total_cost as total_margin,
    case
        when total_revenue_excl_tax > 0 then total_margin::double / total_revenue_excl_tax::double * 100
    end as margin_percent,
    case
        when r.total_orders_count > 0
            then cents(total_revenue_excl_tax / r.total_orders_count)
    end as average_order_value,
    coalesce(c.new_customers, 0) as new_customers_count,
    coalesce(c.returning_customers, 0) as returning_customers_count,
    coalesce(r.products, 0) as products_sold_count,
    case
        when r.total_orders_count > 0 then r.invoice_lines::double / r.total_orders_count
    end as avg_items_per_order,
    q.converted::double / q.quotes as conversion_rate,
    cents(coalesce(r.gross_invoiced, 0)) as gross_invoiced,
    cents(coalesce(r.credit_notes, 0)) as credit_notes_amount,
    cents(coalesce(r.ancillary, 0)) as ancillary_revenue,
    coalesce(o.orders, 0) as order_intake_count,
    cents(coalesce(o.orders_excl_tax, 0)) as order_intake_excl_tax,
    coalesce(q.quotes, 0) as quotes_count,
    cents(coalesce(q.amount, 0)) as quotes_amount,
    cents(coalesce(o.deposits, 0)) as deposits_invoiced,
    cents(coalesce(r.financial_discount, 0)) as financial_discount,
    case
        when total_revenue_excl_tax > 0
            then coalesce(r.revenue_without_cost, 0)::double / total_revenue_excl_tax::double * 100
    end as revenue_without_cost_percent
from silver.dim_date as d
left join revenue as r using (date_id)
left join customers as c using (date_id)
left join quote_days as q using (date_id)
left join others as o using (date_id)
where d.date_value between (select min(s.document_date) from sales as s) and $as_of
order by d.date_id
