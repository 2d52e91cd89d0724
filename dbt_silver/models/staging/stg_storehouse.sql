with source as (select * from {{ from_bronze('storehouse') }}),

country_codes as (select * from {{ ref('country_code') }}),

with_country as (
    select
        source.*,
        coalesce(country_codes.country_code, {{ match_code('source."Address_CountryIsoCode"') }}, 'FR') as country_code
    from source
    left join country_codes on {{ match_code('source."Address_CountryIsoCode"') }} = country_codes.raw_code
),

cleaned as (
    select
        *,
        {{ clean_postcode('"Address_ZipCode"', 'country_code') }} as zipcode,
        {{ has_point('"Address_Latitude"', '"Address_Longitude"') }} as has_point
    from with_country
)

select
    {{ clean_uuid('"Id"') }} as warehouse_id,
    {{ clean_text('"Caption"') }} as name,
    coalesce("Main", false) as is_main,
    not coalesce("Asleep", false) as is_active,
    country_code,
    zipcode,
    {{ clean_city('"Address_City"') }} as city,
    {{ clean_code('"Address_CodeINSEE"') }} as insee_code,
    case when has_point then "Address_Latitude" end as latitude,
    case when has_point then "Address_Longitude" end as longitude,
    {{ checked_values([
        {'column': 'Address_ZipCode', 'rule': 'postcode', 'cleaned': checked_postcode('zipcode', 'country_code')},
        {'column': 'Address_Latitude', 'rule': 'gps', 'cleaned': 'nullif(has_point, false)',
            'raw': typed_point('"Address_Latitude"', '"Address_Longitude"')},
    ]) }} as checked
from cleaned
where {{ clean_uuid('"Id"') }} is not null
