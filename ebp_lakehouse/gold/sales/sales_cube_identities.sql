-- What gold.sales_cube must satisfy: the revenue of every grouping is the grand total, which is that of the facts. Half
-- a cent for each row of a grouping, whose revenue is rounded.
with expected as (
    select coalesce(sum(f.net_amount_excl_tax), 0) as revenue
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

actual as (
    select
        grouping_id,
        sum(revenue) as revenue,
        count(*) as cells
    from computed.sales_cube
    group by grouping_id
)

select
    'grouping ' || a.grouping_id || ': revenue is ' || a.revenue || ', ' || round(e.revenue, 2)
    || ' in the facts up to ' || $as_of as problem
from actual as a
cross join expected as e
where abs(a.revenue - e.revenue) > 0.005 * a.cells
order by a.grouping_id
