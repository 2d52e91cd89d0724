-- What gold.sales_by_customer must satisfy (semantics §13): revenue and lifetime value are those of the facts,
-- rounded per customer as here. sales_daily_kpi is held to the same facts, so both agree over a window.
with facts as (
    select
        round(
            coalesce(sum(f.net_amount_excl_tax) filter (where d.date_value > $as_of - to_months($sales_months)), 0), 2
        )
        ::decimal(18, 2) as revenue,
        round(sum(f.net_amount_excl_tax), 2)::decimal(18, 2) as lifetime,
        c.customer_id not in ('(unknown)', '(orphan)')
        and count(*) filter (where f.document_type = 'Invoice') > 0 as has_lifetime
    from silver.fact_sales as f
    inner join silver.dim_customer as c using (customer_key)
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
    group by c.customer_id
),

expected as (
    select
        coalesce(sum(revenue), 0) as revenue,
        coalesce(sum(lifetime) filter (where has_lifetime), 0) as lifetime
    from facts
),

actual as (
    select
        coalesce(sum(total_revenue), 0) as revenue,
        coalesce(sum(lifetime_value), 0) as lifetime
    from computed.sales_by_customer
)

select
    'revenue of the period is ' || a.revenue || ' by customer, ' || e.revenue || ' in the facts up to '
    || $as_of as problem
from actual as a
cross join expected as e
where a.revenue <> e.revenue
union all
select 'lifetime values add up to ' || a.lifetime || ', the facts up to ' || $as_of || ' to ' || e.lifetime
from actual as a
cross join expected as e
where a.lifetime <> e.lifetime
