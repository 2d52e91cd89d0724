-- What gold.monthly_kpi must satisfy (semantics §13): its revenue is that of the days, retention and churn make 100.
with figures as (
    select
        coalesce((select sum(revenue_excl_tax) from computed.monthly_kpi), 0) as months,
        coalesce((select sum(total_revenue_excl_tax) from computed.sales_daily_kpi), 0) as days
)

select 'revenue is ' || months || ' in the months, ' || days || ' in the days' as problem
from figures
where months <> days
union all
select period || ': retention and churn do not make 100'
from computed.monthly_kpi
where abs(retention_rate_percent + churn_rate_percent - 100) > 1e-9
