{#
    Every place that facts and dimensions refer to (country, postcode, town), with an INSEE code where somebody typed one.
    Another table with places is one more line of `places`: a relation with country_code, zipcode, city, insee_code.
-#}
{% set places = [
    (ref('int_sale_documents'), ''),
    (ref('int_customer_versions'), 'billing_'),
    (ref('int_customer_versions'), 'delivery_'),
    (ref('stg_storehouse'), ''),
    (ref('int_events'), ''),
    (ref('stg_construction_site'), ''),
    (ref('stg_customer_product'), ''),
] -%}
with places (country_code, zipcode, city, insee_code) as (
    {% for relation, prefix in places -%}
    select
        {{ prefix }}country_code,
        {{ prefix }}zipcode,
        {{ prefix }}city,
        {{ prefix }}insee_code
    from {{ relation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    country_code,
    zipcode,
    city,
    mode(insee_code) as insee_code
from places
where zipcode is not null or city is not null
group by all
