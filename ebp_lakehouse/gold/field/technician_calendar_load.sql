-- gold.technician_calendar_load: one row per technician and day around $as_of; formulas in the .py beside it.
-- The days ahead are its subject: unlike facts dated after $as_of elsewhere, they do not wait.
with days as (
    select
        t.*,
        d.date_value > $as_of as is_future,
        t.planned_minutes + t.internal_minutes + t.travel_minutes as taken_minutes
    from silver.fact_technician_time as t
    inner join silver.dim_date as d on t.date_key = d.date_id
    where
        d.date_value > $as_of - to_months($load_months_back)
        and d.date_value <= $as_of + to_days(7 * $load_weeks_ahead)
)

select
    colleague_key,
    colleague_id,
    date_key as date_id,
    is_future,
    schedule_minutes,
    absent_minutes,
    available_minutes,
    planned_minutes,
    internal_minutes,
    travel_minutes,
    greatest(0, available_minutes - taken_minutes) as free_minutes,
    taken_minutes > available_minutes as is_overbooked,
    case when available_minutes > 0 then taken_minutes / available_minutes end as load_rate
from days
order by colleague_id, date_key
