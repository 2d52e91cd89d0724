-- Days on which customers were created
-- The ten busiest. A day with a large share is the day of an import: creation dates before it say nothing.
with customers as (
    select created_date from staging.stg_customer
    where not is_deleted
    qualify row_number() over (partition by code_match order by valid_from desc) = 1
)

select
    created_date as day,
    count(*) as customers,
    round(100 * count(*) / sum(count(*)) over (), 1) as "% of all"
from customers
group by all
order by customers desc, day
limit 10
