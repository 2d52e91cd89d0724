-- gold.equipment_park: one row per piece of equipment as of $as_of; formulas in the .py beside it.
with equipment as (
    select
        *,
        upper(customer_product_id) as equipment_match,
        greatest(parts_warranty_end_date, labour_warranty_end_date) as warranty_end_date,
        ($as_of - to_months($failure_months) + interval 1 day)::date as failures_since
    from silver.dim_equipment
    where customer_product_key not in (md5('unknown'), md5('orphan'))
),

contracts as (  -- active on the day: begun, neither ended (unless tacitly renewed) nor cancelled before it
    select
        contract_id,
        start_date,
        unnest(customer_product_ids) as customer_product_id
    from silver.dim_contract
    where
        start_date <= $as_of
        and coalesce(end_date >= $as_of or has_tacit_renewal, true)
        and coalesce(cancellation_date >= $as_of, true)
),

covers as (
    select
        upper(customer_product_id) as equipment_match,
        arg_max(contract_id, (start_date, contract_id)) as contract_id
    from contracts
    group by upper(customer_product_id)
),

due as (
    select
        contract_id,
        min(due_date) as next_due_date
    from silver.fact_contract_visits
    where coalesce(visit_date > $as_of, true) and last_date >= $as_of
    group by contract_id
),

touched as (  -- an appointment is about its own equipment and all that it recorded
    select
        intervention_key,
        unnest(list_distinct(list_transform(
            list_append(seen_customer_product_ids, customer_product_id), lambda code: upper(code)
        ))) as equipment_match
    from silver.fact_interventions
),

appointments as (
    select
        t.equipment_match,
        f.state,
        f.intervention_type,
        f.start_at::date as start_date,
        -- What a visit brings is its own equipment's, not that of all it saw.
        case when upper(f.customer_product_id) = t.equipment_match then f.billable_amount else 0 end as billable_amount
    from touched as t
    inner join silver.fact_interventions as f using (intervention_key)
),

visits as (
    select
        e.equipment_match,
        count(*) filter (where a.state = 'Done' and a.start_date <= $as_of) as visits,
        max(a.start_date) filter (where a.state = 'Done' and a.start_date <= $as_of) as last_visit_date,
        min(a.start_date) filter (where a.state in ('Scheduled', 'InProgress') and a.start_date > $as_of)
            as next_visit_date,
        count(*) filter (where a.state = 'Done' and a.intervention_type = 'Repair' and a.start_date <= $as_of)
            as failures,
        count(*) filter (
            where a.state = 'Done' and a.intervention_type = 'Repair'
            and a.start_date between e.failures_since and $as_of
        ) as recent_failures,
        sum(a.billable_amount) filter (where a.state = 'Done' and a.start_date <= $as_of) as revenue
    from equipment as e
    inner join appointments as a using (equipment_match)
    group by e.equipment_match
),

observed as (
    select
        e.*,
        c.contract_id,
        d.next_due_date,
        v.last_visit_date,
        v.next_visit_date,
        coalesce(v.visits, 0) as visits,
        coalesce(v.failures, 0) as failures,
        coalesce(v.recent_failures, 0) as recent_failures,
        coalesce(v.revenue, 0) as revenue,
        -- Days of the window in which it stood at the customer's; unknown since when: all of them.
        greatest(
            0, date_diff('day', greatest(coalesce(e.install_date, e.failures_since), e.failures_since), $as_of) + 1
        ) as days_in_use
    from equipment as e
    left join covers as c using (equipment_match)
    left join due as d on c.contract_id = d.contract_id
    left join visits as v using (equipment_match)
),

families as (
    select
        family_id,
        sum(days_in_use)::double / nullif(sum(recent_failures), 0) as mtbf_days
    from observed
    where is_active and family_id is not null
    group by family_id
),

customers as (
    select
        customer_id,
        customer_key
    from silver.dim_customer
    where is_current
),

products as (
    select
        product_id,
        product_key
    from silver.dim_product
    where is_current
)

select
    o.customer_product_key,
    o.customer_product_id,
    coalesce(c.customer_key, case when o.customer_id is null then md5('unknown') else md5('orphan') end)
        as customer_key,
    o.customer_id,
    coalesce(p.product_key, case when o.product_id is null then md5('unknown') else md5('orphan') end) as product_key,
    o.product_id,
    o.family_id,
    o.is_active,
    o.install_date,
    case when o.install_date is not null then greatest(0, date_diff('day', o.install_date, $as_of) / 365.25) end
        as age_years,
    coalesce(o.warranty_end_date >= $as_of, false) as is_under_warranty,
    o.warranty_end_date,
    o.contract_id is not null as is_under_contract,
    o.contract_id,
    o.last_visit_date,
    o.next_visit_date,
    o.next_due_date,
    o.visits as visits_count,
    o.failures as failures_count,
    o.recent_failures as failures_12_months,
    o.days_in_use::double / nullif(o.recent_failures, 0) as mtbf_days,
    f.mtbf_days as family_mtbf_days,
    cents(o.revenue) as revenue_since_install,
    o.is_active and o.contract_id is null and coalesce(age_years < $prospect_years, false) as is_contract_prospect,
    null::varchar as failure_risk_level
from observed as o
left join customers as c using (customer_id)
left join products as p using (product_id)
left join families as f using (family_id)
order by o.customer_product_id
