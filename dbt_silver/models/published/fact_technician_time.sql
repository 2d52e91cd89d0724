{{ config(tags=['fact']) }}
{#
    One row per technician and day, from the month of his first appointment (hire date if known) to some weeks ahead, and no
    longer than technician_months after his last one.
    Available = schedule, holidays and closings off, less absences, plus days worked by exception.
-#}
with bounds as (
    select
        as_of,
        calendar_start,
        calendar_end,
        cast(as_of - to_years({{ parameter('technician_time_years') }}) as date) as oldest,
        cast(as_of + {{ parameter('technician_time_weeks') * 7 }} as date) as horizon
    from {{ ref('int_as_of') }}
),

events as (select * from {{ ref('int_events') }}),

event_days as (select * from {{ ref('int_event_days') }}),

team as (
    select
        technicians.*,
        interventions.event_id,
        interventions.billable_amount > 0 as is_billable,
        interventions.travel_minutes,
        interventions.state = 'Done' as is_done
    from {{ ref('fact_intervention_technicians') }} as technicians
    inner join {{ ref('fact_interventions') }} as interventions
        on technicians.intervention_key = interventions.intervention_key
),

colleagues as (
    select
        *,
        [
            monday_minutes, tuesday_minutes, wednesday_minutes, thursday_minutes, friday_minutes, saturday_minutes,
            sunday_minutes
        ] as week
    from {{ ref('dim_colleague') }}
),

-- The share of each day in an event's work.
shares as (
    select
        event_id,
        day,
        case
            when sum(worked_minutes) over (partition by event_id) > 0
                then worked_minutes / sum(worked_minutes) over (partition by event_id)
            else overlap_minutes / sum(overlap_minutes) over (partition by event_id)
        end as share
    from event_days
),

customer_work as (
    select
        team.colleague_key,
        coalesce(shares.day, cast(events.start_at as date)) as day,
        sum(team.minutes * coalesce(shares.share, 1)) as intervention_minutes,
        sum(team.planned_minutes * coalesce(shares.share, 1)) as planned_minutes,
        coalesce(sum(team.minutes * coalesce(shares.share, 1)) filter (where team.is_billable), 0) as billable_minutes,
        -- Rounded: the last digit of a sum of doubles differs from run to run, and the row would be written anew.
        round(coalesce(
            sum(team.travel_minutes * coalesce(shares.share, 1)) filter (where team.is_done and team.is_main), 0
        ), 6) as travel_minutes
    from team
    inner join events on team.event_id = events.event_id
    left join shares on team.event_id = shares.event_id
    group by all
),

-- Neither with a customer nor a row of a team: meetings, absences, days worked by exception.
other_time as (
    select
        colleagues.colleague_key,
        event_days.day,
        sum(event_days.worked_minutes) filter (where not events.is_exception) as internal_minutes,
        sum(event_days.overlap_minutes) filter (where events.is_exception and not events.is_exception_worked)
            as away_minutes,
        sum(event_days.overlap_minutes) filter (where events.is_exception and events.is_exception_worked)
            as extra_minutes
    from events
    inner join event_days on events.event_id = event_days.event_id
    inner join colleagues on upper(events.colleague_code) = upper(colleagues.colleague_id)
    where
        events.is_exception
        or (events.root_id = events.event_id and events.customer_code is null and events.state <> 'Cancelled')
    group by all
),

working_lives as (
    select
        colleagues.colleague_key,
        colleagues.colleague_id,
        colleagues.week,
        greatest(
            coalesce(any_value(colleagues.hire_date), date_trunc('month', min(customer_work.day))),
            any_value(bounds.oldest)
        )
            as first_day,
        least(
            any_value(colleagues.termination_date),
            -- Who was at a customer's once is no technician for ever (is_technician).
            case
                when any_value(colleagues.is_active)
                    then cast(max(customer_work.day) + to_months({{ parameter('technician_months') }}) as date)
                else max(customer_work.day)
            end,
            any_value(bounds.horizon)
        ) as last_day
    from colleagues
    inner join customer_work on colleagues.colleague_key = customer_work.colleague_key
    cross join bounds
    where customer_work.day between bounds.oldest and bounds.horizon and colleagues.week[1] is not null
    group by all
),

days as (
    select
        working_lives.colleague_key,
        working_lives.colleague_id,
        dates.date_id,
        dates.date_value as day,
        case
            when dates.is_holiday or (not dates.is_business_day and not dates.is_weekend) then 0
            else working_lives.week[dates.day_of_week]
        end as schedule_minutes
    from working_lives
    inner join {{ ref('dim_date') }} as dates
        on dates.date_value between working_lives.first_day and working_lives.last_day
)

select
    md5(days.colleague_key || '|' || days.date_id) as technician_time_key,
    days.colleague_key,
    days.colleague_id,
    days.date_id as date_key,
    days.schedule_minutes,
    cast(least(coalesce(other_time.away_minutes, 0), days.schedule_minutes) as double) as absent_minutes,
    cast(
        days.schedule_minutes
        - least(coalesce(other_time.away_minutes, 0), days.schedule_minutes)
        + coalesce(other_time.extra_minutes, 0)
        as double
    ) as available_minutes,
    coalesce(customer_work.planned_minutes, 0) as planned_minutes,
    coalesce(customer_work.intervention_minutes, 0) as intervention_minutes,
    coalesce(customer_work.billable_minutes, 0) as billable_minutes,
    coalesce(customer_work.travel_minutes, 0) as travel_minutes,
    coalesce(other_time.internal_minutes, 0) as internal_minutes
from days
left join customer_work on days.colleague_key = customer_work.colleague_key and days.day = customer_work.day
left join other_time on days.colleague_key = other_time.colleague_key and days.day = other_time.day
where
    days.schedule_minutes > 0
    or customer_work.planned_minutes > 0
    or other_time.extra_minutes > 0
    or other_time.internal_minutes > 0
