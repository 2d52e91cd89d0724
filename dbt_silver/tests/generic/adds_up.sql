{# adds_up: quantity × price − discount = net, net − escompte + VAT = TTC, net − cost = margin, on every row, exactly (A4, A6). #}
{% test adds_up(model, key='sale_key', has_margin=true) %}
    select
        {{ key }},
        document_number,
        line_number
    from {{ model }}
    where
        {{ amount('quantity * unit_price_excl_tax') }} - discount_amount <> net_amount_excl_tax
        or net_amount_excl_tax - financial_discount_amount + tax_amount <> net_amount_incl_tax
        {%- if has_margin %}
        or net_amount_excl_tax - cost_amount <> margin_amount
        {%- endif %}
{% endtest %}
