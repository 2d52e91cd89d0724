-- What gold.interventions_daily_kpi must satisfy: every appointment that has a day, up to the partition's day, is
-- counted once, Done amounts to the cent of each day; and no day has more Done and Cancelled than appointments.
with facts as (
    select
        schedule_date_key as date_id,
        count(*) as appointments,
        round(coalesce(sum(billable_amount) filter (where state = 'Done'), 0), 2)::decimal(18, 2) as billable
    from silver.fact_interventions
    where schedule_date_key between 0 and strftime($as_of, '%Y%m%d')::integer
    group by schedule_date_key
),

first_day as (select min(date_id) as date_id from facts),

deleted as (  -- the series begins with the first appointment that was kept
    select count(*) as appointments
    from silver.fact_deleted_appointments as x
    cross join first_day
    where x.schedule_date_key between first_day.date_id and strftime($as_of, '%Y%m%d')::integer
),

expected as (
    select
        coalesce(sum(f.appointments), 0) + any_value(x.appointments) as appointments,
        coalesce(sum(f.billable), 0) as billable
    from deleted as x
    left join facts as f on true
),

actual as (
    select
        coalesce(sum(total_interventions_count), 0) as appointments,
        coalesce(sum(total_billable_amount), 0) as billable
    from computed.interventions_daily_kpi
)

select
    'there are ' || a.appointments || ' appointments in the series, ' || e.appointments || ' in the facts up to '
    || $as_of as problem
from actual as a
cross join expected as e
where a.appointments <> e.appointments
union all
select 'billable is ' || a.billable || ' in the series, ' || e.billable || ' in the facts up to ' || $as_of
from actual as a
cross join expected as e
where a.billable <> e.billable
union all
select 'on ' || date_id || ' more appointments are Done or Cancelled than there are'
from computed.interventions_daily_kpi
where interventions_completed_count + interventions_cancelled_count > total_interventions_count
