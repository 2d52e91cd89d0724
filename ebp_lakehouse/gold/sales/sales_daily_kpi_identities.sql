-- What gold.sales_daily_kpi must satisfy (semantics §13): the sums of its facts, dated up to the partition's day. Facts
-- that have no day (date keys below 0: no date, or one outside the calendar) are in no daily series.
with facts as (
    select
        round(sum(net_amount_excl_tax), 2)::decimal(18, 2) as revenue,
        count(distinct customer_id) filter (where document_type = 'Invoice') as customers
    from silver.fact_sales
    where document_type in ('Invoice', 'CreditNote') and date_key between 0 and strftime($as_of, '%Y%m%d')::integer
    group by date_key
),

expected as (
    select
        coalesce(sum(revenue), 0) as revenue,
        coalesce(sum(customers), 0) as customers
    from facts
),

actual as (
    select
        coalesce(sum(total_revenue_excl_tax), 0) as revenue,
        coalesce(sum(new_customers_count + returning_customers_count), 0) as customers
    from computed.sales_daily_kpi
)

select 'revenue is ' || a.revenue || ' in the series, ' || e.revenue || ' in the facts up to ' || $as_of as problem
from actual as a
cross join expected as e
where a.revenue <> e.revenue
union all
select 'customer-days are ' || a.customers || ' in the series, ' || e.customers || ' in the facts up to ' || $as_of
from actual as a
cross join expected as e
where a.customers <> e.customers
