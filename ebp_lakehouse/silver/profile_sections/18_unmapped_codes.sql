-- Codes that no seed knows
-- Without a line here, the section of the code above proposes one, or the data do not tell what it means.
with items as (
    select * from staging.stg_item
    qualify row_number() over (partition by code_match order by valid_from desc) = 1
),

suppliers as (
    select * from staging.stg_supplier
    qualify row_number() over (partition by code_match order by valid_from desc) = 1
),

customers as (
    select * from staging.stg_customer
    qualify row_number() over (partition by code_match order by valid_from desc) = 1
),

incidents as (
    select * from staging.stg_incident
    qualify row_number() over (partition by incident_id order by valid_from desc) = 1
),

codes as (
    select
        'document_kind' as seed,
        null as list,
        cast(document_type_code as varchar) as code,
        null as meaning
    from staging.stg_sale_document
    union all
    select
        'purchase_document_kind',
        null,
        cast(document_type_code as varchar),
        null
    from staging.stg_purchase_document
    union all
    select
        'validation_state',
        null,
        cast(validation_state as varchar),
        null
    from staging.stg_sale_document
    union all
    select
        'line_type',
        null,
        cast(line_type as varchar),
        null
    from staging.stg_sale_document_line
    union all
    select
        'line_type',
        null,
        cast(line_type as varchar),
        null
    from staging.stg_purchase_document_line
    union all
    select
        'stock_movement_kind',
        null,
        document_type || ',' || document_sub_type,
        null
    from staging.stg_stock_movement
    union all
    select
        'event_kind',
        null,
        line_type || ',' || display_type,
        null
    from intermediate.int_events
    union all
    select
        'item_type',
        null,
        cast(item_type as varchar),
        case when is_service_flagged then 'Service' else 'Good' end
    from items
    where not is_deleted
    union all
    select
        'supplier_type',
        null,
        cast(type_code as varchar),
        'Fournisseur'
    from suppliers
    where not is_deleted
    union all
    select
        'country_code',
        null,
        billing_country_code,
        billing_country_code[:2]
    from customers
    where not is_deleted
    union all
    select
        'country_code',
        null,
        country_code,
        country_code[:2]
    from suppliers
    where not is_deleted
    union all
    select
        'field_code',
        'event_state',
        cast(state_code as varchar),
        null
    from intermediate.int_events
    union all
    select
        'field_code',
        'activity_category',
        cast(category_code as varchar),
        null
    from staging.stg_activity
    union all
    select
        'field_code',
        'activity_state',
        cast(state_code as varchar),
        null
    from staging.stg_activity
    union all
    select
        'field_code',
        'incident_status',
        cast(status_code as varchar),
        case when end_at is null then 'Open' else 'Closed' end
    from incidents
    where not is_deleted
    union all
    select
        'field_code',
        'cover_type',
        cast(unnest(cover_codes) as varchar),
        null
    from staging.stg_equipment_link
    union all
    select
        'field_code',
        'contract_status',
        cast(status_code as varchar),
        'Statut ' || status_code
    from staging.stg_maintenance_contract
    union all
    select
        'field_code',
        'site_status',
        cast(status_code as varchar),
        'Statut ' || status_code
    from staging.stg_construction_site
),

known as (
    select
        'document_kind' as seed,
        null as list,
        cast(document_type as varchar) as code
    from seeds.document_kind
    union all
    select
        'purchase_document_kind',
        null,
        cast(document_type as varchar)
    from seeds.purchase_document_kind
    union all
    select
        'validation_state',
        null,
        cast(validation_state as varchar)
    from seeds.validation_state
    union all
    select
        'line_type',
        null,
        cast(line_type as varchar)
    from seeds.line_type
    union all
    select
        'stock_movement_kind',
        null,
        document_type || ',' || document_sub_type
    from seeds.stock_movement_kind
    union all
    select
        'event_kind',
        null,
        line_type || ',' || display_type
    from seeds.event_kind
    union all
    select
        'item_type',
        null,
        cast(item_type as varchar)
    from seeds.item_type
    union all
    select
        'supplier_type',
        null,
        cast(supplier_type as varchar)
    from seeds.supplier_type
    union all
    select
        'country_code',
        null,
        country_code
    from seeds.country_code
    union all
    select
        'country_code',
        null,
        raw_code
    from seeds.country_code
    union all
    select
        'field_code',
        list_name,
        cast(code as varchar)
    from seeds.field_code
),

unmapped as (
    select
        codes.seed,
        codes.list,
        codes.code,
        count(*) as row_count,
        mode(codes.meaning) as meaning,
        -- Where rows of one code differ, the evidence of each row is better than one meaning for all.
        count(distinct codes.meaning) = 1 as is_told
    from codes
    where
        codes.code is not null
        and not exists (
            select 1 from known
            where known.seed = codes.seed and known.list is not distinct from codes.list and known.code = codes.code
        )
    group by all
)

select
    seed,
    list,
    code,
    row_count as "rows",
    case
        when not is_told then []
        when
            seed = 'country_code'
            then
                [
                    proposal(
                        'country_code.csv',
                        concat(csv_field(code), ',', csv_field(meaning), ',,low,', row_count, ' rows')
                    )
                ]
        when seed = 'field_code'
            then
                [
                    proposal(
                        'field_code.csv', concat(list, ',', code, ',', csv_field(meaning), ',low,', row_count, ' rows')
                    )
                ]
        else [proposal(seed || '.csv', concat(code, ',', csv_field(meaning), ',low,', row_count, ' rows'))]
    end as proposals
from unmapped
order by seed, list, try_cast(code as integer), code
