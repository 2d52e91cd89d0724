-- gold.revenue_bridge: one row per pair of periods and product family, as of $as_of; formulas in revenue_bridge.py.
-- Customers and products are told apart by their durable codes; a product's family is today's, so that a move between
-- families is neither a loss nor a gain.
with fiscal as (
    select min(d.date_value) as first_day
    from silver.dim_date as d
    where
        d.date_value <= $as_of
        and d.fiscal_year = (select t.fiscal_year from silver.dim_date as t where t.date_value = $as_of)
),

comparisons as (
    select
        'rolling_12_months' as comparison,
        ($as_of - to_months(2 * $sales_months) + interval 1 day)::date as previous_start,
        ($as_of - to_months($sales_months))::date as previous_end,
        ($as_of - to_months($sales_months) + interval 1 day)::date as period_start
    union all
    select
        'fiscal_year_to_date',
        (first_day - interval 1 year)::date,
        ($as_of - interval 1 year)::date,
        first_day
    from fiscal
    union all
    select
        'month',
        (date_trunc('month', $as_of) - interval 1 year)::date,
        ($as_of - interval 1 year)::date,
        date_trunc('month', $as_of)::date
),

-- In a fiscal year of more than twelve months the two overlap: a sale of the overlap is one of each.
periods as (
    select
        comparison,
        false as is_later,
        previous_start as first_day,
        previous_end as last_day
    from comparisons
    union all
    select
        comparison,
        true,
        period_start,
        $as_of
    from comparisons
),

families as (
    select
        product_id,
        family_name
    from silver.dim_product
    where is_current
),

sales as (
    select
        x.comparison,
        x.is_later,
        c.customer_id,
        p.product_id,
        p.is_commercial_product as is_product,
        p.unit,
        case
            when p.is_commercial_product then coalesce(a.family_name, 'Sans famille')
            else 'Hors articles'
        end as family_name,
        f.document_type = 'Invoice' as is_invoice,
        f.quantity,
        f.net_amount_excl_tax as net
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join silver.dim_customer as c using (customer_key)
    inner join silver.dim_product as p using (product_key)
    left join families as a on p.product_id = a.product_id
    inner join periods as x on d.date_value between x.first_day and x.last_day
    where f.document_type in ('Invoice', 'CreditNote')
),

buyers as (
    select
        comparison,
        customer_id,
        bool_or(is_later) as bought_later,
        bool_or(not is_later) as bought_before
    from sales
    where is_invoice
    group by all
),

totals as (  -- the signed change of each row: what came in the later period less what was in the earlier one
    select
        s.comparison,
        s.family_name,
        coalesce(sum(s.net) filter (where not s.is_later), 0) as opening,
        coalesce(sum(s.net) filter (where s.is_later), 0) as closing,
        coalesce(sum(s.net) filter (where s.is_invoice and not b.bought_before), 0) as new_customers,
        -coalesce(sum(s.net) filter (where s.is_invoice and not b.bought_later), 0) as lost_customers,
        coalesce(sum(case when s.is_later then s.net else -s.net end) filter (where not s.is_invoice), 0)
            as credit_notes
    from sales as s
    left join buyers as b using (comparison, customer_id)
    group by all
),

kept_products as (  -- what the customers of both periods bought
    select
        s.comparison,
        s.family_name,
        s.product_id,
        any_value(s.unit) as unit,
        count(distinct coalesce(s.unit, '')) as units,
        bool_or(s.is_later) as is_bought_later,
        bool_or(not s.is_later) as was_bought_before,
        coalesce(sum(s.quantity) filter (where not s.is_later), 0)::double as quantity_before,
        coalesce(sum(s.quantity) filter (where s.is_later), 0)::double as quantity_later,
        coalesce(sum(s.net) filter (where not s.is_later), 0)::double as net_before,
        coalesce(sum(s.net) filter (where s.is_later), 0)::double as net_later
    from sales as s
    inner join buyers as b using (comparison, customer_id)
    where s.is_invoice and s.is_product and b.bought_later and b.bought_before
    group by s.comparison, s.family_name, s.product_id
),

turnover_of_products as (
    select
        comparison,
        family_name,
        sum(net_later) filter (where not was_bought_before) as new_products,
        -sum(net_before) filter (where not is_bought_later) as lost_products
    from kept_products
    group by all
),

comparable as (
    select
        *,
        net_before / quantity_before as price_before
    from kept_products
    where was_bought_before and is_bought_later and units = 1 and quantity_before > 0 and quantity_later > 0
),

by_unit as (  -- pieces and hours are not added up: a family's volume is that of each of its units
    select
        comparison,
        family_name,
        (sum(quantity_later) - sum(quantity_before)) * sum(net_before) / sum(quantity_before) as volume,
        sum(net_later - quantity_later * price_before) as price,
        sum((quantity_later - quantity_before) * price_before) as quantity_change
    from comparable
    group by comparison, family_name, coalesce(unit, '')
),

volumes as (  -- sums of doubles: half a cent is one on every run only without their last digits
    select
        comparison,
        family_name,
        round(sum(volume), 6) as volume,
        round(sum(price), 6) as price,
        round(sum(quantity_change) - sum(volume), 6) as mix
    from by_unit
    group by all
),

effects as (
    select
        t.comparison,
        t.family_name,
        cents(t.opening) as opening_revenue,
        cents(t.new_customers) as new_customers_effect,
        cents(t.lost_customers) as lost_customers_effect,
        cents(coalesce(p.new_products, 0)) as new_products_effect,
        cents(coalesce(p.lost_products, 0)) as lost_products_effect,
        cents(coalesce(v.volume, 0)) as volume_effect,
        cents(coalesce(v.price, 0)) as price_effect,
        cents(coalesce(v.mix, 0)) as mix_effect,
        cents(t.credit_notes) as credit_notes_effect,
        cents(t.closing) as closing_revenue
    from totals as t
    left join turnover_of_products as p using (comparison, family_name)
    left join volumes as v using (comparison, family_name)
)

select
    e.comparison,
    e.family_name,
    x.previous_start as previous_start_date,
    x.previous_end as previous_end_date,
    x.period_start as period_start_date,
    $as_of as period_end_date,
    e.opening_revenue,
    e.new_customers_effect,
    e.lost_customers_effect,
    e.new_products_effect,
    e.lost_products_effect,
    e.volume_effect,
    e.price_effect,
    e.mix_effect,
    e.credit_notes_effect,
    e.closing_revenue - e.opening_revenue - e.new_customers_effect - e.lost_customers_effect
    - e.new_products_effect - e.lost_products_effect - e.volume_effect - e.price_effect - e.mix_effect
    - e.credit_notes_effect as other_effect,
    e.closing_revenue,
    case
        when e.opening_revenue > 0
            then (e.closing_revenue - e.opening_revenue)::double / e.opening_revenue::double * 100
    end as growth_percent
from effects as e
inner join comparisons as x using (comparison)
order by e.comparison, e.family_name
