-- What gold.incidents_funnel must satisfy (semantics §13): the backlog's recurrence, its last day against the facts,
-- and every incident opened once.
with days as (
    select
        *,
        lag(backlog_count, 1, 0) over (order by date_id) + new_incidents_count - resolved_incidents_count
        + reopened_incidents_count as expected_backlog
    from computed.incidents_funnel
),

facts as (
    select
        count(*) as incidents,
        count(*)
        + coalesce(sum(len(list_filter(reopened_at, lambda moment: moment < $as_of + interval 1 day))), 0)
        - coalesce(sum(len(list_filter(withdrawn_end_at, lambda moment: moment < $as_of + interval 1 day))), 0)
        - count(*) filter (where end_at < $as_of + interval 1 day) as open_incidents
    from silver.fact_incidents
    where start_at < $as_of + interval 1 day and creation_date_key > 0
),

totals as (
    select
        coalesce(sum(new_incidents_count), 0) as incidents,
        coalesce(arg_max(backlog_count, date_id), 0) as open_incidents
    from computed.incidents_funnel
)

select 'on ' || date_id || ' the backlog is ' || backlog_count || ', by its changes ' || expected_backlog as problem
from days
where backlog_count <> expected_backlog
union all
select 'on ' || date_id || ' more incidents are in progress than open'
from days
where in_progress_incidents_count > backlog_count
union all
select
    t.incidents || ' incidents were opened and ' || t.open_incidents || ' are open, in the facts '
    || f.incidents || ' and ' || f.open_incidents
from totals as t
cross join facts as f
where t.incidents <> f.incidents or t.open_incidents <> f.open_incidents
