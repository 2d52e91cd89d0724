-- gold.sales_cube: sales up to $as_of by grouping sets, one row per group; formulas in sales_cube.py. Each month, and
-- all months, x no further dimension, one, or two of the other five: more at a time is what fact_sales is for.
-- PRS: the linter's DuckDB has no grouping sets.
with sales as (
    select
        strftime(d.date_value, '%Y-%m') as year_month,
        case
            when p.is_commercial_product then coalesce(pf.family_name, 'Non renseigné')
            else 'Hors articles'
        end as product_family,
        coalesce(cc.segment, 'Non renseigné') as customer_abc,
        coalesce(cc.family_name, 'Non renseigné') as customer_family,
        coalesce(l.region, 'Non renseigné') as region,
        coalesce(f.colleague_id, 'Non renseigné') as colleague_id,
        case when f.document_type = 'Invoice' then dense_rank() over (order by f.document_id) end as invoice,
        case
            when f.document_type = 'Invoice' and c.customer_id <> '(unknown)'
                then dense_rank() over (order by c.customer_id)
        end as customer,
        f.net_amount_excl_tax as net,
        f.cost_amount as cost,
        f.discount_amount as discount,
        case when p.is_commercial_product then f.quantity end as quantity,
        case when p.is_commercial_product then coalesce(p.unit, '') end as unit
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join silver.dim_customer as c using (customer_key)
    inner join silver.dim_customer as cc on c.customer_id = cc.customer_id and cc.is_current
    inner join silver.dim_product as p using (product_key)
    inner join silver.dim_product as pf on p.product_id = pf.product_id and pf.is_current
    inner join silver.dim_location as l on f.delivery_location_key = l.location_key
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

documents as (  -- numbers are counted faster than codes, and a document's rows of one group are one
    select
        year_month,
        product_family,
        customer_abc,
        customer_family,
        region,
        colleague_id,
        invoice,
        customer,
        unit,
        sum(net) as net,
        sum(cost) as cost,
        sum(discount) as discount,
        sum(quantity) as quantity
    from sales
    group by all
),

cells as (
    select
        grouping_id(year_month, product_family, customer_abc, customer_family, region, colleague_id)::integer
            as grouping_id,
        year_month,
        product_family,
        customer_abc,
        customer_family,
        region,
        colleague_id,
        cents(sum(net)) as revenue,
        cents(sum(cost)) as cost,
        cents(sum(net + discount)) as gross_amount,
        case when min(unit) = max(unit) then min(unit) end as unit,
        sum(quantity) as quantity,
        count(distinct invoice) as invoices,
        count(distinct customer) as customers
    from documents
    group by grouping sets (  -- noqa: PRS
        (),
        (product_family),
        (customer_abc),
        (customer_family),
        (region),
        (colleague_id),
        (product_family, customer_abc),
        (product_family, customer_family),
        (product_family, region),
        (product_family, colleague_id),
        (customer_abc, customer_family),
        (customer_abc, region),
        (customer_abc, colleague_id),
        (customer_family, region),
        (customer_family, colleague_id),
        (region, colleague_id),
        (year_month),
        (year_month, product_family),
        (year_month, customer_abc),
        (year_month, customer_family),
        (year_month, region),
        (year_month, colleague_id),
        (year_month, product_family, customer_abc),
        (year_month, product_family, customer_family),
        (year_month, product_family, region),
        (year_month, product_family, colleague_id),
        (year_month, customer_abc, customer_family),
        (year_month, customer_abc, region),
        (year_month, customer_abc, colleague_id),
        (year_month, customer_family, region),
        (year_month, customer_family, colleague_id),
        (year_month, region, colleague_id)
    )
)

select
    md5(
        to_json(
            [grouping_id::varchar, year_month, product_family, customer_abc, customer_family, region, colleague_id]
        )
    ) as cube_key,
    grouping_id,
    coalesce(
        nullif(
            concat_ws(
                ', ',
                case when grouping_id & 32 = 0 then 'year_month' end,
                case when grouping_id & 16 = 0 then 'product_family' end,
                case when grouping_id & 8 = 0 then 'customer_abc' end,
                case when grouping_id & 4 = 0 then 'customer_family' end,
                case when grouping_id & 2 = 0 then 'region' end,
                case when grouping_id & 1 = 0 then 'colleague_id' end
            ),
            ''
        ),
        'total'
    ) as grouping_name,
    year_month,
    product_family,
    customer_abc,
    customer_family,
    region,
    colleague_id,
    revenue,
    cost,
    revenue - cost as margin,
    case when revenue > 0 then (revenue - cost)::double / revenue::double * 100 end as margin_percent,
    gross_amount,
    case
        when gross_amount > 0 then (gross_amount - revenue)::double / gross_amount::double * 100
    end as discount_percent,
    case when unit is not null then round(quantity, 3)::decimal(18, 3) end as quantity,
    nullif(unit, '') as unit,
    invoices,
    customers
from cells
where invoices > 0 or revenue <> 0 or cost <> 0
order by grouping_id, cube_key
