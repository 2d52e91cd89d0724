with source as (
    select
        *,
        coalesce({{ match_code('"DeliveryAddress_CountryIsoCode"') }}, 'FR') as raw_country_code
    from {{ from_bronze('customer_product') }} as bronze
),

country_codes as (select * from {{ ref('country_code') }}),

with_country as (
    select
        source.*,
        coalesce(country_codes.country_code, source.raw_country_code) as country_code,
        {{ has_point('source."DeliveryAddress_Latitude"', 'source."DeliveryAddress_Longitude"') }} as has_point
    from source
    left join country_codes on source.raw_country_code = country_codes.raw_code
),

cleaned as (
    select
        *,
        {{ clean_postcode('"DeliveryAddress_ZipCode"', 'country_code') }} as zipcode
    from with_country
)

select
    {{ clean_code('"Id"') }} as equipment_id,
    {{ match_code('"Id"') }} as equipment_match,
    {{ clean_text('"Caption"') }} as caption,
    coalesce("ActiveState", 0) = 0 as is_active,
    {{ clean_code('"CustomerId"') }} as customer_code,
    {{ clean_code('"ItemId"') }} as item_code,
    {{ clean_text('"TrackingNumber"') }} as serial_number,
    {{ clean_code('"CustomerProductFamilyId"') }} as family_id,
    {{ clean_uuid('"SaleDocumentLineId"') }} as sale_line_id,
    {{ wall_date('"PartsStartDate"') }} as parts_start_date,
    {{ wall_date('"PartsEndDate"') }} as parts_end_date,
    {{ wall_date('"LabourStartDate"') }} as labour_start_date,
    {{ wall_date('"LabourEndDate"') }} as labour_end_date,
    {{ wall_date('"TravelEndDate"') }} as travel_end_date,
    {{ wall_date('"sysCreatedDate"') }} as created_date,
    country_code,
    zipcode,
    {{ clean_city('"DeliveryAddress_City"') }} as city,
    {{ clean_code('"DeliveryAddress_CodeINSEE"') }} as insee_code,
    case when has_point then cast("DeliveryAddress_Latitude" as double) end as latitude,
    case when has_point then cast("DeliveryAddress_Longitude" as double) end as longitude,
    {{ checked_values([
        {'column': 'DeliveryAddress_ZipCode', 'rule': 'postcode', 'cleaned': checked_postcode('zipcode', 'country_code')},
        {'column': 'DeliveryAddress_Latitude', 'rule': 'gps', 'cleaned': 'nullif(has_point, false)', 'personal': true,
            'raw': typed_point('"DeliveryAddress_Latitude"', '"DeliveryAddress_Longitude"')},
    ]) }} as checked
from cleaned
where {{ clean_code('"Id"') }} is not null
