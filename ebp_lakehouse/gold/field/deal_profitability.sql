-- gold.deal_profitability: one row per deal as of $as_of; formulas in the .py beside it.
-- Costs without a day (hours: EBP keeps their sum) count on every day.
with sales as (
    select
        upper(f.deal_id) as deal_match,
        sum(f.net_amount_excl_tax) filter (where f.document_type = 'Order') as order_intake,
        sum(f.net_amount_excl_tax) filter (where f.document_type in ('Invoice', 'CreditNote')) as invoiced
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.deal_id is not null and d.date_value <= $as_of
    group by upper(f.deal_id)
),

costs as (
    select
        c.deal_key,
        sum(c.amount) filter (where c.cost_type = 'Purchase') as purchases,
        sum(c.amount) filter (where c.cost_type = 'Stock') as stock,
        sum(c.amount) filter (where c.cost_type = 'Hours') as hours_cost,
        sum(c.hours) as hours
    from silver.fact_deal_costs as c
    left join silver.dim_date as d on c.date_key = d.date_id
    where c.is_counted and (c.date_key = -1 or d.date_value <= $as_of)
    group by c.deal_key
),

customers as (
    select
        customer_id,
        customer_key
    from silver.dim_customer
    where is_current
),

deals as (
    select
        d.deal_key,
        d.deal_id,
        d.deal_date,
        d.customer_id,
        len(d.customer_ids) as customers,
        cents(coalesce(d.budget_sales, 0)) as budget_sales,
        cents(coalesce(d.budget_costs, 0)) as budget_costs,
        round(coalesce(d.budget_hours, 0), 3)::decimal(18, 3) as budget_hours,
        cents(coalesce(s.order_intake, 0)) as order_intake,
        cents(coalesce(s.invoiced, 0)) as invoiced,
        cents(coalesce(c.purchases, 0)) as purchase_costs,
        cents(coalesce(c.stock, 0)) as stock_costs,
        cents(coalesce(c.hours_cost, 0)) as hours_costs,
        round(coalesce(c.hours, 0), 3)::decimal(18, 3) as actual_hours,
        cents(d.ebp_margin) as ebp_margin
    from silver.dim_deal as d
    left join sales as s on upper(d.deal_id) = s.deal_match
    left join costs as c on d.deal_key = c.deal_key
    where d.deal_key not in (md5('unknown'), md5('orphan'))
)

select
    d.deal_key,
    d.deal_id,
    d.deal_date,
    coalesce(c.customer_key, case when d.customer_id is null then md5('unknown') else md5('orphan') end)
        as customer_key,
    d.customer_id,
    d.customers as customers_count,
    d.budget_sales,
    d.budget_costs,
    d.budget_sales - d.budget_costs as budget_margin,
    d.budget_hours,
    d.order_intake,
    d.invoiced,
    d.purchase_costs,
    d.stock_costs,
    d.hours_costs,
    d.purchase_costs + d.stock_costs + d.hours_costs as actual_costs,
    d.actual_hours,
    d.invoiced - actual_costs as margin,
    case when d.invoiced > 0 then margin::double / d.invoiced::double * 100 end as margin_percent,
    actual_costs - d.budget_costs as cost_drift,
    case when d.budget_costs > 0 then cost_drift::double / d.budget_costs::double * 100 end as cost_drift_percent,
    d.actual_hours - d.budget_hours as hours_drift,
    d.invoiced - d.budget_sales as sales_drift,
    d.ebp_margin,
    margin - d.ebp_margin as margin_gap
from deals as d
left join customers as c on d.customer_id = c.customer_id
order by d.deal_id
