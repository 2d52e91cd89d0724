-- gold.interventions_cube: appointments up to $as_of in 32 grouping sets; formulas in the .py beside it.
-- NULL says that a dimension is not grouped by, so what is not known has a name.
with appointments as (
    select
        strftime(d.date_value, '%Y-%m') as year_month,
        f.intervention_type,
        f.state,
        coalesce(l.region, 'Non renseigné') as region,
        case when f.is_under_contract then 'Oui' else 'Non' end as under_contract,
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
        'Non renseigné' as intervention_type,
        'Cancelled' as state,
        'Non renseigné' as region,
        'Non renseigné' as under_contract,
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
        grouping(year_month, intervention_type, state, region, under_contract)::integer as grouping_id,
        count(*) as interventions_count,
        count(distinct customer_id) as customers_count,
        coalesce(sum(scheduled_duration_minutes), 0) as scheduled_minutes,
        coalesce(sum(actual_duration_minutes), 0) as actual_minutes,
        avg(actual_duration_minutes) as avg_duration_minutes,
        sum(case when scheduled_duration_minutes > 0 then actual_duration_minutes end) as compared_actual,
        sum(case when actual_duration_minutes is not null then scheduled_duration_minutes end) as compared_scheduled,
        coalesce(sum(distance_km), 0) as distance_km,
        coalesce(sum(case when state = 'Done' then billable_amount end), 0) as billable_amount,
        coalesce(sum(case when state = 'Done' then cost_amount end), 0) as cost_amount,
        avg(is_first_call_resolution::integer) as first_call_resolution_rate,
        avg(sla_met_flag::integer) as sla_compliance_rate
    from appointments
    group by cube(year_month, intervention_type, state, region, under_contract)
)

select
    md5(concat_ws('|', grouping_id, year_month, intervention_type, state, region, under_contract)) as cube_key,
    grouping_id,
    case
        when grouping_id = 31 then 'total'
        else concat_ws(
            ', ',
            case when year_month is not null then 'year_month' end,
            case when intervention_type is not null then 'intervention_type' end,
            case when state is not null then 'state' end,
            case when region is not null then 'region' end,
            case when under_contract is not null then 'under_contract' end
        )
    end as grouping_name,
    year_month,
    intervention_type,
    state,
    region,
    under_contract,
    interventions_count,
    customers_count,
    scheduled_minutes,
    actual_minutes,
    avg_duration_minutes,
    case when compared_scheduled > 0 then (compared_actual / compared_scheduled - 1) * 100 end as planning_gap_percent,
    distance_km,
    cents(billable_amount) as billable_amount,
    cents(cost_amount) as cost_amount,
    first_call_resolution_rate,
    sla_compliance_rate
from cube_rows
where interventions_count > 0  -- no appointments: no grand total of nothing
order by grouping_id, year_month, intervention_type, state, region, under_contract
