{#
    How this installation stores the amounts of credit notes and returns (A8): measured over the headers, never assumed.
    One row per document type; stored_sign = positive, negative or per_document. Shown in the metadata of fact_sales.
-#}
{{ stored_signs(
    ref('stg_sale_document'), ref('stg_sale_document_line'), ref('document_kind'), ref('credit_note_sign')) }}
