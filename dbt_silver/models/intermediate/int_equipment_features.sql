{# Features of equipment as of int_as_of: one row per piece, one column per feature. A repair counts when done. -#}
with as_of as (select as_of from {{ ref('int_as_of') }}),

repairs as (
    select
        visits.customer_product_id,
        count(*) filter (where dates.date_value > as_of.as_of - to_months(12)) as repairs,
        max(dates.date_value) as last_repair_date
    from {{ ref('fact_interventions') }} as visits
    inner join {{ ref('dim_date') }} as dates on visits.schedule_date_key = dates.date_id
    cross join as_of
    where visits.state = 'Done' and visits.intervention_type = 'Repair' and dates.date_value <= as_of.as_of
    group by all
)

select
    equipment.customer_product_id as entity_key,
    coalesce(repairs.repairs, 0) as repair_count_last_year,
    as_of.as_of - repairs.last_repair_date as days_since_last_repair
from {{ ref('dim_equipment') }} as equipment
cross join as_of
left join repairs on equipment.customer_product_id = repairs.customer_product_id
where equipment.customer_product_key not in ({{ member_key('unknown') }}, {{ member_key('orphan') }})
