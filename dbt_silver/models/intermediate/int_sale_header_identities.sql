{# H1 to H8 on the headers of sales: one row per kind and identity. Shown in the metadata of fact_sales. -#}
{{ header_residuals('sale') }}
