{% set prefix = 'ConstructionSiteAddress' -%}
with source as (
    select
        *,
        coalesce({{ match_code('"' ~ prefix ~ '_CountryIsoCode"') }}, 'FR') as raw_country_code,
        {{ has_point('"' ~ prefix ~ '_Latitude"', '"' ~ prefix ~ '_Longitude"') }} as has_point
    from {{ from_bronze('construction_site') }} as bronze
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
        {{ clean_postcode('"' ~ prefix ~ '_ZipCode"', 'country_code') }} as zipcode
    from with_country
)

select
    {{ clean_code('"Id"') }} as site_id,
    {{ match_code('"Id"') }} as site_match,
    {{ clean_text('"Caption"') }} as caption,
    {{ clean_code('"CustomerId"') }} as customer_code,
    {{ clean_code('"DealId"') }} as deal_id,
    {{ wall_date('"StartDate"') }} as start_date,
    {{ wall_date('"EndDate"') }} as end_date,
    "Status" as status_code,
    "PredictedCosts" as budget_cost,
    "AccomplishedCosts" as actual_cost,
    "PredictedSales" as budget_sales,
    "AccomplishedSales" as actual_sales,
    {{ clean_text('"' ~ prefix ~ '_Address1"') }} as street,
    country_code,
    zipcode,
    {{ clean_city('"' ~ prefix ~ '_City"') }} as city,
    {{ clean_code('"' ~ prefix ~ '_CodeINSEE"') }} as insee_code,
    case when has_point then cast("{{ prefix }}_Latitude" as double) end as latitude,
    case when has_point then cast("{{ prefix }}_Longitude" as double) end as longitude,
    {{ checked_values([
        {'column': prefix ~ '_ZipCode', 'rule': 'postcode', 'cleaned': checked_postcode('zipcode', 'country_code')},
        {'column': prefix ~ '_Latitude', 'rule': 'gps', 'cleaned': 'nullif(has_point, false)', 'personal': true,
            'raw': typed_point('"' ~ prefix ~ '_Latitude"', '"' ~ prefix ~ '_Longitude"')},
    ]) }} as checked
from cleaned
where {{ clean_code('"Id"') }} is not null
