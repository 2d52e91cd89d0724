{# How this installation stores the amounts of purchase credit notes and returns (A8), measured apart from sales. -#}
{{ stored_signs(
    ref('stg_purchase_document'), ref('stg_purchase_document_line'), ref('purchase_document_kind'),
    ref('purchase_document_kind')) }}
