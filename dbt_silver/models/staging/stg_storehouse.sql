with source as (select * from {{ from_bronze('storehouse') }}),

country_codes as (select * from {{ ref('country_code') }}),

with_country as (
    select
        source.*,
        coalesce(country_codes.country_code, {{ match_code('source."Address_CountryIsoCode"') }}, 'FR') as country_code
    from source
    left join country_codes on {{ match_code('source."Address_CountryIsoCode"') }} = country_codes.raw_code
)

select
    {{ clean_uuid('"Id"') }} as warehouse_id,
    {{ clean_text('"Caption"') }} as name,
    coalesce("Main", false) as is_main,
    not coalesce("Asleep", false) as is_active,
    country_code,
    {{ clean_postcode('"Address_ZipCode"', 'country_code') }} as zipcode,
    {{ clean_city('"Address_City"') }} as city,
    {{ clean_code('"Address_CodeINSEE"') }} as insee_code,
    case when {{ has_point('"Address_Latitude"', '"Address_Longitude"') }} then "Address_Latitude" end as latitude,
    case when {{ has_point('"Address_Latitude"', '"Address_Longitude"') }} then "Address_Longitude" end as longitude
from with_country
where {{ clean_uuid('"Id"') }} is not null
