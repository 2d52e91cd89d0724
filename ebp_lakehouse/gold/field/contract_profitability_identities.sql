-- What gold.contract_profitability must satisfy: what was invoiced under contracts is in it to the cent of each row,
-- and is recognised or deferred; visits overdue were due; a contract is active or over.
with facts as (
    select coalesce(sum(round(amount, 2)), 0) as amount
    from (
        select sum(f.net_amount_excl_tax) as amount
        from silver.fact_sales as f
        inner join silver.dim_date as d on f.date_key = d.date_id
        inner join silver.dim_contract as c on upper(f.contract_id) = upper(c.contract_id)
        where
            f.document_type in ('Invoice', 'CreditNote')
            and d.date_value <= $as_of
            and c.contract_key not in (md5('unknown'), md5('orphan'))
        group by c.contract_key, d.fiscal_year
    ) as years
),

contracts as (
    select
        contract_id,
        sum(invoiced) - sum(recognised_revenue) as expected,
        arg_max(deferred_revenue, fiscal_year) as deferred,
        count(*) as years
    from computed.contract_profitability
    group by contract_id
)

select 'invoiced is ' || a.amount || ', in the facts up to ' || $as_of || ' ' || f.amount as problem
from facts as f
cross join (select coalesce(sum(invoiced), 0) as amount from computed.contract_profitability) as a
where a.amount <> f.amount
union all
select 'contract ' || contract_id || ' defers ' || deferred || ', invoiced less recognised is ' || expected
from contracts
where abs(deferred - expected) > 0.01 * years + 0.01
union all
select 'contract ' || contract_id || ' has more visits overdue than due, or fewer than none'
from computed.contract_profitability
where visits_overdue > visits_due
union all
select 'contract ' || contract_id || ' is active and over in the same year ' || fiscal_year
from computed.contract_profitability
where is_active and is_churned
