-- gold.interventions_daily_kpi: one row per day from the first appointment to $as_of; formulas in the .py beside it.
-- Time of technicians lies on the days on which it was worked, an appointment on the day it starts.
with appointments as (
    select
        f.*,
        d.date_value as start_date,
        f.state = 'Done' and f.billable_amount > 0
        and (not f.is_invoiced or coalesce(f.invoice_date > $as_of, false)) as is_waiting_for_invoice
    from silver.fact_interventions as f
    inner join silver.dim_date as d on f.schedule_date_key = d.date_id
    where d.date_value <= $as_of
),

-- What a contract visit is measured against: the due date of the contract to which its day belongs.
contract_visits as (
    select
        a.intervention_key,
        abs(date_diff('day', v.due_date, a.start_date)) <= $preventive_tolerance_days as is_on_time
    from appointments as a
    inner join silver.fact_contract_visits as v
        on upper(a.contract_id) = upper(v.contract_id) and a.start_date between v.first_date and v.last_date
    where a.intervention_type = 'Maintenance' and a.state = 'Done'
),

days as (
    select
        a.schedule_date_key as date_id,
        count(*) as appointments,
        count(*) filter (where a.state = 'Done') as completed,
        count(*) filter (where a.state = 'Cancelled') as cancelled,
        count(*) filter (where a.is_overdue) as overdue,
        count(*) filter (where a.rescheduled_count > 0) as rescheduled,
        avg(a.actual_duration_minutes) filter (where a.state = 'Done') as duration,
        sum(a.actual_duration_minutes) filter (where a.scheduled_duration_minutes > 0) as compared_actual,
        sum(a.scheduled_duration_minutes) filter (
            where a.actual_duration_minutes is not null and a.scheduled_duration_minutes > 0
        ) as compared_scheduled,
        avg(a.is_first_call_resolution::integer) as first_call_resolution,
        avg(a.customer_satisfaction_score) filter (where coalesce(a.customer_satisfaction_date <= $as_of, true))
            as satisfaction,
        avg(a.distance_km) filter (where a.state = 'Done') as distance_km,
        sum(a.billable_amount) filter (where a.state = 'Done') as billable,
        avg(a.sla_met_flag::integer) as sla_met,
        avg(v.is_on_time::integer) as preventive_on_time,
        median(a.time_to_intervention_hours) as median_hours,
        quantile_cont(a.time_to_intervention_hours, 0.9) as p90_hours,
        count(*) filter (where a.is_waiting_for_invoice) as not_invoiced,
        sum(a.billable_amount) filter (where a.is_waiting_for_invoice) as not_invoiced_amount
    from appointments as a
    left join contract_visits as v using (intervention_key)
    group by a.schedule_date_key
),

deleted as (
    select
        schedule_date_key as date_id,
        count(*) as appointments
    from silver.fact_deleted_appointments
    group by schedule_date_key
),

technicians as (
    select
        date_key as date_id,
        sum(available_minutes) as available,
        sum(intervention_minutes) as intervention,
        sum(billable_minutes) as billable,
        sum(travel_minutes) as travel
    from silver.fact_technician_time
    group by date_key
)

select
    d.date_id,
    coalesce(k.appointments, 0) + coalesce(x.appointments, 0) as total_interventions_count,
    coalesce(k.completed, 0) as interventions_completed_count,
    coalesce(k.cancelled, 0) + coalesce(x.appointments, 0) as interventions_cancelled_count,
    k.duration as avg_duration_minutes,
    k.first_call_resolution as first_call_resolution_rate,
    k.satisfaction as avg_customer_satisfaction,
    k.distance_km as avg_distance_km,
    cents(coalesce(k.billable, 0)) as total_billable_amount,
    case when t.available > 0 then t.intervention / t.available end as utilization_rate,
    k.sla_met as sla_compliance_rate,
    k.preventive_on_time as preventive_on_time_rate,
    case when t.available > 0 then (t.intervention + t.travel) / t.available end as occupancy_rate,
    case when t.available > 0 then t.billable / t.available end as billable_rate,
    case when k.compared_scheduled > 0 then (k.compared_actual / k.compared_scheduled - 1) * 100 end
        as planning_gap_percent,
    coalesce(k.overdue, 0) as interventions_overdue_count,
    interventions_completed_count::double
    / nullif(interventions_completed_count + interventions_cancelled_count + interventions_overdue_count, 0)
        as schedule_completion_rate,
    interventions_cancelled_count::double / nullif(total_interventions_count, 0) as cancellation_rate,
    coalesce(k.rescheduled, 0) as interventions_rescheduled_count,
    k.median_hours as median_time_to_intervention_hours,
    k.p90_hours as p90_time_to_intervention_hours,
    coalesce(k.not_invoiced, 0) as not_invoiced_count,
    cents(coalesce(k.not_invoiced_amount, 0)) as not_invoiced_amount
from silver.dim_date as d
left join days as k using (date_id)
left join deleted as x using (date_id)
left join technicians as t using (date_id)
where d.date_value between (select min(a.start_date) from appointments as a) and $as_of
order by d.date_id
