{#
    Working minutes of each colleague by EBP's index of the day (0-6), and which weekday that index is (1 = Monday).

    The colleague's own day where it is customized, else the family's. EBP stores a duration; what does not fit a day in hours
    is taken as minutes. Shown with dim_colleague's week, read by the profile.
-#}
with latest as (
    select * from {{ ref('stg_colleague') }}
    qualify row_number() over (partition by code_match order by valid_from desc) = 1
),

families as (select * from {{ ref('stg_colleague_family') }}),

schedules as (
    select
        code_match,
        day_index,
        case when day.active then case when day.hours <= 24 then day.hours * 60 else day.hours end else 0 end as minutes
    from (
        select
            latest.code_match,
            indexes.day_index,
            case
                when latest.days[indexes.day_index + 1].customized or families.days is null
                    then latest.days[indexes.day_index + 1]
                else families.days[indexes.day_index + 1]
            end as day
        from latest
        cross join (select unnest(range(0, 7)) as day_index) as indexes
        left join families on latest.family_code = families.family_code
    ) as chosen
),

worked_days as (
    select
        day_index,
        count(*) filter (where minutes > 0) as workers
    from schedules
    group by all
),

-- Which index is Monday is nowhere in EBP: the two days in a row with the fewest people at work are the week-end.
monday as (
    {% if parameter('monday_index') is not none -%}
    select {{ parameter('monday_index') }} as monday_index
    {%- else -%}
    select (one.day_index + 2) % 7 as monday_index
    from worked_days as one
    inner join worked_days as next on (one.day_index + 1) % 7 = next.day_index
    order by one.workers + next.workers, one.day_index = 5 desc, one.day_index
    limit 1
    {%- endif %}
)

select
    schedules.code_match,
    schedules.day_index,
    cast((schedules.day_index - monday.monday_index + 7) % 7 + 1 as integer) as weekday,
    schedules.minutes
from schedules
cross join monday
