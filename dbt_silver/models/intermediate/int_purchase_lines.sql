{# One row per candidate line of a purchase document with its role: counted, component, option. -#}
{{ outermost_lines(ref('stg_purchase_document_line'), ref('int_purchase_documents')) }}
