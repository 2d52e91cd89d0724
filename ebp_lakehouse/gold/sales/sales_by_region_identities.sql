-- What gold.sales_by_region must satisfy (semantics §13): each month's revenue is that of its facts, as sales_daily_kpi
-- has it, wherever they were delivered.
with facts as (  -- rounded per place, as here
    select
        strftime(d.date_value, '%Y-%m') as period,
        f.delivery_location_key,
        round(sum(f.net_amount_excl_tax), 2)::decimal(18, 2) as revenue
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
    group by all
),

expected as (
    select
        period,
        sum(revenue) as revenue
    from facts
    group by period
),

actual as (
    select
        period,
        sum(total_revenue) as revenue
    from computed.sales_by_region
    group by period
)

select
    period || ': revenue is ' || coalesce(a.revenue, 0) || ' by place, ' || coalesce(e.revenue, 0)
    || ' in the facts' as problem
from expected as e
full outer join actual as a using (period)
where coalesce(a.revenue, 0) <> coalesce(e.revenue, 0)
order by period
