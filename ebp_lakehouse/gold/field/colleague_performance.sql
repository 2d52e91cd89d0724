-- gold.colleague_performance: one row per colleague and month up to $as_of; formulas in the .py beside it.
-- Nobody's appointments and sales (no colleague named) are in no row.
with days as (
    select
        date_id,
        date_value,
        date_trunc('month', date_value)::date as period_start
    from silver.dim_date
    where date_value <= $as_of
),

teams as (
    select
        t.colleague_id,
        t.is_main,
        t.minutes,
        d.period_start,
        d.date_value as start_date,
        f.* exclude (colleague_id, colleague_key)
    from silver.fact_intervention_technicians as t
    inner join silver.fact_interventions as f using (intervention_key)
    inner join days as d on f.schedule_date_key = d.date_id
),

appointments as (
    select
        colleague_id,
        period_start,
        count(*) as appointments,
        count(*) filter (where state = 'Done') as completed,
        count(*) filter (where state = 'Done' and is_main) as led,
        avg(minutes) filter (where state = 'Done') as minutes,
        avg(is_first_call_resolution::integer) as first_call_resolution,
        avg(customer_satisfaction_score) filter (where coalesce(customer_satisfaction_date <= $as_of, true))
            as satisfaction,
        sum(distance_km) filter (where state = 'Done' and is_main) as legs_km,
        sum(billable_amount) filter (where state = 'Done' and is_main) as billable,
        sum(actual_duration_minutes) filter (where is_main) as achieved,
        sum(actual_duration_minutes) filter (where is_main and scheduled_duration_minutes > 0) as compared_achieved,
        sum(scheduled_duration_minutes) filter (where is_main and actual_duration_minutes is not null)
            as compared_scheduled
    from teams
    group by colleague_id, period_start
),

last_places as (  -- where each one's day ends
    select
        t.colleague_id,
        t.period_start,
        t.latitude,
        t.longitude,
        c.depot_latitude,
        c.depot_longitude
    from teams as t
    inner join silver.dim_colleague as c using (colleague_id)
    where t.state = 'Done' and t.is_main
    qualify row_number() over (
        partition by t.colleague_id, t.start_date order by t.start_at desc, t.event_id desc
    ) = 1
),

returns as (  -- as the crow flies on a sphere of 6371 km; least() would take an unknown point for the antipode
    select
        colleague_id,
        period_start,
        sum(2 * 6371 * asin(sqrt(least(
            1,
            pow(sin(radians(depot_latitude - latitude) / 2), 2)
            + cos(radians(latitude)) * cos(radians(depot_latitude))
            * pow(sin(radians(depot_longitude - longitude) / 2), 2)
        )))) as return_km
    from last_places
    where latitude + longitude + depot_latitude + depot_longitude is not null
    group by colleague_id, period_start
),

working_time as (
    select
        t.colleague_id,
        d.period_start,
        sum(t.available_minutes) as available,
        sum(t.intervention_minutes) as intervention,
        sum(t.billable_minutes) as billable,
        sum(t.travel_minutes) as travel
    from silver.fact_technician_time as t
    inner join days as d on t.date_key = d.date_id
    group by t.colleague_id, d.period_start
),

sales as (
    select
        f.colleague_id,
        d.period_start,
        sum(f.net_amount_excl_tax) as revenue
    from silver.fact_sales as f
    inner join days as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and f.colleague_id is not null
    group by f.colleague_id, d.period_start
),

months as (
    select
        colleague_id,
        period_start
    from appointments
    union
    select
        colleague_id,
        period_start
    from working_time
    union
    select
        colleague_id,
        period_start
    from sales
),

measured as (
    select
        m.colleague_id,
        m.period_start,
        a.* exclude (colleague_id, period_start),
        w.available,
        w.travel,
        w.billable as billable_minutes,
        case when w.available > 0 then w.intervention / w.available end as utilization,
        case
            when a.legs_km is not null or r.return_km is not null
                then coalesce(a.legs_km, 0) + coalesce(r.return_km, 0)
        end as distance_km,
        w.intervention,
        s.revenue
    from months as m
    left join appointments as a using (colleague_id, period_start)
    left join returns as r using (colleague_id, period_start)
    left join working_time as w using (colleague_id, period_start)
    left join sales as s using (colleague_id, period_start)
),

scored as (
    select
        *,
        cents(coalesce(billable, 0)) as field_revenue,
        cents(coalesce(revenue, 0)) as sales_revenue,
        case when compared_achieved > 0 then least(1, compared_scheduled / compared_achieved) end as schedule_part,
        first_call_resolution as first_call_part,
        case when utilization is not null then least(1, utilization / $efficiency_target_utilization) end
            as utilization_part
    from measured
)

select
    coalesce(c.colleague_key, md5('orphan')) as colleague_key,
    s.colleague_id,
    s.period_start,
    last_day(s.period_start) as period_end,
    coalesce(s.appointments, 0) as interventions_count,
    coalesce(s.completed, 0) as interventions_completed_count,
    s.minutes as avg_intervention_duration,
    s.distance_km as total_distance_km,
    s.first_call_resolution as first_call_resolution_rate,
    s.satisfaction as avg_customer_satisfaction,
    case when coalesce(c.is_salesperson, false) then s.sales_revenue else s.field_revenue end as revenue_generated,
    s.utilization as utilization_rate,
    case
        when s.completed >= $efficiency_minimum_completed
            then
                100 * (
                    $efficiency_weight_schedule * coalesce(s.schedule_part, 0)
                    + $efficiency_weight_first_call * coalesce(s.first_call_part, 0)
                    + $efficiency_weight_utilization * coalesce(s.utilization_part, 0)
                ) / nullif(
                    case when s.schedule_part is not null then $efficiency_weight_schedule else 0 end
                    + case when s.first_call_part is not null then $efficiency_weight_first_call else 0 end
                    + case when s.utilization_part is not null then $efficiency_weight_utilization else 0 end,
                    0
                )
    end as efficiency_score,
    s.distance_km * $road_factor as estimated_road_km,
    s.distance_km / nullif(s.led, 0) as distance_per_intervention_km,
    s.field_revenue,
    s.sales_revenue,
    case
        when s.achieved > 0 then cents(s.field_revenue::double / (s.achieved / 60))
    end as field_revenue_per_hour,
    case when s.available > 0 then (s.intervention + s.travel) / s.available end as occupancy_rate,
    case when s.available > 0 then s.billable_minutes / s.available end as billable_rate
from scored as s
left join silver.dim_colleague as c on s.colleague_id = c.colleague_id
order by s.period_start, s.colleague_id
