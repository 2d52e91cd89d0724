-- gold.sales_by_product: one row per commercial product, as of $as_of; formulas in sales_by_product.py.
-- Counted by the durable code of the version that the row points at (V1); header amounts, free text and codes without a
-- master are no products.
with bounds as (
    select ($as_of - to_months($sales_months) + interval 1 day)::date as period_start
),

products as (
    select
        product_key,
        product_id,
        is_stock_managed,
        is_active
    from silver.dim_product
    where is_current and is_commercial_product
),

sales as (
    select
        p.product_id,
        f.document_id,
        f.document_type = 'Invoice' as is_invoice,
        f.quantity,
        f.net_amount_excl_tax as net,
        f.cost_amount as cost,
        d.date_value >= b.period_start as in_period,
        date_sub('month', b.period_start, d.date_value) as month_number
    from silver.fact_sales as f
    inner join silver.dim_product as p using (product_key)
    inner join silver.dim_date as d on f.date_key = d.date_id
    cross join bounds as b
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

totals as (
    select
        product_id,
        coalesce(sum(quantity) filter (where in_period), 0) as quantity,
        cents(coalesce(sum(net) filter (where in_period), 0)) as revenue,
        cents(coalesce(sum(cost) filter (where in_period), 0)) as cost,
        sum(quantity) filter (where in_period and is_invoice) as invoiced_quantity,
        count(distinct document_id) filter (where in_period and is_invoice) as invoices
    from sales
    group by product_id
),

bundled as (
    select
        p.product_id,
        sum(c.quantity) as quantity
    from silver.fact_sale_components as c
    inner join silver.dim_product as p using (product_key)
    inner join silver.dim_date as d on c.date_key = d.date_id
    cross join bounds as b
    where c.document_type in ('Invoice', 'CreditNote') and d.date_value between b.period_start and $as_of
    group by p.product_id
),

-- Demand of each month of the window, counted from its first day; what came back is no demand of its month.
months as (
    select
        product_id,
        month_number,
        sum(quantity)::double as demand
    from sales
    where in_period and is_invoice
    group by all
    having sum(quantity) > 0
),

demand as (  -- months without demand are zeros: the variance over all months follows from the sums
    select
        product_id,
        count(*) as busy_months,
        sqrt(greatest(sum(demand * demand) / $sales_months - pow(sum(demand) / $sales_months, 2), 0))
        / (sum(demand) / $sales_months) as variation,
        pow(coalesce(stddev_pop(demand), 0) / avg(demand), 2) as busy_variation_squared
    from months
    group by product_id
),

movements as (
    select
        m.product_id,
        sum(m.quantity) filter (where m.movement_kind = 'Purchase' and m.quantity > 0) as received,
        -sum(m.cost_amount) filter (where m.is_demand and m.quantity < 0) as issued_cost
    from silver.fact_stock_movements as m
    inner join silver.dim_date as d on m.date_key = d.date_id
    cross join bounds as b
    where d.date_value between b.period_start and $as_of
    group by m.product_id
),

-- The evenings at which stock is looked at: the kept day that comes last up to each.
evenings as (
    select
        wanted.evening,
        max(k.date_key) as date_key
    from (
        select
            unnest(
                list_transform(range(1, $sales_months + 1), lambda n: last_day(($as_of - to_months(n::integer))::date))
                || [$as_of]
            ) as evening
        union
        select (period_start - interval 1 day)::date from bounds
    ) as wanted
    inner join (select distinct date_key from silver.fact_inventory) as k
        on k.date_key <= strftime(wanted.evening, '%Y%m%d')::integer
    group by wanted.evening
),

stock as (  -- a pair that does not exist yet on an evening has none
    select
        i.product_id,
        sum(i.quantity_on_hand) filter (where e.evening + 1 = b.period_start) as at_start,
        sum(i.stock_value) filter (where e.evening = $as_of or e.evening = last_day(e.evening)) as summed_value,
        coalesce(bool_or(i.quantity_on_hand <> 0) filter (where e.evening = $as_of), false) as is_in_stock
    from silver.fact_inventory as i
    inner join evenings as e using (date_key)
    cross join bounds as b
    group by i.product_id
),

gathered as (
    select
        p.*,
        coalesce(t.quantity, 0) as quantity,
        coalesce(b.quantity, 0) as bundled_quantity,
        coalesce(t.revenue, 0) as revenue,
        coalesce(t.cost, 0) as cost,
        coalesce(t.revenue - t.cost, 0) as margin,
        t.invoiced_quantity / nullif(t.invoices, 0) as units_per_order,
        case when p.is_stock_managed then coalesce(s.at_start, 0) + coalesce(m.received, 0) end as could_be_sold,
        case when p.is_stock_managed then coalesce(s.summed_value, 0)::double / ($sales_months + 1) end as mean_value,
        coalesce(m.issued_cost, 0) * 12.0 / $sales_months as issued_cost,
        d.busy_months,
        d.variation,
        d.busy_variation_squared
    from products as p
    left join totals as t using (product_id)
    left join bundled as b using (product_id)
    left join demand as d using (product_id)
    left join movements as m using (product_id)
    left join stock as s using (product_id)
    where p.is_active or t.product_id is not null or coalesce(s.is_in_stock, false)
),

cumulated as (
    select
        *,
        sum(greatest(revenue, 0)) over () as positive_revenue,
        sum(greatest(revenue, 0)) over by_revenue - greatest(revenue, 0) as revenue_before,
        sum(greatest(margin, 0)) over () as positive_margin,
        sum(greatest(margin, 0)) over by_margin - greatest(margin, 0) as margin_before,
        issued_cost / case when mean_value > 0 then mean_value end as turnover
    from gathered
    window
        by_revenue as (order by revenue desc, product_id rows unbounded preceding),
        by_margin as (order by margin desc, product_id rows unbounded preceding)
)

select
    c.product_key,
    c.product_id,
    b.period_start as period_start_date,
    $as_of as period_end_date,
    round(c.quantity, 3)::decimal(18, 3) as total_quantity_sold,
    round(c.bundled_quantity, 3)::decimal(18, 3) as quantity_in_bundles,
    c.revenue as total_revenue,
    c.margin as total_margin,
    case when c.revenue > 0 then c.margin::double / c.revenue::double * 100 end as margin_percent,
    case when c.cost > 0 then c.margin::double / c.cost::double * 100 end as markup_percent,
    c.units_per_order::double as units_per_order_avg,
    case
        when c.could_be_sold > 0 then greatest(0, least(1, c.quantity::double / c.could_be_sold::double))
    end as sell_through_rate,
    cents(c.mean_value) as mean_stock_value,
    c.turnover as stock_turnover_ratio,
    365 / nullif(c.turnover, 0) as stock_coverage_days,
    case
        when c.revenue <= 0 then 'C'
        when c.revenue_before < $segment_cut_a * c.positive_revenue then 'A'
        when c.revenue_before < $segment_cut_b * c.positive_revenue then 'B'
        else 'C'
    end as abc_classification,
    case
        when c.margin <= 0 then 'C'
        when c.margin_before < $segment_cut_a * c.positive_margin then 'A'
        when c.margin_before < $segment_cut_b * c.positive_margin then 'B'
        else 'C'
    end as abc_margin,
    case
        when c.variation <= $xyz_cut_x then 'X'
        when c.variation <= $xyz_cut_y then 'Y'
        when c.variation is not null then 'Z'
    end as xyz_classification,
    case
        when c.busy_months is null then null
        when $sales_months / c.busy_months < $demand_adi and c.busy_variation_squared < $demand_cv2 then 'smooth'
        when $sales_months / c.busy_months < $demand_adi then 'erratic'
        when c.busy_variation_squared < $demand_cv2 then 'intermittent'
        else 'lumpy'
    end as demand_class,
    null::decimal(18, 3) as forecast_next_30_days
from cumulated as c
cross join bounds as b
order by c.product_id
