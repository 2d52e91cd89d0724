{#
    One row per counted line of a supplier order: when it was promised, when and how much of it came, its state as of int_as_of.
    Receipts are followed line to line; an invoice counts only where the order line has no receipt. A line has come in full
    on the day its receipts first reach parameter in_full_share of what was ordered.
-#}
with documents as (select * from {{ ref('int_purchase_documents') }}),

lines as (
    select * from {{ ref('int_purchase_lines') }}
    where line_role = 'counted'
),

edges as (select * from {{ ref('stg_document_line_association') }}),

as_of as (select * from {{ ref('int_as_of') }}),

delays as (
    select
        item_match,
        upper(supplier_id) as supplier_match,
        max(nullif(lead_time_days, 0)) as lead_time_days
    from {{ ref('stg_supplier_item') }}
    group by all
),

order_lines as (
    select
        lines.line_id,
        lines.document_id,
        lines.quantity,
        documents.supplier_code,
        documents.document_date as order_date,
        documents.is_closed,
        coalesce(
            lines.delivery_date, documents.delivery_date,
            documents.document_date + cast(delays.lead_time_days as integer)
        ) as promised_date,
        case
            when lines.delivery_date is not null then 'line'
            when documents.delivery_date is not null then 'document'
            when delays.lead_time_days is not null and documents.document_date is not null then 'supplier_delay'
        end as promise_source
    from lines
    inner join documents on lines.document_id = documents.document_id
    left join delays
        on upper(lines.item_code) = delays.item_match and upper(documents.supplier_code) = delays.supplier_match
    where documents.kind = 'Order'
),

arrivals as (
    select
        edges.origin_line_id as line_id,
        edges.transferred_line_id,
        edges.quantity,
        documents.document_date as arrival_date
    from edges
    inner join lines on edges.transferred_line_id = lines.line_id
    inner join documents on lines.document_id = documents.document_id
    where documents.kind in ('Receipt', 'Invoice')
    qualify
        documents.kind = 'Receipt'
        or not bool_or(documents.kind = 'Receipt') over (partition by edges.origin_line_id)
),

progress as (
    select
        *,
        sum(quantity) over (
            partition by line_id order by arrival_date, transferred_line_id
            rows between unbounded preceding and current row
        ) as received_so_far
    from arrivals
),

received as (
    select
        order_lines.line_id,
        sum(progress.quantity) as received_quantity,
        min(progress.arrival_date) as first_receipt_date,
        min(progress.arrival_date) filter (
            where progress.received_so_far >= {{ amount(parameter('in_full_share')) }} * order_lines.quantity
        ) as complete_receipt_date
    from order_lines
    inner join progress on order_lines.line_id = progress.line_id
    group by all
)

select
    order_lines.*,
    {{ amount('coalesce(received.received_quantity, 0)') }} as received_quantity,
    received.first_receipt_date,
    received.complete_receipt_date,
    case
        when received.complete_receipt_date <= as_of.as_of then 'Received'
        when order_lines.is_closed then 'ClosedShort'
        when order_lines.promised_date is null then 'NoPromise'
        when order_lines.promised_date + {{ parameter('on_time_tolerance_days') }} < as_of.as_of then 'Overdue'
        else 'Open'
    end as due_state
from order_lines
cross join as_of
left join received on order_lines.line_id = received.line_id
