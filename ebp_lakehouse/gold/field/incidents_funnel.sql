-- gold.incidents_funnel: one row per day from the first incident to $as_of; formulas in the .py beside it.
-- An incident is open in stretches: from its opening, and from each time that its end was withdrawn, to the next end.
with incidents as (
    select
        incident_key,
        start_at,
        upper(incident_id) as incident_match,
        reopened_at,
        withdrawn_end_at,
        sla_met_flag,
        sla_missed_at,
        time_to_first_response_hours,
        time_to_resolution_hours,
        coalesce(reopened_at[1] < $as_of + interval 1 day, false) as is_reopened,
        -- An answer or an end before the opening is a clock's error: it is told on the day of the opening.
        case when first_response_at < $as_of + interval 1 day then greatest(first_response_at, start_at) end
            as answered_at,
        case when end_at < $as_of + interval 1 day then greatest(end_at, start_at) end as ended_at
    from silver.fact_incidents
    where start_at < $as_of + interval 1 day and creation_date_key > 0
),

technicians as (
    select
        upper(f.incident_id) as incident_match,
        count(distinct upper(t.colleague_id)) as technicians
    from silver.fact_interventions as f
    inner join silver.fact_intervention_technicians as t using (intervention_key)
    where f.incident_id is not null and f.state <> 'Cancelled' and f.start_at < $as_of + interval 1 day
    group by upper(f.incident_id)
),

numbered as (
    select
        *,
        unnest(range(1, len(reopened_at) + 2)) as stretch
    from incidents
),

stretches as (
    select
        n.stretch,
        n.answered_at,
        n.is_reopened or coalesce(t.technicians >= 2, false) as is_escalated,
        case when n.stretch = 1 then n.start_at else n.reopened_at[n.stretch - 1] end as opened_at,
        case when n.stretch <= len(n.reopened_at) then n.withdrawn_end_at[n.stretch] else n.ended_at end as closed_at
    from numbered as n
    left join technicians as t using (incident_match)
),

dated as (
    select
        stretch,
        is_escalated,
        opened_at::date as opened_on,
        case when closed_at < $as_of + interval 1 day then greatest(closed_at, opened_at)::date end as closed_on,
        case when answered_at is not null then greatest(answered_at, opened_at)::date end as in_progress_from
    from stretches
    where opened_at < $as_of + interval 1 day
),

opened as (
    select
        opened_on as day,
        count(*) filter (where stretch = 1) as new_incidents,
        count(*) filter (where stretch > 1) as reopened
    from dated
    group by opened_on
),

closed as (
    select
        closed_on as day,
        count(*) as resolved,
        avg(is_escalated::integer) as escalated
    from dated
    where closed_on is not null
    group by closed_on
),

in_progress_changes as (
    select
        in_progress_from as day,
        1 as step
    from dated
    where in_progress_from is not null and (closed_on is null or closed_on >= in_progress_from)
    union all
    select
        closed_on as day,
        -1 as step
    from dated
    where in_progress_from <= closed_on
),

in_progress as (
    select
        day,
        sum(step) as change
    from in_progress_changes
    group by day
),

answers as (
    select
        answered_at::date as day,
        avg(time_to_first_response_hours) as hours
    from incidents
    where answered_at is not null
    group by answered_at::date
),

resolutions as (
    select
        ended_at::date as day,
        avg(time_to_resolution_hours) as hours,
        count(*) filter (where sla_met_flag) as met
    from incidents
    where ended_at is not null
    group by ended_at::date
),

misses as (
    select
        sla_missed_at::date as day,
        count(*) as missed
    from incidents
    where sla_missed_at < $as_of + interval 1 day
    group by sla_missed_at::date
),

first_day as (
    select coalesce(
        (select min(start_at)::date from incidents),
        (
            select min(d.date_value) from silver.fact_interventions as f
            inner join silver.dim_date as d on f.schedule_date_key = d.date_id
        )
    ) as day
)

select
    d.date_id,
    coalesce(o.new_incidents, 0) as new_incidents_count,
    sum(coalesce(p.change, 0)) over running as in_progress_incidents_count,
    coalesce(c.resolved, 0) as resolved_incidents_count,
    coalesce(o.reopened, 0) as reopened_incidents_count,
    a.hours as avg_time_to_first_response_hours,
    r.hours as avg_time_to_resolution_hours,
    coalesce(r.met, 0) as sla_met_count,
    coalesce(m.missed, 0) as sla_missed_count,
    sum(coalesce(o.new_incidents, 0) + coalesce(o.reopened, 0) - coalesce(c.resolved, 0)) over running as backlog_count,
    c.escalated as escalation_rate
from silver.dim_date as d
left join opened as o on d.date_value = o.day
left join closed as c on d.date_value = c.day
left join in_progress as p on d.date_value = p.day
left join answers as a on d.date_value = a.day
left join resolutions as r on d.date_value = r.day
left join misses as m on d.date_value = m.day
where d.date_value between (select f.day from first_day as f) and $as_of
window running as (order by d.date_value rows between unbounded preceding and current row)
order by d.date_id
