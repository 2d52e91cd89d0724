{# Every movement of an item that silver knows: its signed quantity (entries positive) and what kind it is. -#}
with steps as (select * from {{ ref('int_stock_steps') }}),

signs as (select * from {{ ref('int_stock_movement_sign') }}),

kinds as (select * from {{ ref('stock_movement_kind') }}),

sale_documents as (select document_id from {{ ref('stg_sale_document') }}),

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

-- Where nothing tells of one movement: the direction of most movements; as stored when there is none to tell.
usual as (
    select coalesce(sign(sum(direction)), 1) as direction from steps
)

select
    steps.movement_id,
    item_codes.product_id,
    steps.warehouse_id,
    steps.moved_on,
    steps.document_order,
    coalesce(kinds.kind, case when sale_documents.document_id is not null then 'Sale' else 'Other' end) as kind,
    coalesce(kinds.is_demand, sale_documents.document_id is not null) as is_demand,
    {{ amount("""steps.quantity * case
        when signs.stored_sign = 'as_stored' then 1
        when signs.stored_sign = 'reversed' then -1
        else coalesce(steps.direction, usual.direction)
    end""") }} as quantity,
    abs(steps.cost) as cost,
    steps.pump
from steps
inner join item_codes on steps.item_match = item_codes.code_match
inner join signs
    on
        steps.document_type is not distinct from signs.document_type
        and steps.document_sub_type is not distinct from signs.document_sub_type
left join kinds
    on
        steps.document_type = kinds.document_type
        and steps.document_sub_type = kinds.document_sub_type
left join sale_documents on steps.document_id = sale_documents.document_id
cross join usual
