with source as (
    select
        *,
        coalesce({{ match_code('"CountryIsoCode"') }}, 'FR') as raw_country_code
    from {{ from_bronze('zipcode') }} as bronze
),

country_codes as (select * from {{ ref('country_code') }}),

with_country as (
    select
        source.*,
        coalesce(country_codes.country_code, source.raw_country_code) as country_code
    from source
    left join country_codes on source.raw_country_code = country_codes.raw_code
),

cleaned as (
    select
        *,
        {{ clean_postcode('"ZipCode"', 'country_code') }} as clean_zipcode
    from with_country
)

select
    {{ clean_uuid('"Id"') }} as zipcode_id,
    country_code,
    clean_zipcode as zipcode,
    {{ clean_city('"City"') }} as city,
    {{ clean_uuid('"StateId"') }} as state_id,
    {{ clean_code('"CodeINSEE"') }} as insee_code,
    {{ checked_values([
        {'column': 'ZipCode', 'rule': 'postcode', 'cleaned': checked_postcode('clean_zipcode', 'country_code')},
    ]) }} as checked
from cleaned
