-- What gold.equipment_park must satisfy: every piece of equipment once, and what appointments billed for a piece that
-- is in the park is in one row of it, to half a cent for each row.
with facts as (
    select coalesce(sum(f.billable_amount), 0) as billable
    from silver.fact_interventions as f
    inner join silver.dim_equipment as e on upper(f.customer_product_id) = upper(e.customer_product_id)
    where
        f.state = 'Done'
        and f.start_at < $as_of + interval 1 day
        and e.customer_product_key not in (md5('unknown'), md5('orphan'))
),

park as (
    select count(*) as pieces from silver.dim_equipment
    where customer_product_key not in (md5('unknown'), md5('orphan'))
),

rows_of_table as (
    select
        count(*) as pieces,
        coalesce(sum(revenue_since_install), 0) as billable
    from computed.equipment_park
)

select r.pieces || ' pieces of equipment, in the park ' || p.pieces as problem
from rows_of_table as r
cross join park as p
where r.pieces <> p.pieces
union all
select 'billed for equipment: ' || r.billable || ', in the facts ' || f.billable
from rows_of_table as r
cross join facts as f
where abs(r.billable - f.billable) > 0.005 * r.pieces
union all
select customer_product_id || ' has more failures than visits'
from computed.equipment_park
where failures_12_months > failures_count or failures_count > visits_count
