-- What gold.quote_funnel must satisfy: it has every quote that sales_daily_kpi counts, and no amount is more than what
-- was quoted.
with expected as (
    select count(distinct f.quote_id) as quotes
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type = 'Quote' and d.date_value <= $as_of
),

actual as (
    select
        count(*) as quotes,
        count(*) filter (
            where abs(converted_amount) > abs(amount_excl_tax) or abs(open_amount) > abs(amount_excl_tax)
        ) as excessive
    from computed.quote_funnel
)

select 'quotes are ' || a.quotes || ' here, ' || e.quotes || ' in the facts up to ' || $as_of as problem
from actual as a
cross join expected as e
where a.quotes <> e.quotes
union all
select excessive || ' quotes are converted or open for more than their amount'
from actual
where excessive > 0
