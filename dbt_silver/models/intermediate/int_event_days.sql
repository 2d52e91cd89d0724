{#
    Days of every live event: its minutes on the day, and those that count as work (`worked_minutes`).

    Within 24 hours all minutes count; a longer event counts at most the schedule of its technician (nobody: the company's
    business hours) on each day. An event that ends before it starts, or is longer than 14 days (an absence: three years), has
    no days: that is a slip of the keyboard.
-#}
with events as (select * from {{ ref('int_events') }}),

first_of_team as (
    select
        root_id,
        arg_min(colleague_code, (line_order, event_id)) as colleague_code
    from events
    where root_id <> event_id and colleague_code is not null
    group by all
),

colleagues as (
    select
        upper(colleague_id) as code_match,
        [
            monday_minutes, tuesday_minutes, wednesday_minutes, thursday_minutes, friday_minutes, saturday_minutes,
            sunday_minutes
        ] as week
    from {{ ref('dim_colleague') }}
    where weekly_minutes is not null
),

dates as (
    select
        date_value,
        is_holiday or (not is_business_day and not is_weekend) as is_closed
    from {{ ref('dim_date') }}
    where date_id > 0
),

business_day as (
    select
        {%- for opening in parameter('business_hours') %}
        {{ minute_of(opening[1]) }} - {{ minute_of(opening[0]) }} +
        {%- endfor %} 0 as minutes
),

days as (
    select
        events.event_id,
        events.is_exception,
        events.elapsed_minutes,
        coalesce(events.colleague_code, first_of_team.colleague_code) as colleague_code,
        events.start_at,
        events.end_at,
        cast(unnest(generate_series(
            cast(events.start_at as date), cast(events.end_at - interval 1 second as date), interval 1 day
        )) as date) as day
    from events
    left join first_of_team on events.event_id = first_of_team.root_id
    where
        events.elapsed_minutes > 0
        and events.elapsed_minutes <= case when events.is_exception then 3 * 366 else 14 end * 24 * 60
),

scheduled as (
    select
        days.*,
        {{ elapsed_minutes('greatest(days.start_at, days.day)', 'least(days.end_at, days.day + interval 1 day)') }}
            as overlap_minutes,
        case
            when coalesce(dates.is_closed, false) then 0
            when colleagues.week is not null then colleagues.week[isodow(days.day)]
            when isodow(days.day) < 6 then business_day.minutes
            else 0
        end as schedule_minutes
    from days
    cross join business_day
    left join dates on days.day = dates.date_value
    left join colleagues on upper(days.colleague_code) = colleagues.code_match
)

select
    event_id,
    day,
    overlap_minutes,
    case
        when elapsed_minutes < 24 * 60 and not is_exception then overlap_minutes
        else least(overlap_minutes, schedule_minutes)
    end as worked_minutes
from scheduled
