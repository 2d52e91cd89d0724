{#
    Every movement with the step that the stock made at it: stock after it, less stock after the one before of the same item
    and storehouse. Empty where the step is not the quantity in either direction (a movement before it is missing).
-#}
with movements as (select * from {{ ref('stg_stock_movement') }}),

steps as (
    select
        *,
        stock_after - lag(stock_after, 1, 0) over (
            partition by item_match, warehouse_id order by moved_on, document_order, movement_id
        ) as step
    from movements
)

select
    * exclude (step),
    case when quantity <> 0 and abs(step) = abs(quantity) then cast(sign(step) * sign(quantity) as integer) end
        as direction
from steps
