{# Where customers are delivered: EBP's GPS, else the commune by INSEE code, else by postcode and town, per version. -#}
with versions as (
    select
        customers.*,
        {{ is_same_address('customers') }} as is_same_address
    from {{ ref('int_customer_versions') }} as customers
),

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

places as (
    select
        *,
        case when is_same_address then billing_zipcode else delivery_zipcode end as zipcode,
        {{ town_key('case when is_same_address then billing_city else delivery_city end') }} as town,
        case when is_same_address then billing_insee_code else delivery_insee_code end as insee_code
    from versions
)

select
    places.durable_id as customer_id,
    places.version_from,
    case
        when
            {{ has_point('places.delivery_latitude', 'places.delivery_longitude') }}
            then cast(places.delivery_latitude as double)
        else coalesce(communes.latitude, postcodes.latitude)
    end as latitude,
    case
        when
            {{ has_point('places.delivery_latitude', 'places.delivery_longitude') }}
            then cast(places.delivery_longitude as double)
        else coalesce(communes.longitude, postcodes.longitude)
    end as longitude,
    case
        when {{ has_point('places.delivery_latitude', 'places.delivery_longitude') }} then 'ebp'
        when communes.latitude is not null then 'commune_insee'
        when postcodes.latitude is not null then 'commune_postcode'
    end as coordinate_source
from places
left join communes on places.insee_code = communes.insee_code
left join postcodes on places.zipcode = postcodes.zipcode and places.town = postcodes.town
