{# What a geocoder is asked for, and what its answer is found by. The only two places are int_delivery_addresses and int_customer_points. #}

{# One part of where a version of a customer is delivered: street, zipcode, city, insee_code, country_code. #}
{% macro delivered_at(customer, part) -%}
    case when {{ is_same_address(customer) }} then {{ customer }}.billing_{{ part }} else {{ customer }}.delivery_{{ part }} end
{%- endmacro %}

{# Street, postcode and town in one text; NULL without a street or without a place: nothing there is better than the commune's point. #}
{% macro askable_address(street, zipcode, city) -%}
    case when {{ street }} is not null then {{ street }} || ', ' || nullif(concat_ws(' ', {{ zipcode }}, {{ city }}), '') end
{%- endmacro %}

{# Case, accents and punctuation make no other address. #}
{% macro address_key(address, country) -%}
    md5(trim(regexp_replace(strip_accents(upper({{ address }})), '[^A-Z0-9]+', ' ', 'g')) || '|' || {{ country }})
{%- endmacro %}
