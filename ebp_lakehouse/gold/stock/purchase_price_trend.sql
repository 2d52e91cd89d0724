-- gold.purchase_price_trend: one row per item, supplier and month with an invoiced quantity; formulas in
-- purchase_price_trend.py. Prices are per unit of stock, before the financial discount.
with months as (
    select
        f.product_id,
        f.supplier_id,
        date_trunc('month', d.date_value)::date as month_start,
        sum(f.net_amount_excl_tax) as net,
        sum(f.quantity_stock_unit) as quantity
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where
        d.date_value <= $as_of and f.document_type = 'Invoice' and f.row_origin = 'line' and f.quantity_stock_unit > 0
        and f.product_id <> 'NO_ITEM' and f.supplier_id is not null
    group by all
),

priced as (
    select
        *,
        net::double / quantity::double as mean_net_price
    from months
),

compared as (
    select
        p.*,
        first(p.mean_net_price) over pair as first_price,
        before.mean_net_price as year_before_price,
        sum(p.quantity) over year_to_month as year_quantity
    from priced as p
    asof left join priced as before
        on
            p.product_id = before.product_id
            and p.supplier_id = before.supplier_id
            and (p.month_start - interval 12 months)::date >= before.month_start
    window
        pair as (partition by p.product_id, p.supplier_id order by p.month_start),
        year_to_month as (
            partition by p.product_id, p.supplier_id order by p.month_start::timestamp
            range between interval 11 months preceding and current row
        )
)

select
    coalesce(items.product_key, md5('orphan')) as product_key,
    c.product_id,
    coalesce(suppliers.supplier_key, md5('orphan')) as supplier_key,
    c.supplier_id,
    strftime(c.month_start, '%Y-%m') as period,
    c.quantity::decimal(18, 3) as quantity,
    cents(c.net) as amount,
    c.mean_net_price,
    case when c.first_price > 0 then c.mean_net_price / c.first_price * 100 end as price_index,
    case
        when c.year_before_price > 0 then (c.mean_net_price / c.year_before_price - 1) * 100
    end as variation_12_months_percent,
    cents((c.mean_net_price - c.year_before_price) * c.year_quantity::double) as effect_amount
from compared as c
left join silver.dim_product as items on c.product_id = items.product_id and items.is_current
left join silver.dim_supplier as suppliers on c.supplier_id = suppliers.supplier_id and suppliers.is_current
order by c.product_id, c.supplier_id, c.month_start
