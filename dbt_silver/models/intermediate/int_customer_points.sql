{#
    Where customers are delivered, per version: EBP's GPS, else the geocoder's cache (a table that may be empty), else the
    commune by INSEE code, else by postcode and town.
-#}
with versions as (select * from {{ ref('int_customer_versions') }}),

communes as (
    select
        insee_code,
        any_value(latitude) as latitude,
        any_value(longitude) as longitude
    from {{ ref('int_communes') }}
    group by all
),

postcodes as (
    select
        zipcode,
        town,
        avg(latitude) as latitude,
        avg(longitude) as longitude
    from {{ ref('int_communes') }}
    group by all
),

geocoded as (
    select * from {{ from_enrichment('geocoded_addresses') }} as cache
    where
        status = 'found' and (score is null or score >= {{ parameter('geocoder_minimum_score') }})
),

places as (
    select
        versions.*,
        {{ delivered_at('versions', 'zipcode') }} as zipcode,
        {{ town_key(delivered_at('versions', 'city')) }} as town,
        {{ delivered_at('versions', 'insee_code') }} as insee_code,
        {{ address_key(
            askable_address(
                delivered_at('versions', 'street'), delivered_at('versions', 'zipcode'), delivered_at('versions', 'city')
            ),
            delivered_at('versions', 'country_code')
        ) }} as address_key
    from versions
),

-- The first of these that is there.
found as (
    select
        places.durable_id as customer_id,
        places.version_from,
        case
            when {{ has_point('places.delivery_latitude', 'places.delivery_longitude') }} then 'ebp'
            when geocoded.address_key is not null then 'geocoder_' || geocoded.coordinate_precision
            when communes.latitude is not null then 'commune_insee'
            when postcodes.latitude is not null then 'commune_postcode'
        end as coordinate_source,
        cast(places.delivery_latitude as double) as own_latitude,
        cast(places.delivery_longitude as double) as own_longitude,
        geocoded.latitude as geocoded_latitude,
        geocoded.longitude as geocoded_longitude,
        coalesce(communes.latitude, postcodes.latitude) as commune_latitude,
        coalesce(communes.longitude, postcodes.longitude) as commune_longitude
    from places
    left join geocoded on places.address_key = geocoded.address_key
    left join communes on places.insee_code = communes.insee_code
    left join postcodes on places.zipcode = postcodes.zipcode and places.town = postcodes.town
)

select
    customer_id,
    version_from,
    {% for axis in ('latitude', 'longitude') -%}
    case
        when coordinate_source = 'ebp' then own_{{ axis }}
        when coordinate_source like 'geocoder%' then geocoded_{{ axis }}
        else commune_{{ axis }}
    end as {{ axis }},
    {% endfor -%}
    coordinate_source
from found
