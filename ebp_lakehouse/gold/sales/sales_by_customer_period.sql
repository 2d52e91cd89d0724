-- gold.sales_by_customer_period: one row per customer and window with sales, as of $as_of; formulas are in
-- sales_by_customer_period.py. The fiscal year is that of dim_date; the same days of the year before are found by their
-- month and day, since a fiscal year may be long or short.
with fiscal as (
    select min(d.date_value) as first_day
    from silver.dim_date as d
    where
        d.date_value <= $as_of
        and d.fiscal_year = (select t.fiscal_year from silver.dim_date as t where t.date_value = $as_of)
),

periods as (
    select
        'month' as period_type,
        date_trunc('month', $as_of)::date as period_start,
        $as_of as period_end
    union all
    select
        'fiscal_year_to_date',
        first_day,
        $as_of
    from fiscal
    union all
    select
        'previous_fiscal_year_to_date',
        (first_day - interval 1 year)::date,
        ($as_of - interval 1 year)::date
    from fiscal
    union all
    select
        'previous_year',
        ($as_of - to_months(2 * $sales_months) + interval 1 day)::date,
        ($as_of - to_months($sales_months))::date
),

totals as (
    select
        c.customer_id,
        p.period_type,
        p.period_start,
        p.period_end,
        count(distinct f.document_id) filter (where f.document_type = 'Invoice') as total_orders,
        cents(sum(f.net_amount_excl_tax)) as total_revenue,
        cents(sum(f.cost_amount)) as total_cost
    from silver.fact_sales as f
    inner join silver.dim_customer as c using (customer_key)
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join periods as p on d.date_value between p.period_start and p.period_end
    where f.document_type in ('Invoice', 'CreditNote')
    group by all
)

select
    c.customer_key,
    t.period_type,
    t.customer_id,
    t.period_start as period_start_date,
    t.period_end as period_end_date,
    t.total_orders,
    t.total_revenue,
    t.total_revenue - t.total_cost as total_margin,
    case
        when t.total_revenue > 0 then total_margin::double / t.total_revenue::double * 100
    end as margin_percent,
    case
        when t.total_orders > 0
            then cents(t.total_revenue / t.total_orders)
    end as average_order_value
from totals as t
inner join silver.dim_customer as c on t.customer_id = c.customer_id and c.is_current
order by t.period_type, t.customer_id
