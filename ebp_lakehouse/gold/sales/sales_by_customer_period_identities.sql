-- What gold.sales_by_customer_period must satisfy: the revenue of each window is that of the facts of its days.
with actual as (
    select
        period_type,
        period_start_date,
        period_end_date,
        sum(total_revenue) as revenue
    from computed.sales_by_customer_period
    group by all
),

facts as (  -- rounded per customer, as here
    select
        a.period_type,
        round(sum(f.net_amount_excl_tax), 2)::decimal(18, 2) as revenue
    from silver.fact_sales as f
    inner join silver.dim_customer as c using (customer_key)
    inner join actual as a
        on
            f.date_key between strftime(a.period_start_date, '%Y%m%d')::integer
            and strftime(a.period_end_date, '%Y%m%d')::integer
    where f.document_type in ('Invoice', 'CreditNote')
    group by a.period_type, c.customer_id
)

select a.period_type || ': revenue is ' || a.revenue || ' by customer, ' || sum(f.revenue) || ' in the facts' as problem
from actual as a
inner join facts as f using (period_type)
group by a.period_type, a.revenue
having a.revenue <> sum(f.revenue)
