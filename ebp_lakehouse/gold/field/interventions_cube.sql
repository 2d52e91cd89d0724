-- gold.interventions_cube: appointments up to $as_of in 32 grouping sets; formulas in the .py beside it.
-- A key is never NULL, so what is not known is Unknown and what is not grouped by is *.
with appointments as (
    select
        strftime(d.date_value, '%Y-%m') as year_month,
        f.intervention_type,
        f.state,
        coalesce(l.region, 'Unknown') as region,
        case when f.is_under_contract then 'Yes' else 'No' end as under_contract,
        f.customer_id,
        f.scheduled_duration_minutes,
        f.actual_duration_minutes,
        f.distance_km,
        f.billable_amount,
        f.cost_amount,
        f.is_first_call_resolution,
        f.sla_met_flag
    from silver.fact_interventions as f
    inner join silver.dim_date as d on f.schedule_date_key = d.date_id
    left join silver.dim_location as l on f.location_key = l.location_key
    where d.date_value <= $as_of
    union all by name
    select
        strftime(d.date_value, '%Y-%m') as year_month,
        'Unknown' as intervention_type,
        'Cancelled' as state,
        'Unknown' as region,
        'Unknown' as under_contract,
        x.customer_id
    from silver.fact_deleted_appointments as x
    inner join silver.dim_date as d on x.schedule_date_key = d.date_id
    where d.date_value <= $as_of
),

cube_rows as (
    select
        year_month,
        intervention_type,
        state,
        region,
        under_contract,
        grouping(year_month, intervention_type, state, region, under_contract)::integer as grouping_set,
        count(*) as interventions_count,
        count(distinct customer_id) as customers_count,
        coalesce(sum(scheduled_duration_minutes), 0) as scheduled_minutes,
        coalesce(sum(actual_duration_minutes), 0) as actual_minutes,
        avg(actual_duration_minutes) as avg_duration_minutes,
        coalesce(sum(distance_km), 0) as distance_km,
        coalesce(sum(case when state = 'Done' then billable_amount end), 0) as billable_amount,
        coalesce(sum(case when state = 'Done' then cost_amount end), 0) as cost_amount,
        avg(is_first_call_resolution::integer) as first_call_resolution_rate,
        avg(sla_met_flag::integer) as sla_compliance_rate
    from appointments
    group by cube(year_month, intervention_type, state, region, under_contract)
)

select
    coalesce(year_month, '*') as year_month,
    coalesce(intervention_type, '*') as intervention_type,
    coalesce(state, '*') as state,
    coalesce(region, '*') as region,
    coalesce(under_contract, '*') as under_contract,
    grouping_set,
    interventions_count,
    customers_count,
    scheduled_minutes,
    actual_minutes,
    avg_duration_minutes,
    distance_km,
    round(billable_amount, 2)::decimal(18, 2) as billable_amount,
    round(cost_amount, 2)::decimal(18, 2) as cost_amount,
    first_call_resolution_rate,
    sla_compliance_rate
from cube_rows
where interventions_count > 0  -- no appointments: no grand total of nothing
order by year_month, intervention_type, state, region, under_contract
