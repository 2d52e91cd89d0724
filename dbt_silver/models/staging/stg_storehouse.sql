with source as (select * from {{ from_bronze('storehouse') }})

select
    {{ clean_uuid('"Id"') }} as warehouse_id,
    {{ clean_text('"Caption"') }} as name,
    coalesce("Main", false) as is_main,
    case when {{ has_point('"Address_Latitude"', '"Address_Longitude"') }} then "Address_Latitude" end as latitude,
    case when {{ has_point('"Address_Latitude"', '"Address_Longitude"') }} then "Address_Longitude" end as longitude
from source
