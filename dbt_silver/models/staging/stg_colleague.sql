{# Every version of every colleague, cleaned: dim_colleague is type 1 but reads the day somebody turned inactive. -#}
with source as (
    select *, coalesce({{ match_code('"Address_CountryIsoCode"') }}, 'FR') as country
    from {{ from_bronze('colleague', history=true) }} as bronze
),

country_codes as (select * from {{ ref('country_code') }})

select
    {{ clean_code('source."Id"') }} as code,
    {{ match_code('source."Id"') }} as code_match,
    {{ clean_text('source."Contact_Name"') }} as name,
    {{ clean_text('source."Contact_FirstName"') }} as first_name,
    {{ clean_text('source."Contact_ColleagueFunction"') }} as job_title,
    {{ clean_email('source."Contact_Email"') }} as email,
    coalesce(
        {{ clean_phone('source."Contact_Phone"', "coalesce(country_codes.country_code, 'FR')", "coalesce(country_codes.phone_prefix, '33')") }},
        {{ clean_phone('source."Contact_CellPhone"', "coalesce(country_codes.country_code, 'FR')", "coalesce(country_codes.phone_prefix, '33')") }}
    ) as phone,
    {{ match_code('source."ColleagueFamilyId"') }} as family_code,
    {{ clean_uuid('source."Group1"') }} as group1_id,
    coalesce(source."IsSalesperson", false) as is_salesperson,
    source."HourlyCostPrice" as hourly_cost,
    coalesce(source."ActiveState", 0) = 0 as is_active,
    {{ clean_uuid('source."StorehouseId"') }} as warehouse_id,
    case when {{ has_point('source."Address_Latitude"', 'source."Address_Longitude"') }} then source."Address_Latitude" end as latitude,
    case when {{ has_point('source."Address_Latitude"', 'source."Address_Longitude"') }} then source."Address_Longitude" end as longitude,
    [
        {%- for k in range(7) %}
        {
            hours: source."DaySchedule{{ k }}_Duration",
            active: coalesce(source."DaySchedule{{ k }}_Active", false),
            customized: coalesce(source."DaySchedule{{ k }}_Customize", false)
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ] as days,
    source._bronze_valid_from as valid_from,
    source._bronze_is_deleted as is_deleted
from source
left join country_codes on source.country = country_codes.raw_code
where {{ clean_code('source."Id"') }} is not null
