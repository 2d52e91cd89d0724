{{ config(tags=['fact']) }}
{# A technician's own minutes are those of his rows of the team, else those of the appointment. -#}
with interventions as (select * from {{ ref('fact_interventions') }}),

events as (
    select
        root_id,
        event_id,
        upper(colleague_code) as colleague_match,
        event_id <> root_id as is_row,
        achieved_minutes,
        expected_minutes
    from {{ ref('int_events') }}
    where colleague_code is not null
),

own as (
    select
        root_id,
        colleague_match,
        sum(achieved_minutes) filter (where is_row) as row_minutes,
        sum(expected_minutes) filter (where is_row) as row_expected_minutes,
        bool_or(not is_row) as is_on_root
    from events
    group by all
),

colleagues as (select * from {{ ref('dim_colleague') }}),

timed as (
    select
        interventions.*,
        own.colleague_match,
        colleagues.colleague_key as own_key,
        coalesce(colleagues.colleague_id, own.colleague_match) as own_id,
        coalesce(own.row_minutes, interventions.actual_duration_minutes) as own_actual,
        coalesce(own.row_expected_minutes, interventions.scheduled_duration_minutes) as own_scheduled
    from interventions
    inner join own on interventions.event_id = own.root_id
    left join colleagues on own.colleague_match = upper(colleagues.colleague_id)
)

select
    md5(event_id || '|' || colleague_match) as intervention_technician_key,
    intervention_key,
    schedule_date_key,
    coalesce(own_key, {{ member_key('orphan') }}) as colleague_key,
    own_id as colleague_id,
    upper(own_id) = upper(colleague_id) as is_main,
    case when state = 'Done' then coalesce(own_actual, own_scheduled) end as minutes,
    case when state = 'Done' then coalesce(own_actual, own_scheduled) when state <> 'Cancelled' then own_scheduled end
        as planned_minutes
from timed
