{{ config(tags=['fact']) }}
{# What came of each line of a supplier order, day by day: fact_purchases has the sum, and its first and last day. -#}
with documents as (select * from {{ ref('int_purchase_documents') }}),

lines as (
    select * from {{ ref('int_purchase_lines') }}
    where line_role = 'counted'
),

edges as (select * from {{ ref('stg_document_line_association') }}),

bounds as (select * from {{ ref('int_as_of') }}),

order_lines as (
    select lines.line_id
    from lines
    inner join documents on lines.document_id = documents.document_id
    where documents.kind = 'Order'
),

{{ arrivals('Receipt') }}

select
    md5(arrivals.line_id || '|' || arrivals.transferred_line_id) as purchase_receipt_key,
    md5(arrivals.line_id) as order_purchase_key,
    md5(arrivals.transferred_line_id) as receipt_purchase_key,
    {{ date_key('arrivals.arrival_date', 'any_value(bounds.calendar_start)', 'any_value(bounds.calendar_end)') }}
        as date_key,
    {{ amount('sum(arrivals.quantity)') }} as received_quantity
from arrivals
inner join order_lines on arrivals.line_id = order_lines.line_id
cross join bounds
group by arrivals.line_id, arrivals.transferred_line_id, arrivals.arrival_date
