{#
    One row per appointment: hours from the request to its start, and for repairs whether that met the target.

    Requested = when the linked incident was opened, else when the appointment was typed. Of several appointments of one
    incident the first answers it; those after it are not judged.
-#}
with incidents as (
    select
        upper(incident_id) as incident_match,
        start_at,
        priority,
        contract_family
    from {{ ref('int_incidents') }}
),

contracts as (select * from {{ ref('stg_maintenance_contract') }}),

bounds as (select * from {{ ref('int_as_of') }}),

requests as (
    select
        events.event_id,
        events.start_at,
        events.state,
        events.intervention_type,
        events.state = 'Scheduled' and events.is_past as is_overdue,
        coalesce(incidents.start_at, events.created_at) as requested_at,
        -- What is overdue has not been answered yet: its waiting goes on.
        case
            when events.state = 'Scheduled' and events.is_past then cast(bounds.as_of as timestamp) + interval 1 day
            else events.start_at
        end as answered_at,
        coalesce(incidents.priority, case when events.is_urgent then 1 else 3 end) as priority,
        coalesce(contracts.family_id, incidents.contract_family) as contract_family,
        incidents.incident_match is not null
        and row_number() over (
            partition by incidents.incident_match, events.state = 'Cancelled' order by events.start_at, events.event_id
        ) > 1 as is_later_answer
    from {{ ref('int_events') }} as events
    cross join bounds
    left join incidents on upper(events.incident_id) = incidents.incident_match
    left join contracts on upper(events.contract_id) = upper(contracts.contract_id)
    where events.is_intervention
),

targets as {{ user_file('sla') }},

targeted as (
    select
        requests.*,
        coalesce(targets.first_response_hours, nullif({{ parameter('sla_first_response_hours') }}, 0)) as target_hours,
        coalesce(targets.clock, '{{ parameter('sla_clock') }}') = 'business' as is_business_clock
    from requests
    left join targets on {{ is_targeted('targets', 'requests.contract_family', 'requests.priority') }}
    qualify row_number() over (partition by requests.event_id order by {{ target_rank('targets') }}) = 1
),

openings as (
    {{ opening_hours() }}
),

business_hours as (
    select
        targeted.event_id,
        sum({{ open_seconds('openings', 'targeted.requested_at', 'targeted.answered_at') }}) / 3600 as hours
    from targeted
    inner join openings on targeted.requested_at < openings.close_at and targeted.answered_at > openings.open_at
    where targeted.is_business_clock and targeted.target_hours is not null and targeted.intervention_type = 'Repair'
    group by all
),

measured as (
    select
        targeted.*,
        greatest(0, {{ elapsed_minutes('targeted.requested_at', 'targeted.start_at') }} / 60) as request_hours,
        case
            when targeted.is_business_clock then coalesce(business_hours.hours, 0)
            else greatest(0, {{ elapsed_minutes('targeted.requested_at', 'targeted.answered_at') }} / 60)
        end as waiting_hours
    from targeted
    left join business_hours on targeted.event_id = business_hours.event_id
)

select
    event_id,
    case when state <> 'Cancelled' and requested_at is not null then request_hours end as time_to_intervention_hours,
    case when intervention_type = 'Repair' then target_hours end as sla_first_response_hours,
    case
        when intervention_type <> 'Repair' or is_later_answer or requested_at is null then null
        when state in ('Done', 'InProgress') then waiting_hours <= target_hours
        when is_overdue and waiting_hours > target_hours then false
    end as sla_met_flag
from measured
