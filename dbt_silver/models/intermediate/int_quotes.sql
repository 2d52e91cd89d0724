{#
    One row per quote: the chain of revisions it belongs to, and the day the quote itself was converted.

    Revisions of one quote share customer and deal and carry a revision mark; a quote without both stands alone.
    Converted = first order, delivery or invoice reached through the chain (K6), or acceptance or signature if earlier.
-#}
with recursive documents as (select * from {{ ref('int_sale_documents') }}),

lines as (
    select
        line_id,
        document_id
    from {{ ref('int_sale_lines') }}
),

edges as (
    select distinct
        origins.document_id,
        targets.document_id as reached_id
    from {{ ref('stg_document_line_association') }} as links
    inner join lines as origins on links.origin_line_id = origins.line_id
    inner join lines as targets on links.transferred_line_id = targets.line_id
    where origins.document_id <> targets.document_id
),

header_edges as (
    select
        documents.document_id,
        documents.transferred_document_id as reached_id
    from documents
    anti join edges on documents.document_id = edges.document_id
    where documents.transferred_document_id is not null
),

all_edges as (
    select * from edges
    union
    select * from header_edges
),

reached as (
    select
        documents.document_id,
        all_edges.reached_id
    from documents
    inner join all_edges on documents.document_id = all_edges.document_id
    where documents.kind = 'Quote'
    union
    select
        reached.document_id,
        all_edges.reached_id
    from reached
    inner join all_edges on reached.reached_id = all_edges.document_id
),

conversions as (
    select
        reached.document_id,
        min(documents.document_date) as converted_date
    from reached
    inner join documents on reached.reached_id = documents.document_id
    where documents.kind in ('Order', 'Delivery', 'Invoice')
    group by all
),

quotes as (
    select
        *,
        case
            when deal_id is not null and revision is not null then md5(upper(customer_code) || '|' || deal_id)
            else document_id
        end as quote_id
    from documents
    where kind = 'Quote'
)

select
    quotes.document_id,
    quotes.quote_id,
    row_number() over (
        partition by quotes.quote_id order by quotes.document_date desc, quotes.revision desc, quotes.document_id
    ) = 1 as is_last_revision,
    least(conversions.converted_date, quotes.accepted_date) as converted_date
from quotes
left join conversions on quotes.document_id = conversions.document_id
