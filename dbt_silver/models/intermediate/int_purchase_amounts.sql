{# One row per counted line and header amount of a purchase document, in stored sign: fact_purchases before signs. -#}
with documents as (select * from {{ ref('int_purchase_documents') }}),

lines as (
    select * from {{ ref('int_purchase_lines') }}
    where line_role = 'counted'
),

vat_rates as (select * from {{ ref('stg_vat') }}),

{{ document_rows() }},

{{ document_taxes() }}

select
    document_id,
    line_id,
    line_number,
    member,
    row_origin,
    target_source,
    vat_rate,
    {{ amount('net') }} as net,
    {{ amount('footer_discount') }} as footer_discount,
    financial_discount,
    tax
from taxed_rows
