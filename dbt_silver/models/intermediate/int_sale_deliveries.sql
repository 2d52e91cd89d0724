{# One row per counted line of a customer order: when it was promised, and when it was delivered in full. -#}
with documents as (select * from {{ ref('int_sale_documents') }}),

lines as (
    select * from {{ ref('int_sale_lines') }}
    where line_role = 'counted'
),

edges as (select * from {{ ref('stg_document_line_association') }}),

order_lines as (
    select
        lines.line_id,
        lines.quantity,
        coalesce(lines.delivery_date, documents.delivery_date) as promised_date
    from lines
    inner join documents on lines.document_id = documents.document_id
    where documents.kind = 'Order'
),

{{ order_arrivals('Delivery') }}

select
    order_lines.line_id,
    order_lines.promised_date,
    arrived.complete_arrival_date as complete_delivery_date
from order_lines
left join arrived on order_lines.line_id = arrived.line_id
