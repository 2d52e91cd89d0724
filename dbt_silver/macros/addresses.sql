{#
    Which of several addresses counts, and how one is asked for. An address counts as a whole, never part by part.
    What a geocoder is asked for, and what its answer is found by: int_delivery_addresses and int_customer_points only.
#}

{#
    Whether an address says where: a postcode, a town or an INSEE code. The country alone does not, since EBP fills it in by
    itself. `address` is what stands before the names of its columns: 'sites.', 'delivery_'.
#}
{% macro is_address(address) -%}
    ({{ address }}zipcode is not null or {{ address }}city is not null or {{ address }}insee_code is not null)
{%- endmacro %}

{# Whether a customer is delivered at the billing address: the flag says so, or there is no delivery address. #}
{% macro is_same_address(customer) -%}
    (
        {{ customer }}.is_delivered_at_billing
        or ({{ customer }}.delivery_street is null and not {{ is_address(customer ~ '.delivery_') }})
    )
{%- endmacro %}

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
