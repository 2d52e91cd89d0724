{{ config(tags=['dimension']) }}
with minutes as (select unnest(range(0, 24 * 60)) as minute_of_day),

times as (
    select
        minute_of_day // 60 as hour,
        minute_of_day % 60 as minute,
        (
            {%- for opening in parameter('business_hours') %}
            (minute_of_day >= {{ minute_of(opening[0]) }} and minute_of_day < {{ minute_of(opening[1]) }}) or
            {%- endfor %}
            false
        ) as business_hours_flag
    from minutes
)

select
    cast(hour * 10000 + minute * 100 as integer) as time_key,
    cast(hour as integer) as hour,
    cast(minute as integer) as minute,
    case
        when hour between 5 and 11 then 'Morning'
        when hour between 12 and 17 then 'Afternoon'
        when hour between 18 and 21 then 'Evening'
        else 'Night'
    end as time_of_day,
    business_hours_flag
from times
union all
select
    -1 as time_key,
    cast(null as integer) as hour,
    cast(null as integer) as minute,
    cast(null as varchar) as time_of_day,
    cast(null as boolean) as business_hours_flag
