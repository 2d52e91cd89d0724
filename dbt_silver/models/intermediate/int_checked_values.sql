{#
    Every filled value that cleaning judged, and whether it was refused: the present state of each row of EBP.

    Staging models say what they gave to the cleaning in their column `checked` (macro checked_values). Another source is one
    more line: in `versioned` (code, code_match, valid_from, is_deleted), in `current` (one row per key), in `postcoded` or `dated`.
-#}
{% set versioned = {
    'Customer': ref('stg_customer'), 'Colleague': ref('stg_colleague'), 'Supplier': ref('stg_supplier'),
} -%}
{% set current = {
    'Storehouse': (ref('stg_storehouse'), 'warehouse_id'),
    'Zipcode': (ref('stg_zipcode'), 'zipcode_id'),
    'ScheduleEvent': (ref('int_events'), 'event_id'),
    'ConstructionSite': (ref('stg_construction_site'), 'site_id'),
    'CustomerProduct': (ref('stg_customer_product'), 'equipment_id'),
} -%}
{% set dated = {
    'SaleDocument': (ref('stg_sale_document'), 'document_id', 'DocumentDate', 'document_date'),
    'StockMovement': (ref('stg_stock_movement'), 'movement_id', 'DocumentDate', 'moved_on'),
    'ScheduleEvent': (ref('int_events'), 'event_id', 'StartDateTime', 'cast(start_at as date)'),
    'Activity': (ref('stg_activity'), 'activity_id', 'StartDateTime', 'cast(start_at as date)'),
} -%}
{# Durations that no row can have: (relation, key, minutes, whether they are believed). -#}
{% set lengths = {
    'ScheduleEvent': (ref('int_events'), 'event_id', elapsed_minutes('start_at', 'end_at'), 'event_id in (select event_id from ' ~ ref('int_event_days') ~ ')', 'elapsed_minutes <> 0'),
    'Activity': (ref('stg_activity'), 'activity_id', elapsed_minutes('start_at', 'end_at'), elapsed_minutes('start_at', 'end_at') ~ ' between 0 and 24 * 60', 'not is_automatic and customer_code is not null'),
} -%}
with bounds as (select * from {{ ref('int_as_of') }}),

findings as (
    {% for table, relation in versioned.items() -%}
    select
        '{{ table }}' as source_table,
        code as source_key,
        unnest(checked, recursive := true)
    from (
        select * from {{ relation }}
        qualify row_number() over (partition by code_match order by valid_from desc, is_deleted, code) = 1
    ) as latest
    where not is_deleted
    union all
    {% endfor -%}
    {% for table, (relation, key) in current.items() -%}
    select
        '{{ table }}' as source_table,
        {{ key }} as source_key,
        unnest(checked, recursive := true)
    from {{ relation }}
    union all
    {% endfor -%}
    {# Cleaned where the country is known; a French postcode of other than five digits is there as typed. -#}
    select
        'SaleDocument' as source_table,
        document_id as source_key,
        unnest({{ checked_values([{
            'column': 'DeliveryAddress_ZipCode or InvoicingAddress_ZipCode', 'rule': 'postcode', 'raw': 'zipcode',
            'cleaned': checked_postcode('zipcode', 'country_code')}]) }}, recursive := true)
    from {{ ref('int_sale_documents') }}
    {% for table, (relation, key, column, day) in dated.items() -%}
    union all
    select
        '{{ table }}' as source_table,
        cast({{ key }} as varchar) as source_key,
        unnest({{ checked_values([{
            'column': column, 'rule': 'date', 'raw': day, 'cleaned': 'nullif(' ~ date_key(day) ~ ', -3)'}])
            }}, recursive := true)
    from {{ relation }}
    cross join bounds
    {% endfor -%}
    {% for table, (relation, key, minutes, believed, judged) in lengths.items() -%}
    union all
    select
        '{{ table }}' as source_table,
        {{ key }} as source_key,
        unnest({{ checked_values([{
            'column': 'EndDateTime', 'rule': 'duration', 'raw': 'cast(round(' ~ minutes ~ ') as integer)',
            'cleaned': 'nullif(' ~ believed ~ ', false)'}]) }}, recursive := true)
    from {{ relation }}
    where {{ judged }}
    {% endfor %}
)

select * from findings
