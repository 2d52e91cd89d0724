{# Delivery addresses of today's customers without a GPS point in EBP: what a geocoder may be asked. One row each. -#}
with addresses as (
    select
        versions.durable_id as customer_id,
        versions.is_active,
        {{ delivered_at('versions', 'country_code') }} as country_code,
        {{ askable_address(
            delivered_at('versions', 'street'), delivered_at('versions', 'zipcode'), delivered_at('versions', 'city')
        ) }} as address
    from {{ ref('int_customer_versions') }} as versions
    where
        versions.is_current
        and not coalesce({{ has_point('versions.delivery_latitude', 'versions.delivery_longitude') }}, false)
)

select
    {{ address_key('address', 'country_code') }} as address_key,
    min(address) as address,
    country_code,
    count(*) filter (where is_active) as active_customers
from addresses
where address is not null
group by all
