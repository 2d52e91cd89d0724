-- What gold.interventions_cube must satisfy: each of its grouping sets holds every appointment once, as many and for as
-- much as the daily series; Done of all types is what that series says was completed.
with daily as (
    select
        coalesce(sum(total_interventions_count), 0) as appointments,
        coalesce(sum(interventions_completed_count), 0) as completed,
        coalesce(sum(total_billable_amount), 0) as billable,
        count(*) filter (where total_billable_amount <> 0) as days
    from computed.interventions_daily_kpi
),

grouping_sets as (
    select
        grouping_id,
        sum(interventions_count) as appointments,
        sum(billable_amount) as billable,
        count(*) as cells
    from computed.interventions_cube
    group by grouping_id
),

before as (  -- deleted ones of days before the series begins
    select count(*) as appointments
    from silver.fact_deleted_appointments as x
    inner join silver.dim_date as d on x.schedule_date_key = d.date_id
    where
        d.date_value <= $as_of
        and x.schedule_date_key < coalesce(
            (select min(k.date_id) from computed.interventions_daily_kpi as k), 99999999
        )
)

select 'set ' || g.grouping_id || ' has ' || g.appointments || ' appointments, days ' || d.appointments as problem
from grouping_sets as g
cross join daily as d
cross join before as b
where g.appointments <> d.appointments + b.appointments
union all
select 'set ' || g.grouping_id || ' bills ' || g.billable || ', the days ' || d.billable
from grouping_sets as g
cross join daily as d
where abs(g.billable - d.billable) > 0.005 * (g.cells + d.days)
union all
select 'there are ' || count(*) || ' grouping sets of 32'
from grouping_sets
having count(*) not in (0, 32)
union all
select 'Done is ' || coalesce(sum(c.interventions_count), 0) || ', completed in the days ' || any_value(d.completed)
from daily as d
left join computed.interventions_cube as c on c.grouping_id = 27 and c.state = 'Done'
having coalesce(sum(c.interventions_count), 0) <> any_value(d.completed)
