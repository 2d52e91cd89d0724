{#
    Where a sale goes and where it comes from (K6), transitively: rows for lines, and one per document (line_id NULL).
    invoice_date = earliest invoice reached, and of a return earliest credit note as well: the delivery that a return
    takes back is not invoiced by it. origin_line_id = the line it was made from; origin_invoice_* = what a credit note
    corrects. The header's TransferedDocumentId holds one target and loses partial transfers: used only where a document
    has no line link. has_line_links = of a document: what of its lines has no link has not gone anywhere.
-#}
with recursive documents as (select * from {{ ref('int_sale_documents') }}),

lines as (
    select
        line_id,
        document_id
    from {{ ref('int_sale_lines') }}
),

edges as (select * from {{ ref('stg_document_line_association') }}),

corrected_invoices as (select * from {{ ref('stg_sale_credit_memo_origin') }}),

line_reach as (
    select
        edges.origin_line_id as line_id,
        documents.kind as reached_kind,
        documents.document_date as invoice_date
    from edges
    inner join lines on edges.transferred_line_id = lines.line_id
    inner join documents on lines.document_id = documents.document_id
    where documents.kind in ('Invoice', 'CreditNote')
    union
    select
        edges.origin_line_id as line_id,
        line_reach.reached_kind,
        line_reach.invoice_date
    from line_reach
    inner join edges on line_reach.line_id = edges.transferred_line_id
),

line_dates as (
    select
        lines.line_id,
        min(line_reach.invoice_date) as invoice_date
    from line_reach
    inner join lines on line_reach.line_id = lines.line_id
    inner join documents on lines.document_id = documents.document_id
    where line_reach.reached_kind = 'Invoice' or documents.kind = 'Return'
    group by all
),

origins as (
    select
        transferred_line_id as line_id,
        arg_max(origin_line_id, (quantity, origin_line_id)) as origin_line_id
    from edges
    group by all
),

-- Every kind that the lines of a document reach; one row without a kind where they reach none.
linked_documents as (
    select distinct
        lines.document_id,
        line_reach.reached_kind,
        line_reach.invoice_date
    from lines
    inner join edges on lines.line_id = edges.origin_line_id
    left join line_reach on lines.line_id = line_reach.line_id
),

header_edges as (
    select
        documents.document_id,
        documents.transferred_document_id
    from documents
    anti join linked_documents on documents.document_id = linked_documents.document_id
    where documents.transferred_document_id is not null
),

header_reach as (
    select
        header_edges.document_id,
        documents.kind as reached_kind,
        documents.document_date as invoice_date
    from header_edges
    inner join documents on header_edges.transferred_document_id = documents.document_id
    where documents.kind in ('Invoice', 'CreditNote')
    union
    select
        header_edges.document_id,
        linked_documents.reached_kind,
        linked_documents.invoice_date
    from header_edges
    inner join linked_documents on header_edges.transferred_document_id = linked_documents.document_id
    where linked_documents.reached_kind is not null
    union
    select
        header_edges.document_id,
        header_reach.reached_kind,
        header_reach.invoice_date
    from header_reach
    inner join header_edges on header_reach.document_id = header_edges.transferred_document_id
),

document_reach as (
    select * from linked_documents
    union all
    select * from header_reach
),

document_dates as (
    select
        documents.document_id,
        min(document_reach.invoice_date) as invoice_date
    from document_reach
    inner join documents on document_reach.document_id = documents.document_id
    where document_reach.reached_kind = 'Invoice' or documents.kind = 'Return'
    group by all
),

-- What a credit note corrects: EBP's own table, else the line link, else the number typed in the header.
corrections as (
    select
        document_id,
        arg_min(invoice_number, (invoice_date, invoice_number)) as invoice_number,
        min(invoice_date) as invoice_date,
        'credit_memo_origin' as link_source,
        1 as preference
    from corrected_invoices
    group by document_id
    union all
    select
        lines.document_id,
        arg_min(invoices.document_number, (invoices.document_date, invoices.document_number)) as invoice_number,
        min(invoices.document_date) as invoice_date,
        'line_link' as link_source,
        2 as preference
    from edges
    inner join lines on edges.transferred_line_id = lines.line_id
    inner join lines as origin_lines on edges.origin_line_id = origin_lines.line_id
    inner join documents as invoices on origin_lines.document_id = invoices.document_id
    where invoices.kind = 'Invoice'
    group by lines.document_id
    union all
    select
        credit_notes.document_id,
        min(invoices.document_number) as invoice_number,
        min(invoices.document_date) as invoice_date,
        'origin_number' as link_source,
        3 as preference
    from documents as credit_notes
    inner join documents as invoices on credit_notes.origin_document_number = invoices.document_number
    where credit_notes.kind = 'CreditNote' and invoices.kind = 'Invoice'
    group by credit_notes.document_id
),

best_corrections as (
    select * from corrections
    qualify row_number() over (partition by document_id order by preference) = 1
)

select
    lines.document_id,
    lines.line_id,
    line_dates.invoice_date,
    origins.origin_line_id,
    cast(null as boolean) as has_line_links,
    cast(null as varchar) as origin_invoice_number,
    cast(null as date) as origin_invoice_date,
    cast(null as varchar) as origin_invoice_source
from lines
left join line_dates on lines.line_id = line_dates.line_id
left join origins on lines.line_id = origins.line_id
where line_dates.line_id is not null or origins.line_id is not null
union all
select
    documents.document_id,
    null as line_id,
    document_dates.invoice_date,
    null as origin_line_id,
    linked.document_id is not null as has_line_links,
    case when documents.kind = 'CreditNote' then best_corrections.invoice_number end as origin_invoice_number,
    case when documents.kind = 'CreditNote' then best_corrections.invoice_date end as origin_invoice_date,
    case when documents.kind = 'CreditNote' then coalesce(best_corrections.link_source, 'unlinked') end
        as origin_invoice_source
from documents
left join document_dates on documents.document_id = document_dates.document_id
left join (select distinct document_id from linked_documents) as linked on documents.document_id = linked.document_id
left join best_corrections on documents.document_id = best_corrections.document_id
