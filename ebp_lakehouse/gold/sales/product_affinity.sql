-- gold.product_affinity: one row per pair of goods on at least $affinity_minimum_invoices invoices together, in the
-- $affinity_months to $as_of; formulas in product_affinity.py.
with bounds as (
    select ($as_of - to_months($affinity_months) + interval 1 day)::date as period_start
),

invoice_rows as (
    select
        f.document_id,
        p.product_id,
        p.is_commercial_product and p.type <> 'Service' as is_good
    from silver.fact_sales as f
    inner join silver.dim_product as p using (product_key)
    inner join silver.dim_date as d on f.date_key = d.date_id
    cross join bounds as b
    where f.document_type = 'Invoice' and d.date_value between b.period_start and $as_of
),

invoices as (
    select count(distinct document_id) as invoices_total from invoice_rows
),

baskets as (
    select distinct
        document_id,
        product_id
    from invoice_rows
    where is_good
),

goods as (  -- an item that is not on enough invoices alone is in no pair either
    select
        product_id,
        count(*) as invoices
    from baskets
    group by product_id
    having count(*) >= $affinity_minimum_invoices
),

kept as (
    select
        b.document_id,
        b.product_id
    from baskets as b
    semi join goods using (product_id)
),

pairs as (
    select
        a.product_id as product_id_a,
        b.product_id as product_id_b,
        count(*) as invoices_together
    from kept as a
    inner join kept as b on a.document_id = b.document_id and a.product_id < b.product_id
    group by all
    having count(*) >= $affinity_minimum_invoices
),

current_products as (
    select
        product_id,
        product_key
    from silver.dim_product
    where is_current
)

select
    a.product_key as product_key_a,
    b.product_key as product_key_b,
    p.product_id_a,
    p.product_id_b,
    w.period_start as period_start_date,
    $as_of as period_end_date,
    p.invoices_together,
    ga.invoices as invoices_a,
    gb.invoices as invoices_b,
    i.invoices_total,
    p.invoices_together / i.invoices_total as support,
    p.invoices_together / ga.invoices as confidence_a_to_b,
    p.invoices_together / gb.invoices as confidence_b_to_a,
    p.invoices_together * i.invoices_total / (ga.invoices * gb.invoices) as lift
from pairs as p
inner join goods as ga on p.product_id_a = ga.product_id
inner join goods as gb on p.product_id_b = gb.product_id
inner join current_products as a on p.product_id_a = a.product_id
inner join current_products as b on p.product_id_b = b.product_id
cross join invoices as i
cross join bounds as w
order by lift desc, p.product_id_a, p.product_id_b
