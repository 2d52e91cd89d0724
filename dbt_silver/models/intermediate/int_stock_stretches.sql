{#
    The stock of an item in a storehouse as stretches of days [from_day, to_day) in which nothing of it changes.

    Before the first capture: today's stock less the movements dated later, at the average cost in force. From then on: as
    captured. Demand is what was issued in the window that ends with the stretch's days, so a stretch also ends when an issue
    leaves that window. A pair begins with its first movement or its first captured stock that is not zero.
-#}
{% set demand_days = parameter('supply_days') -%}
with captures as (
    select
        item_codes.product_id,
        states.*
    from {{ ref('stg_stock_item') }} as states
    inner join {{ code_map(ref('int_item_versions'), 'product_id') }} as item_codes
        on states.item_match = item_codes.code_match
),

stocked_items as (
    select durable_id as product_id from {{ ref('int_item_versions') }}
    where is_current and is_stock_managed
),

-- Today's truth of each pair; one that EBP deleted or that is not stored there leaves silver.
pairs as (
    select
        product_id,
        warehouse_id,
        quantity_on_hand
    from (
        select * from captures
        qualify row_number() over (partition by product_id, warehouse_id order by valid_from desc, item_match) = 1
    ) as latest
    where not is_deleted and is_stored and product_id in (select product_id from stocked_items)
),

movements as (
    select moves.* from {{ ref('int_stock_movements') }} as moves
    inner join pairs on moves.product_id = pairs.product_id and moves.warehouse_id = pairs.warehouse_id
),

-- The state at the end of a day is the last one captured on it.
daily_captures as (
    select * from captures
    where not is_deleted
    qualify row_number() over (partition by product_id, warehouse_id, captured_on order by valid_from desc) = 1
),

starts as (
    select
        product_id,
        warehouse_id,
        min(day) as first_day
    from (
        select
            product_id,
            warehouse_id,
            moved_on as day
        from movements
        union all
        select
            product_id,
            warehouse_id,
            captured_on as day
        from daily_captures
        where quantity_on_hand <> 0
    ) as seen
    group by all
),

-- Every day on which something changes.
changes as (
    select
        product_id,
        warehouse_id,
        moved_on as day,
        sum(quantity) as moved,
        sum(case when is_demand then -quantity else 0 end) as issued,
        null as pump,
        null as state
    from movements
    group by all
    union all by name
    select
        product_id,
        warehouse_id,
        moved_on + {{ demand_days }} as day,
        sum(quantity) as issued
    from movements
    where is_demand
    group by all
    union all by name
    select
        pairs.product_id,
        pairs.warehouse_id,
        moves.moved_on as day,
        arg_max(moves.pump, (moves.document_order, moves.movement_id)) as pump
    from pairs
    cross join {{ ref('int_stock_pump_scope') }} as scope
    inner join {{ ref('int_stock_movements') }} as moves
        on
            pairs.product_id = moves.product_id
            and (pairs.warehouse_id = moves.warehouse_id or scope.pump_scope = 'company')
    group by all
    union all by name
    select
        product_id,
        warehouse_id,
        captured_on as day,
        {
            quantity_on_hand: quantity_on_hand, quantity_reserved: quantity_reserved,
            ordered_by_customers: ordered_by_customers, on_order_suppliers: on_order_suppliers,
            quantity_virtual: quantity_virtual, reorder_point: reorder_point, maximum_stock: maximum_stock,
            pump: pump, stock_value: stock_value
        } as state
    from daily_captures
),

by_day as (
    select
        product_id,
        warehouse_id,
        day,
        coalesce(sum(moved), 0) as moved,
        coalesce(sum(issued), 0) as issued,
        any_value(pump) as pump,
        any_value(state) as state
    from changes
    group by all
),

running as (
    select
        product_id,
        warehouse_id,
        day as from_day,
        lead(day) over pair as to_day,
        sum(moved) over (pair rows between current row and unbounded following) - moved as moved_later,
        sum(issued) over pair as issued,
        last_value(pump ignore nulls) over pair as pump,
        last_value(state ignore nulls) over pair as state
    from by_day
    window pair as (partition by product_id, warehouse_id order by day)
)

select
    running.product_id,
    running.warehouse_id,
    greatest(running.from_day, starts.first_day) as from_day,
    coalesce(running.to_day, date '9999-12-31') as to_day,
    pairs.quantity_on_hand - running.moved_later as computed_on_hand,
    running.issued,
    running.pump,
    running.state
from running
inner join pairs on running.product_id = pairs.product_id and running.warehouse_id = pairs.warehouse_id
inner join starts on running.product_id = starts.product_id and running.warehouse_id = starts.warehouse_id
where coalesce(running.to_day, date '9999-12-31') > starts.first_day
