with source as (select * from {{ from_bronze('colleague_family') }})

select
    {{ match_code('"Id"') }} as family_code,
    [
        {%- for k in range(7) %}
        {
            hours: "DaySchedule{{ k }}_Duration", active: coalesce("DaySchedule{{ k }}_Active", false), customized: true
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ] as days
from source
