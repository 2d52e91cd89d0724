-- gold.sales_by_region: one row per month and place with sales in it or in the month before, up to $as_of; formulas in
-- sales_by_region.py. The place is the document's own address, not the customer's of today.
with sales as (
    select
        l.location_key,
        c.customer_id,
        c.customer_id <> '(unknown)' and f.document_type = 'Invoice' as is_customer,
        f.document_id,
        f.document_type = 'Invoice' as is_invoice,
        f.net_amount_excl_tax as net,
        f.cost_amount as cost,
        d.date_value as document_date,
        date_trunc('month', d.date_value)::date as month
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join silver.dim_customer as c using (customer_key)
    inner join silver.dim_location as l on f.delivery_location_key = l.location_key
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

months as (
    select
        location_key,
        month,
        count(distinct customer_id) filter (where is_customer) as customers,
        count(distinct document_id) filter (where is_invoice) as orders,
        cents(sum(net)) as revenue,
        cents(sum(cost)) as cost
    from sales
    group by all
),

places as (  -- a place that stops selling is shown once more, with nothing
    select
        location_key,
        month
    from months
    union
    select
        location_key,
        (month + interval 1 month)::date
    from months
    where month + interval 1 month <= $as_of
),

-- A customer's invoices at a place count from their day to the month's end in which they become a year old.
windows as (
    select
        location_key,
        month,
        least(last_day(month), $as_of) as window_end
    from places
),

customer_days as (
    select distinct
        location_key,
        customer_id,
        document_date
    from sales
    where is_customer
),

reached as (
    select
        w.location_key,
        w.month,
        count(distinct s.customer_id) as customers
    from windows as w
    inner join customer_days as s
        on
            w.location_key = s.location_key
            and w.window_end >= s.document_date
            and s.document_date > w.window_end - to_months($penetration_months)
    group by all
),

figures as (
    select
        w.location_key,
        w.month,
        coalesce(m.customers, 0) as customers,
        coalesce(m.orders, 0) as orders,
        coalesce(m.revenue, 0) as revenue,
        coalesce(m.cost, 0) as cost,
        coalesce(r.customers, 0) as customers_12_months,
        before.revenue as previous_revenue,
        year_before.revenue as year_before_revenue,
        coalesce(l.potential_customers, l.population * $potential_per_inhabitant) as potential,
        case
            when l.potential_customers is not null then 'market_size'
            when l.population is not null then 'inhabitants'
        end as potential_source
    from windows as w
    inner join silver.dim_location as l using (location_key)
    left join months as m using (location_key, month)
    left join reached as r using (location_key, month)
    left join months as before on w.location_key = before.location_key and w.month = before.month + interval 1 month
    left join months as year_before
        on w.location_key = year_before.location_key and w.month = year_before.month + interval 1 year
)

select
    strftime(month, '%Y-%m') as period,
    location_key,
    customers as total_customers,
    orders as total_orders,
    revenue as total_revenue,
    revenue - cost as total_margin,
    case
        when customers > 0 then cents(revenue / customers)
    end as revenue_per_customer,
    customers_12_months,
    potential::double as potential_customers,
    potential_source,
    case when potential > 0 then least(1, customers_12_months / potential) end as market_penetration_rate,
    case
        when previous_revenue > 0 then (revenue - previous_revenue)::double / previous_revenue::double
    end as growth_rate_vs_previous_period,
    case
        when year_before_revenue > 0 then (revenue - year_before_revenue)::double / year_before_revenue::double
    end as growth_vs_previous_year
from figures
order by month, location_key
