{{ config(tags=['fact']) }}
{#
    Every movement of an item, its cost turned like its quantity: EBP's sign of Cost is no surer than that of Quantity.
    Of a movement without a cost, quantity x average cost after it.
-#}
with movements as (select * from {{ ref('int_stock_movements') }}),

bounds as (select * from {{ ref('int_as_of') }}),

products as {{ versions_of(ref('dim_product'), 'product') }},

warehouses as (select * from {{ ref('dim_warehouse') }})

select
    md5(cast(movements.movement_id as varchar)) as movement_key,
    {{ date_key('movements.moved_on', 'bounds.calendar_start', 'bounds.calendar_end') }} as date_key,
    coalesce(products.product_key, {{ member_key('orphan') }}) as product_key,
    movements.product_id,
    coalesce(warehouses.warehouse_key, {{ member_key('orphan') }}) as warehouse_key,
    movements.warehouse_id,
    movements.kind as movement_kind,
    movements.is_demand,
    movements.quantity,
    {{ amount("""coalesce(
        abs(nullif(movements.cost, 0)) * sign(movements.quantity), movements.quantity * movements.pump, 0
    )""") }} as cost_amount,
    movements.document_id
from movements
cross join bounds
left join products
    on
        movements.product_id = products.product_id
        and movements.moved_on >= products.valid_from
        and movements.moved_on < products.valid_until
left join warehouses on movements.warehouse_id = warehouses.warehouse_id
