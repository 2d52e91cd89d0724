-- What gold.colleague_performance must satisfy: what colleagues billed in the field and sold is what the facts say of
-- the appointments that somebody leads and of the sales that name somebody, to the cent; nobody has done more than all.
with field as (
    select round(sum(f.billable_amount), 2)::decimal(18, 2) as amount
    from silver.fact_interventions as f
    inner join silver.fact_intervention_technicians as t on f.intervention_key = t.intervention_key and t.is_main
    where f.state = 'Done' and f.schedule_date_key between 0 and strftime($as_of, '%Y%m%d')::integer
    group by t.colleague_id, f.schedule_date_key // 100
),

sales as (
    select round(sum(net_amount_excl_tax), 2)::decimal(18, 2) as amount
    from silver.fact_sales
    where
        document_type in ('Invoice', 'CreditNote')
        and colleague_id is not null
        and date_key between 0 and strftime($as_of, '%Y%m%d')::integer
    group by colleague_id, date_key // 100
),

compared as (
    select
        'field revenue' as figure,
        (select coalesce(sum(field_revenue), 0) from computed.colleague_performance) as actual,
        (select coalesce(sum(amount), 0) from field) as expected
    union all
    select
        'sales revenue',
        (select coalesce(sum(sales_revenue), 0) from computed.colleague_performance),
        (select coalesce(sum(amount), 0) from sales)
)

select figure || ' is ' || actual || ' in the months, ' || expected || ' in the facts up to ' || $as_of as problem
from compared
where actual <> expected
union all
select 'in ' || period_start || ' somebody has more appointments done than appointments'
from computed.colleague_performance
where interventions_completed_count > interventions_count
