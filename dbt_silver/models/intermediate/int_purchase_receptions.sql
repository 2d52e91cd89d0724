{#
    What each counted purchase line brought or took back, once: a receipt counts, and an invoice line without a receipt; a return
    counts, and a credit note that takes back a quantity no return has taken (one without a link is a price correction).
-#}
with documents as (select * from {{ ref('int_purchase_documents') }}),

lines as (
    select * from {{ ref('int_purchase_lines') }}
    where line_role = 'counted'
),

origins as (
    select
        edges.transferred_line_id as line_id,
        bool_or(documents.kind = 'Return') as is_from_return,
        bool_or(documents.kind = 'Receipt') as is_from_receipt,
        min(documents.document_date) filter (where documents.kind = 'Order') as ordered_on
    from {{ ref('stg_document_line_association') }} as edges
    inner join lines on edges.origin_line_id = lines.line_id
    inner join documents on lines.document_id = documents.document_id
    group by all
)

select
    lines.line_id,
    case
        when
            documents.kind = 'Receipt' or (documents.kind = 'Invoice' and not coalesce(origins.is_from_receipt, false))
            then {{ amount('documents.sign_factor * lines.quantity') }}
    end as brought_quantity,
    case
        when documents.kind = 'Return' or (documents.kind = 'CreditNote' and not origins.is_from_return)
            then {{ amount('-documents.sign_factor * lines.quantity') }}
    end as taken_back_quantity,
    case when documents.kind in ('Receipt', 'Invoice') then origins.ordered_on end as ordered_on
from lines
inner join documents on lines.document_id = documents.document_id
left join origins on lines.line_id = origins.line_id
