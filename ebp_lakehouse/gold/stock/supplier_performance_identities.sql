-- What gold.supplier_performance must satisfy (semantics §13): the spend of its fiscal years is that of the facts.
with facts as (
    select coalesce(sum(f.net_amount_excl_tax), 0) as spend
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of and d.fiscal_year is not null
),

figures as (
    select
        coalesce(sum(total_amount), 0) as spend,
        count(*) as summed_rows
    from computed.supplier_performance
    where period_type = 'fiscal_year'
)

select 'spend is ' || g.spend || ' in the fiscal years of all suppliers, ' || f.spend || ' in the facts' as problem
from facts as f
cross join figures as g
-- Each row is rounded to the cent on its own.
where abs(f.spend - g.spend) > 0.005 * g.summed_rows
