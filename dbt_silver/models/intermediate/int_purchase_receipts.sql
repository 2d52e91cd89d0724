{#
    One row per counted line of a supplier order: when it was promised, when and how much of it came, its state as of int_as_of.
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

{{ order_arrivals('Receipt') }}

select
    order_lines.*,
    {{ amount('coalesce(arrived.arrived_quantity, 0)') }} as received_quantity,
    arrived.first_arrival_date as first_receipt_date,
    arrived.complete_arrival_date as complete_receipt_date,
    case
        when arrived.complete_arrival_date <= as_of.as_of then 'Received'
        when order_lines.is_closed then 'ClosedShort'
        when order_lines.promised_date is null then 'NoPromise'
        when order_lines.promised_date + {{ parameter('on_time_tolerance_days') }} < as_of.as_of then 'Overdue'
        else 'Open'
    end as due_state
from order_lines
cross join as_of
left join arrived on order_lines.line_id = arrived.line_id
