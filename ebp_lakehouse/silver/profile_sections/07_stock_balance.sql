-- Movements against the stock of today
-- Pairs of item and storehouse whose movements make the quantity that EBP shows (StockItem), and those where they do
-- not.
with today as (
    select
        product_id,
        warehouse_id,
        computed_on_hand as quantity
    from intermediate.int_stock_stretches
    where to_day = date '9999-12-31'
),

moved as (
    select
        product_id,
        warehouse_id,
        sum(quantity) as quantity
    from intermediate.int_stock_movements
    group by all
)

select
    coalesce(w.name, today.warehouse_id) as storehouse,
    count(*) as pairs,
    count(*) filter (where today.quantity = coalesce(moved.quantity, 0)) as agree,
    count(*) filter (where today.quantity <> coalesce(moved.quantity, 0)) as differ,
    sum(today.quantity) as "in stock",
    sum(coalesce(moved.quantity, 0)) as moved,
    max(abs(today.quantity - coalesce(moved.quantity, 0))) as "largest gap",
    case
        when max(abs(today.quantity - coalesce(moved.quantity, 0))) > 0
            then arg_max(today.product_id, abs(today.quantity - coalesce(moved.quantity, 0)))
    end as example
from today
left join moved on today.product_id = moved.product_id and today.warehouse_id = moved.warehouse_id
left join staging.stg_storehouse as w on today.warehouse_id = w.warehouse_id
group by all
order by 1
