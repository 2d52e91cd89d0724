{{ config(tags=['dimension']) }}
with equipment as (select * from {{ ref('stg_customer_product') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

sales as (
    select
        lines.line_id,
        documents.document_date
    from {{ ref('stg_sale_document_line') }} as lines
    inner join {{ ref('int_sale_documents') }} as documents on lines.document_id = documents.document_id
    where documents.kind in ('Delivery', 'Invoice')
),

dated as (
    select
        equipment.*,
        coalesce(
            sales.document_date, equipment.parts_start_date, equipment.labour_start_date, equipment.created_date
        ) as install_date,
        case
            when sales.document_date is not null then 'sale'
            when equipment.parts_start_date is not null then 'parts_warranty'
            when equipment.labour_start_date is not null then 'labour_warranty'
            when equipment.created_date is not null then 'created'
        end as install_date_source
    from equipment
    left join sales on equipment.sale_line_id = sales.line_id
),

members as (
    select unnest(['unknown', 'orphan']) as member
)

select
    md5(dated.equipment_match) as customer_product_key,
    dated.equipment_id as customer_product_id,
    dated.caption,
    coalesce(customer_codes.customer_id, dated.customer_code) as customer_id,
    coalesce(item_codes.product_id, dated.item_code) as product_id,
    dated.serial_number,
    dated.family_id,
    dated.install_date,
    dated.install_date_source,
    dated.parts_end_date as parts_warranty_end_date,
    dated.labour_end_date as labour_warranty_end_date,
    dated.travel_end_date as travel_warranty_end_date,
    dated.is_active,
    {{ location_key('dated.country_code', 'dated.zipcode', 'dated.city') }} as location_key,
    dated.latitude,
    dated.longitude
from dated
left join customer_codes on upper(dated.customer_code) = customer_codes.code_match
left join item_codes on upper(dated.item_code) = item_codes.code_match
union all by name
select
    md5(member) as customer_product_key,
    '(' || member || ')' as customer_product_id,
    false as is_active,
    {{ member_key('unknown') }} as location_key
from members
