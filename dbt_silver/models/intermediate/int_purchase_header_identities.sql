{# H1 to H8 on the headers of purchases: one row per kind and identity. Shown in the metadata of fact_purchases. -#}
{{ header_residuals('purchase') }}
