-- What gold.revenue_bridge must satisfy (semantics §13): it closes, and begins and ends with the revenue of the facts
-- of its two periods.
with actual as (
    select
        comparison,
        previous_start_date,
        previous_end_date,
        period_start_date,
        period_end_date,
        count(*) as families,
        sum(opening_revenue) as opening,
        sum(closing_revenue) as closing
    from computed.revenue_bridge
    group by all
),

facts as (
    select
        a.comparison,
        coalesce(sum(f.net_amount_excl_tax) filter (where d.date_value <= a.previous_end_date), 0) as opening,
        coalesce(sum(f.net_amount_excl_tax) filter (where d.date_value >= a.period_start_date), 0) as closing
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join actual as a
        on
            d.date_value between a.previous_start_date and a.previous_end_date
            or d.date_value between a.period_start_date and a.period_end_date
    where f.document_type in ('Invoice', 'CreditNote')
    group by a.comparison
)

select
    a.comparison || ': from ' || a.opening || ' to ' || a.closing || ' here, from ' || round(f.opening, 2) || ' to '
    || round(f.closing, 2) || ' in the facts' as problem
from actual as a
inner join facts as f using (comparison)
where abs(a.opening - f.opening) > 0.005 * a.families or abs(a.closing - f.closing) > 0.005 * a.families
union all
select comparison || ', ' || family_name || ': the effects do not lead from the opening to the closing revenue'
from computed.revenue_bridge
where
    opening_revenue + new_customers_effect + lost_customers_effect + new_products_effect + lost_products_effect
    + volume_effect + price_effect + mix_effect + credit_notes_effect + other_effect <> closing_revenue
