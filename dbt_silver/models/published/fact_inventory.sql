{{ config(tags=['fact']) }}
{# Everything but the day is worked out once per stretch, and each stretch then becomes its days. -#}
with stretches as (
    select
        *,
        coalesce(state.quantity_on_hand, computed_on_hand) as on_hand,
        coalesce(state.quantity_on_hand, computed_on_hand) - coalesce(state.quantity_reserved, 0) as available,
        case when issued > 0 then cast(issued as double) / {{ parameter('supply_days') }} end as mean_daily_issue
    from {{ ref('int_stock_stretches') }}
),

bounds as (
    select
        int_as_of.calendar_start,
        int_as_of.calendar_end,
        {% if var('as_of') is not none -%}
        int_as_of.as_of as last_day
        {%- else -%}
        greatest(int_as_of.as_of, (select max(captured_on) from {{ ref('stg_stock_item') }})) as last_day
        {%- endif %}
    from {{ ref('int_as_of') }} as int_as_of
),

kept_days as (
    select last_day - cast(back as integer) as day
    from bounds
    cross join (select unnest(range(0, {{ parameter('inventory_daily_days') }})) as back) as latest
    union
    select last_day(cast(bounds.last_day - to_months(cast(months.back as integer)) as date)) as day
    from bounds
    cross join (
        select unnest(generate_series(1, {{ parameter('inventory_month_ends') }})) as back
    ) as months
),

days as (
    select
        kept_days.day,
        {{ date_key('kept_days.day') }} as date_key
    from kept_days
    cross join bounds
),

products as (
    select
        product_key,
        product_id,
        cast(valid_from as date) + cast(valid_from > cast(valid_from as date) as integer) as from_day,
        coalesce(cast(valid_to as date) + cast(valid_to > cast(valid_to as date) as integer), date '9999-12-31')
            as to_day
    from {{ ref('dim_product') }}
),

warehouses as (
    select
        warehouse_key,
        warehouse_id
    from {{ ref('dim_warehouse') }}
),

valued as (
    select
        stretches.product_id || '|' || stretches.warehouse_id as pair,
        greatest(stretches.from_day, products.from_day) as from_day,
        least(stretches.to_day, products.to_day) as to_day,
        products.product_key,
        stretches.product_id,
        coalesce(warehouses.warehouse_key, {{ member_key('orphan') }}) as warehouse_key,
        stretches.warehouse_id,
        {{ amount('stretches.on_hand') }} as quantity_on_hand,
        {{ amount('stretches.state.quantity_reserved') }} as quantity_reserved,
        {{ amount('stretches.available') }} as quantity_available,
        {{ amount('stretches.state.reorder_point') }} as reorder_point,
        {{ amount('coalesce(stretches.state.stock_value, stretches.on_hand * stretches.pump)') }} as stock_value,
        case
            when least(stretches.on_hand, stretches.available) <= 0 then 0
            else cast(stretches.available as double) / stretches.mean_daily_issue
        end as days_of_supply,
        stretches.mean_daily_issue,
        {{ amount('coalesce(stretches.state.pump, stretches.pump)') }} as pump,
        {{ amount('stretches.state.ordered_by_customers') }} as ordered_by_customers,
        {{ amount('stretches.state.on_order_suppliers') }} as on_order_suppliers,
        {{ amount('stretches.state.quantity_virtual') }} as quantity_virtual,
        {{ amount('stretches.state.maximum_stock') }} as maximum_stock,
        stretches.on_hand < 0 as is_negative,
        stretches.state is not null as is_captured
    from stretches
    inner join products
        on
            stretches.product_id = products.product_id
            and stretches.from_day < products.to_day
            and stretches.to_day > products.from_day
    left join warehouses on stretches.warehouse_id = warehouses.warehouse_id
)

select
    md5(days.day || '|' || valued.pair) as inventory_key,
    days.date_key,
    valued.* exclude (pair, from_day, to_day)
from valued
inner join days on valued.from_day <= days.day and valued.to_day > days.day
