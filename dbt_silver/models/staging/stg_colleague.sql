{# Every version of every colleague, cleaned: dim_colleague is type 1 but reads the day somebody turned inactive. -#}
with bronze as (select * from {{ from_bronze('colleague', history=true) }}),

country_codes as (select * from {{ ref('country_code') }}),

source as (
    select
        bronze.*,
        coalesce(country_codes.country_code, 'FR') as country_code,
        coalesce(country_codes.phone_prefix, '33') as phone_prefix
    from bronze
    left join country_codes
        on coalesce({{ match_code('bronze."Address_CountryIsoCode"') }}, 'FR') = country_codes.raw_code
),

cleaned as (
    select
        *,
        {{ clean_email('"Contact_Email"') }} as email,
        {{ clean_phone('"Contact_Phone"', 'country_code', 'phone_prefix') }} as phone,
        {{ clean_phone('"Contact_CellPhone"', 'country_code', 'phone_prefix') }} as cell_phone,
        {{ has_point('"Address_Latitude"', '"Address_Longitude"') }} as has_point
    from source
)

select
    {{ clean_code('"Id"') }} as code,
    {{ match_code('"Id"') }} as code_match,
    {{ clean_text('"Contact_Name"') }} as name,
    {{ clean_text('"Contact_FirstName"') }} as first_name,
    {{ clean_text('"Contact_ColleagueFunction"') }} as job_title,
    email,
    coalesce(phone, cell_phone) as phone,
    {{ match_code('"ColleagueFamilyId"') }} as family_code,
    {{ clean_uuid('"Group1"') }} as group1_id,
    coalesce("IsSalesperson", false) as is_salesperson,
    "HourlyCostPrice" as hourly_cost,
    coalesce("ActiveState", 0) = 0 as is_active,
    {{ clean_uuid('"StorehouseId"') }} as warehouse_id,
    case when has_point then "Address_Latitude" end as latitude,
    case when has_point then "Address_Longitude" end as longitude,
    [
        {%- for k in range(7) %}
        {
            hours: "DaySchedule{{ k }}_Duration",
            active: coalesce("DaySchedule{{ k }}_Active", false),
            customized: coalesce("DaySchedule{{ k }}_Customize", false)
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ] as days,
    {{ checked_values([
        {'column': 'Contact_Email', 'rule': 'email', 'cleaned': 'email', 'personal': true},
        {'column': 'Contact_Phone', 'rule': 'phone', 'cleaned': 'phone', 'personal': true},
        {'column': 'Contact_CellPhone', 'rule': 'phone', 'cleaned': 'cell_phone', 'personal': true},
        {'column': 'Address_Latitude', 'rule': 'gps', 'cleaned': 'nullif(has_point, false)', 'personal': true,
            'raw': typed_point('"Address_Latitude"', '"Address_Longitude"')},
    ]) }} as checked,
    _bronze_valid_from as valid_from,
    _bronze_is_deleted as is_deleted
from cleaned
where {{ clean_code('"Id"') }} is not null
