{#
    One row per quote: the chain of revisions it belongs to, and when, into what and how far the quote itself was converted.

    Revisions of one quote share customer and deal and carry a revision mark; a quote without both stands alone. Marks that
    begin again (A after B) are another quote on the same deal.
    Converted = first order, delivery or invoice reached through the chain (K6), or acceptance or signature if earlier.
    How far: by the transferred quantities of its lines, weighted by their net amounts; where no line tells, all of it.
    Rounded, so that the order in which floats are added up changes no row.
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
        min(documents.document_date) as converted_date,
        arg_min(
            documents.kind,
            (documents.document_date, list_position(['Order', 'Delivery', 'Invoice'], documents.kind))
        ) as converted_kind
    from reached
    inner join documents on reached.reached_id = documents.document_id
    where documents.kind in ('Order', 'Delivery', 'Invoice')
    group by all
),

-- A line copied into another quote has gone on only if that quote was converted.
line_transfers as (
    select
        links.origin_line_id as line_id,
        sum(links.quantity) as quantity
    from {{ ref('stg_document_line_association') }} as links
    inner join lines on links.transferred_line_id = lines.line_id
    inner join documents on lines.document_id = documents.document_id
    left join conversions on documents.document_id = conversions.document_id
    where documents.kind in ('Order', 'Delivery', 'Invoice') or conversions.document_id is not null
    group by all
),

shares as (
    select
        lines.document_id,
        -- Sums of DOUBLE make a whole of 1.0000000000000002: nine digits are enough to tell a share.
        round(sum(
            abs(amounts.net) * least(1, coalesce(abs(line_transfers.quantity) / nullif(abs(lines.quantity), 0), 0))
        ) / nullif(sum(abs(amounts.net)), 0), 9) as converted_share
    from {{ ref('int_sale_lines') }} as lines
    inner join {{ ref('int_sale_amounts') }} as amounts on lines.line_id = amounts.line_id
    left join line_transfers on lines.line_id = line_transfers.line_id
    group by all
    having count(line_transfers.line_id) > 0
),

revisions as (
    select
        document_id,
        document_date,
        upper(coalesce(customer_code, '') || '|' || deal_id) as deal_match,
        (length(revision), upper(revision)) as mark
    from documents
    where kind = 'Quote' and deal_id is not null and revision is not null
),

compared as (
    select
        *,
        coalesce(
            mark < lag(mark) over (partition by deal_match order by document_date, mark, document_id), false
        ) as begins_again
    from revisions
),

chains as (
    select
        document_id,
        mark,
        deal_match,
        sum(cast(begins_again as integer)) over (
            partition by deal_match order by document_date, mark, document_id rows unbounded preceding
        ) as earlier_quotes
    from compared
),

quotes as (
    select
        documents.*,
        chains.mark,
        case
            when chains.earlier_quotes = 0 then md5(chains.deal_match)
            when chains.earlier_quotes > 0 then md5(chains.deal_match || '|' || chains.earlier_quotes)
            else documents.document_id
        end as quote_id
    from documents
    left join chains on documents.document_id = chains.document_id
    where documents.kind = 'Quote'
)

select
    quotes.document_id,
    quotes.quote_id,
    row_number() over (
        partition by quotes.quote_id order by quotes.document_date desc, quotes.mark desc, quotes.document_id
    ) = 1 as is_last_revision,
    least(conversions.converted_date, quotes.accepted_date) as converted_date,
    case
        when quotes.accepted_date < conversions.converted_date then 'Acceptance'
        else coalesce(conversions.converted_kind, case when quotes.accepted_date is not null then 'Acceptance' end)
    end as converted_kind,
    case
        when conversions.converted_date is not null then round(cast(coalesce(shares.converted_share, 1) as double), 8)
        when quotes.accepted_date is not null then 1.0
    end as converted_share
from quotes
left join conversions on quotes.document_id = conversions.document_id
left join shares on quotes.document_id = shares.document_id
