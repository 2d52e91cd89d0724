{#
    Whether the average cost (PUMP) is kept per storehouse or for the whole company: measured on issues, which do not move it,
    of items whose cost differs between storehouses. An issue that leaves the cost of its own storehouse votes for storehouse,
    one that shows the cost of the item's last movement elsewhere for company. Shown with fact_inventory.
-#}
with movements as (select * from {{ ref('int_stock_movements') }}),

before as (
    select
        quantity,
        pump,
        lag(pump) over (partition by product_id, warehouse_id order by moved_on, document_order, movement_id)
            as own_pump,
        lag(pump) over (partition by product_id order by moved_on, document_order, movement_id) as item_pump
    from movements
),

votes as (
    select
        count(*) filter (where pump = own_pump) as storehouse_votes,
        count(*) filter (where pump = item_pump) as company_votes
    from before
    where quantity < 0 and own_pump <> item_pump
)

select
    storehouse_votes,
    company_votes,
    {% if parameter('pump_scope') == 'detected' -%}
    case when company_votes > storehouse_votes then 'company' else 'storehouse' end as pump_scope,
    false as is_override
    {%- else -%}
    '{{ parameter('pump_scope') }}' as pump_scope,
    true as is_override
    {%- endif %}
from votes
