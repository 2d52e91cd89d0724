-- What gold.technician_calendar_load must satisfy: its minutes are those of the technicians' days in its window, and no
-- day is overbooked and partly free at once.
with days as (
    select
        sum(t.available_minutes) as available,
        sum(t.planned_minutes) as planned
    from silver.fact_technician_time as t
    inner join silver.dim_date as d on t.date_key = d.date_id
    where
        d.date_value > $as_of - to_months($load_months_back)
        and d.date_value <= $as_of + to_days(7 * $load_weeks_ahead)
),

load as (
    select
        sum(available_minutes) as available,
        sum(planned_minutes) as planned
    from computed.technician_calendar_load
)

select
    l.available || ' minutes available and ' || l.planned || ' planned, in the facts ' || d.available || ' and '
    || d.planned as problem
from load as l
cross join days as d
where abs(l.available - d.available) > 0.01 or abs(l.planned - d.planned) > 0.01
union all
select 'a day of ' || date_id || ' is overbooked and has free time'
from computed.technician_calendar_load
where is_overbooked and free_minutes > 0
