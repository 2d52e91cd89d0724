{{ config(tags=['fact']) }}
{#
    What a bundle on a sale document is made of: quantities only, since the bundle's own row carries the amounts (L2). A
    bundle inside a bundle belongs to the outermost one; what an option is made of does not count (L3).
-#}
with recursive components as (select * from {{ ref('int_sale_line_components') }}),

lines as (select * from {{ ref('int_sale_lines') }}),

documents as (select * from {{ ref('int_sale_documents') }}),

bounds as (select * from {{ ref('int_as_of') }}),

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

products as {{ versions_of(ref('dim_product'), 'product') }},

climbs as (
    select
        line_id,
        bundle_line_id as reached_id
    from components
    where bundle_line_id is not null
    union
    select
        climbs.line_id,
        components.bundle_line_id as reached_id
    from climbs
    inner join components on climbs.reached_id = components.line_id
    where components.bundle_line_id is not null
),

outermost as (
    select
        climbs.line_id,
        min(lines.line_id) filter (where lines.line_role = 'counted') as bundle_line_id
    from climbs
    inner join lines on climbs.reached_id = lines.line_id
    where lines.line_role <> 'component'
    group by all
)

select
    md5(components.line_id) as component_key,
    md5(outermost.bundle_line_id) as sale_key,
    {{ date_key('documents.document_date', 'bounds.calendar_start', 'bounds.calendar_end') }} as date_key,
    documents.kind as document_type,
    components.document_id,
    {{ key_or_member('products.product_key', 'components.item_code') }} as product_key,
    coalesce(item_codes.product_id, components.item_code) as product_id,
    {{ amount('documents.sign_factor * components.quantity') }} as quantity
from components
inner join documents on components.document_id = documents.document_id
cross join bounds
left join outermost on components.line_id = outermost.line_id
left join item_codes on upper(components.item_code) = item_codes.code_match
left join products
    on
        item_codes.product_id = products.product_id
        and documents.document_date >= products.valid_from
        and documents.document_date < products.valid_until
where
    components.item_code is not null
    and (outermost.line_id is null or outermost.bundle_line_id is not null)
