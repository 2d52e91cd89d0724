{# One row per candidate line of a sale document with its role: counted, component, option. -#}
{{ outermost_lines(ref('stg_sale_document_line'), ref('int_sale_documents')) }}
