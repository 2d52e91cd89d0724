{{ config(tags=['fact']) }}
with stretches as (select * from {{ ref('int_stock_stretches') }}),

bounds as (
    select
        int_as_of.calendar_start,
        int_as_of.calendar_end,
        {% if var('as_of') is not none -%}
        int_as_of.as_of as last_day
        {%- else -%}
        greatest(int_as_of.as_of, coalesce((select max(captured_on) from {{ ref('stg_stock_item') }}), int_as_of.as_of))
            as last_day
        {%- endif %}
    from {{ ref('int_as_of') }} as int_as_of
),

days as (
    select cast(unnest(generate_series(
        last_day - {{ parameter('inventory_daily_days') - 1 }}, last_day, interval 1 day
    )) as date) as day
    from bounds
    union
    select last_day(cast(last_day - to_months(months.back) as date)) as day
    from bounds
    cross join (select unnest(range(1, {{ parameter('inventory_month_ends') }} + 1)) as back) as months
),

products as (
    select
        product_key,
        product_id,
        valid_from,
        coalesce(valid_to, timestamp 'infinity') as valid_until
    from {{ ref('dim_product') }}
),

warehouses as (
    select
        warehouse_key,
        warehouse_id
    from {{ ref('dim_warehouse') }}
),

daily as (
    select
        days.day,
        stretches.product_id,
        stretches.warehouse_id,
        stretches.state,
        stretches.pump,
        coalesce(stretches.state.quantity_on_hand, stretches.computed_on_hand) as on_hand,
        coalesce(stretches.state.quantity_reserved, 0) as reserved,
        case when stretches.issued > 0 then cast(stretches.issued as double) / {{ parameter('supply_days') }} end
            as mean_daily_issue
    from stretches
    inner join days on stretches.from_day <= days.day and stretches.to_day > days.day
)

select
    md5(concat_ws('|', daily.day, daily.product_id, daily.warehouse_id)) as inventory_key,
    {{ date_key('daily.day', 'bounds.calendar_start', 'bounds.calendar_end') }} as date_key,
    products.product_key,
    daily.product_id,
    coalesce(warehouses.warehouse_key, {{ member_key('orphan') }}) as warehouse_key,
    daily.warehouse_id,
    {{ amount('daily.on_hand') }} as quantity_on_hand,
    {{ amount('daily.state.quantity_reserved') }} as quantity_reserved,
    {{ amount('daily.on_hand - daily.reserved') }} as quantity_available,
    {{ amount('daily.state.reorder_point') }} as reorder_point,
    {{ amount('coalesce(daily.state.stock_value, daily.on_hand * daily.pump)') }} as stock_value,
    case
        when least(daily.on_hand, daily.on_hand - daily.reserved) <= 0 then 0
        else cast(daily.on_hand - daily.reserved as double) / daily.mean_daily_issue
    end as days_of_supply,
    daily.mean_daily_issue,
    {{ amount('coalesce(daily.state.pump, daily.pump)') }} as pump,
    {{ amount('daily.state.ordered_by_customers') }} as ordered_by_customers,
    {{ amount('daily.state.on_order_suppliers') }} as on_order_suppliers,
    {{ amount('daily.state.quantity_virtual') }} as quantity_virtual,
    {{ amount('daily.state.maximum_stock') }} as maximum_stock,
    daily.on_hand < 0 as is_negative,
    daily.state is not null as is_captured
from daily
inner join products
    on daily.product_id = products.product_id
    and daily.day >= products.valid_from
    and daily.day < products.valid_until
left join warehouses on daily.warehouse_id = warehouses.warehouse_id
cross join bounds
