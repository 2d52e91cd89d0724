-- What gold.sales_by_product must satisfy (semantics §13): with the rows that are no product (header amounts, free
-- text, codes without a master) its revenue is that of the facts of the window, as sales_daily_kpi has it.
with facts as (  -- rounded per product, as here
    select
        p.product_id,
        p.is_commercial_product,
        round(sum(f.net_amount_excl_tax), 2)::decimal(18, 2) as revenue
    from silver.fact_sales as f
    inner join silver.dim_product as p using (product_key)
    inner join silver.dim_date as d on f.date_key = d.date_id
    where
        f.document_type in ('Invoice', 'CreditNote')
        and d.date_value > $as_of - to_months($sales_months)
        and d.date_value <= $as_of
    group by all
),

expected as (
    select
        coalesce(sum(revenue), 0) as revenue,
        coalesce(sum(revenue) filter (where not is_commercial_product), 0) as other_revenue
    from facts
),

actual as (
    select coalesce(sum(total_revenue), 0) as revenue from computed.sales_by_product
)

select
    'revenue of the period is ' || a.revenue || ' by product and ' || e.other_revenue || ' of what is none, '
    || e.revenue || ' in the facts up to ' || $as_of as problem
from actual as a
cross join expected as e
where a.revenue + e.other_revenue <> e.revenue
