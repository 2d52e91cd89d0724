{#
    Features of products as of int_as_of: one row per commercial product, one column per feature. Only what is dated up to that
    day counts, and windows leave out their first day.
-#}
with as_of as (select as_of from {{ ref('int_as_of') }}),

sales as (
    select
        sales.*,
        dates.date_value as day
    from {{ ref('fact_sales') }} as sales
    inner join {{ ref('dim_date') }} as dates on sales.date_key = dates.date_id
    cross join as_of
    where
        sales.row_origin = 'line' and dates.date_value <= as_of.as_of
        and dates.date_value > as_of.as_of - to_months(12)
),

-- The kinds of document that a line was made from, whenever they were.
origins as (
    select
        edges.transferred_line_id as line_id,
        bool_or(origin.document_type = 'Delivery') as is_from_delivery,
        bool_or(origin.document_type = 'Return') as is_from_return
    from {{ ref('stg_document_line_association') }} as edges
    inner join {{ ref('fact_sales') }} as origin on edges.origin_line_id = origin.line_id
    group by all
),

-- What was delivered and then invoiced, or returned and then credited, counts once.
sold as (
    select
        sales.product_id,
        coalesce(sum(sales.quantity) filter (where sales.document_type = 'Invoice' and sales.day > as_of.as_of - 30), 0)
            as invoiced_30,
        count(distinct sales.customer_id) filter (
            where sales.document_type = 'Invoice' and sales.day > as_of.as_of - 90
        ) as customers_90,
        sum(sales.net_amount_excl_tax) filter (where sales.document_type in ('Invoice', 'CreditNote')) as revenue,
        sum(sales.margin_amount) filter (where sales.document_type in ('Invoice', 'CreditNote')) as margin,
        coalesce(sum(sales.quantity) filter (
            where sales.document_type = 'Delivery'
            or (sales.document_type = 'Invoice' and not coalesce(origins.is_from_delivery, false))
        ), 0) as delivered,
        coalesce(-sum(sales.quantity) filter (
            where sales.document_type = 'Return'
            or (sales.document_type = 'CreditNote' and not coalesce(origins.is_from_return, false))
        ), 0) as returned
    from sales
    cross join as_of
    left join origins on sales.line_id = origins.line_id
    group by all
),

-- Cost of what was issued, as the movements say; what customers bring back is not taken off.
issues as (
    select
        moves.product_id,
        -sum(moves.cost_amount) as cost
    from {{ ref('fact_stock_movements') }} as moves
    inner join {{ ref('dim_date') }} as dates on moves.date_key = dates.date_id
    cross join as_of
    where
        moves.is_demand and moves.quantity < 0 and dates.date_value <= as_of.as_of
        and dates.date_value > as_of.as_of - to_months(12)
    group by all
),

-- Thirteen evenings: the as-of day and the twelve month-ends before it; a product not there yet was worth nothing.
evenings as (
    select as_of as day from as_of
    union
    select last_day(cast(as_of - to_months(cast(months.back as integer)) as date)) as day
    from as_of
    cross join (select unnest(generate_series(1, 12)) as back) as months
),

stocks as (
    select
        inventory.product_id,
        sum(inventory.stock_value) / 13 as mean_value
    from {{ ref('fact_inventory') }} as inventory
    inner join {{ ref('dim_date') }} as dates on inventory.date_key = dates.date_id
    inner join evenings on dates.date_value = evenings.day
    group by all
)

select
    products.product_id as entity_key,
    coalesce(sold.invoiced_30, 0) / 30.0 as sales_velocity_last_30_days,
    coalesce(sold.customers_90, 0) as customer_count_last_90_days,
    case when sold.revenue > 0 then cast(sold.margin as double) / cast(sold.revenue as double) * 100 end
        as margin_percent_avg,
    case when sold.delivered > 0 then cast(sold.returned as double) / cast(sold.delivered as double) end as return_rate,
    case
        when stocks.mean_value > 0 then cast(coalesce(issues.cost, 0) as double) / cast(stocks.mean_value as double)
    end
        as stock_turnover_ratio
from {{ ref('dim_product') }} as products
left join sold on products.product_id = sold.product_id
left join issues on products.product_id = issues.product_id
left join stocks on products.product_id = stocks.product_id
where products.is_current and products.is_commercial_product
