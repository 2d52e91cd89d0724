{# unexplained_gaps: documents whose lines and header amounts do not reach the header total (L6): the ECART rows. A warning. #}
{% test unexplained_gaps(model) %}
    select
        document_type,
        document_number,
        date_key,
        net_amount_excl_tax as gap
    from {{ model }}
    where product_id = 'ECART' and row_origin = 'header'
    order by abs(net_amount_excl_tax) desc
{% endtest %}
