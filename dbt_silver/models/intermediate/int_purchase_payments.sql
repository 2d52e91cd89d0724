{# Paid or not, and the day it became so, of each purchase invoice and credit note (S1, S2): today's state. -#}
{{ document_payments(
    ref('int_purchase_documents'), ref('stg_purchase_commitment'), ref('stg_purchase_settlement'),
    ref('stg_purchase_settlement_commitment'), 'is_spend') }}
