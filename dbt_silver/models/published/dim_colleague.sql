{{ config(tags=['dimension']) }}
{% set own_depot = has_point('extras.depot_latitude', 'extras.depot_longitude') -%}
with history as (select * from {{ ref('stg_colleague') }}),

captions as (select * from {{ ref('stg_captions') }}),

warehouses as (select * from {{ ref('stg_storehouse') }}),

documents as (select * from {{ ref('int_sale_documents') }}),

events as (
    select * from {{ ref('stg_schedule_event') }}
    qualify row_number() over (partition by event_id order by valid_from desc) = 1
),

bounds as (select * from {{ ref('int_as_of') }}),

extras as {{ user_file('colleague_extra') }},

latest as (
    select * from history
    qualify row_number() over (partition by code_match order by valid_from desc) = 1
),

schedules as (
    select
        *,
        sum(minutes) over (partition by code_match) as weekly_minutes
    from {{ ref('int_day_schedules') }}
),

-- The user's hours a week keep the shape of EBP's week; where that is empty, they are five equal days.
weeks as (
    select
        schedules.code_match,
        list(cast(round(case
            when extras.weekly_hours is null then schedules.minutes
            when schedules.weekly_minutes > 0
                then schedules.minutes * extras.weekly_hours * 60 / schedules.weekly_minutes
            when schedules.weekday <= 5 then extras.weekly_hours * 60 / 5
            else 0
        end) as integer) order by schedules.weekday) as minutes
    from schedules
    left join extras on schedules.code_match = upper(extras.colleague_id)
    where schedules.weekly_minutes > 0 or extras.weekly_hours is not null
    group by all
),

-- The day the warehouse first saw somebody turn inactive after being active.
turns as (
    select
        code_match,
        valid_from,
        not is_active and lag(is_active) over (partition by code_match order by valid_from) as is_departure
    from history
    where not is_deleted
),

departures as (
    select
        code_match,
        cast(timezone('Europe/Paris', timezone('UTC', max(valid_from))) as date) as departure_date
    from turns
    where is_departure
    group by all
),

-- The first document or appointment; a slip of the keyboard, such as the year 1900, is no activity.
activities as (
    select
        upper(colleague_code) as code_match,
        document_date as day,
        false as is_appointment
    from documents
    union all
    select
        upper(colleague_code) as code_match,
        cast(start_at as date) as day,
        customer_code is not null and not is_exception as is_appointment
    from events
    where not is_deleted
),

first_activities as (
    select
        activities.code_match,
        min(activities.day) as first_date,
        bool_or(
            activities.is_appointment
            and activities.day > bounds.as_of - to_months({{ parameter('technician_months') }})
        ) as has_appointments
    from activities
    cross join bounds
    where activities.code_match is not null and activities.day between date '1950-01-01' and bounds.as_of
    group by all
),

competences as (
    select
        colleague_match,
        string_agg(distinct competence_id, '|' order by competence_id) as skills
    from {{ ref('stg_colleague_competence') }}
    group by all
),

main_warehouse as (
    select * from warehouses
    where is_main
    qualify row_number() over (order by warehouse_id) = 1
),

colleagues as (
    select
        md5(latest.code) as colleague_key,
        latest.code as colleague_id,
        latest.name,
        latest.first_name,
        latest.job_title,
        coalesce(extras.department, family_captions.caption) as department,
        latest.email,
        latest.phone,
        extras.hire_date,
        coalesce(extras.termination_date, case when not latest.is_active then departures.departure_date end)
            as termination_date,
        case
            when extras.termination_date is not null then 'file'
            when not latest.is_active and departures.departure_date is not null then 'observed'
        end as termination_source,
        latest.is_active,
        coalesce(extras.team, groups.caption) as team_name,
        case when managers.code is not null then md5(managers.code) end as manager_colleague_key,
        latest.is_salesperson,
        coalesce(first_activities.has_appointments, false) or extras.skills is not null as is_technician,
        coalesce(extras.skills, competences.skills) as skills,
        {{ amount('latest.hourly_cost') }} as hourly_cost,
        weeks.minutes[1] as monday_minutes,
        weeks.minutes[2] as tuesday_minutes,
        weeks.minutes[3] as wednesday_minutes,
        weeks.minutes[4] as thursday_minutes,
        weeks.minutes[5] as friday_minutes,
        weeks.minutes[6] as saturday_minutes,
        weeks.minutes[7] as sunday_minutes,
        cast(list_sum(weeks.minutes) as integer) as weekly_minutes,
        first_activities.first_date as first_activity_date,
        -- Points, never one coordinate of each: those of EBP are pairs already.
        coalesce(
            case when {{ own_depot }} then extras.depot_latitude end,
            latest.latitude,
            warehouses.latitude,
            main_warehouse.latitude
        ) as depot_latitude,
        coalesce(
            case when {{ own_depot }} then extras.depot_longitude end,
            latest.longitude,
            warehouses.longitude,
            main_warehouse.longitude
        ) as depot_longitude
    from latest
    left join captions as family_captions
        on family_captions.list_name = 'colleague_family' and latest.family_code = family_captions.code
    left join captions as groups on groups.list_name = 'classification_group' and latest.group1_id = lower(groups.code)
    left join extras on latest.code_match = upper(extras.colleague_id)
    left join latest as managers on upper(extras.manager_id) = managers.code_match
    left join weeks on latest.code_match = weeks.code_match
    left join departures on latest.code_match = departures.code_match
    left join first_activities on latest.code_match = first_activities.code_match
    left join competences on latest.code_match = competences.colleague_match
    left join warehouses on latest.warehouse_id = warehouses.warehouse_id
    left join main_warehouse on true
    where not latest.is_deleted
),

members as (
    select unnest(['unknown', 'orphan']) as member
)

select * from colleagues
union all by name
select
    md5(member) as colleague_key,
    '(' || member || ')' as colleague_id,
    false as is_active,
    false as is_salesperson,
    false as is_technician
from members
