{# Paid or not, and the day it became so, of each sale invoice and credit note (S1, S2): today's state. -#}
{{ document_payments(
    ref('int_sale_documents'), ref('stg_sale_commitment'), ref('stg_sale_settlement'),
    ref('stg_sale_settlement_commitment'), 'is_revenue') }}
