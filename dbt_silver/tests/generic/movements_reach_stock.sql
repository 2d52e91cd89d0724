{# movements_reach_stock: stored pairs of item and storehouse whose movements do not add up to today's stock. A warning. #}
{% test movements_reach_stock(model) %}
    with today as (
        select
            product_id,
            warehouse_id,
            computed_on_hand as quantity_on_hand
        from {{ ref('int_stock_stretches') }}
        where to_day = date '9999-12-31' and (product_id, warehouse_id) in (select (product_id, warehouse_id) from {{ model }})
    ),

    moved as (
        select
            product_id,
            warehouse_id,
            sum(quantity) as quantity
        from {{ ref('int_stock_movements') }}
        group by all
    )

    select
        today.product_id,
        warehouses.name as warehouse_name,
        today.quantity_on_hand,
        coalesce(moved.quantity, 0) as sum_of_movements
    from today
    left join moved on today.product_id = moved.product_id and today.warehouse_id = moved.warehouse_id
    left join {{ ref('stg_storehouse') }} as warehouses on today.warehouse_id = warehouses.warehouse_id
    where today.quantity_on_hand <> coalesce(moved.quantity, 0)
{% endtest %}
