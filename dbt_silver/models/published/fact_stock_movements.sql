{{ config(tags=['fact']) }}
with movements as (select * from {{ ref('int_stock_movements') }}),

products as {{ versions_of(ref('dim_product'), 'product') }},

warehouses as (
    select
        warehouse_key,
        warehouse_id
    from {{ ref('dim_warehouse') }}
),

bounds as (select * from {{ ref('int_as_of') }})

select
    md5(cast(movements.movement_id as varchar)) as movement_key,
    {{ date_key('movements.moved_on') }} as date_key,
    coalesce(products.product_key, {{ member_key('orphan') }}) as product_key,
    movements.product_id,
    coalesce(warehouses.warehouse_key, {{ member_key('orphan') }}) as warehouse_key,
    movements.warehouse_id,
    movements.kind as movement_kind,
    movements.is_demand,
    movements.quantity,
    {{ amount('sign(movements.quantity) * movements.cost') }} as cost_amount,
    {{ amount('movements.pump') }} as pump
from movements
cross join bounds
left join products
    on
        movements.product_id = products.product_id
        and movements.moved_on >= products.valid_from
        and movements.moved_on < products.valid_until
left join warehouses on movements.warehouse_id = warehouses.warehouse_id
