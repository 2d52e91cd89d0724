-- What gold.deal_profitability must satisfy: every deal once; invoices, orders and costs of deals to the cent of each.
with sales as (
    select
        round(coalesce(sum(f.net_amount_excl_tax) filter (where f.document_type = 'Order'), 0), 2) as ordered,
        round(coalesce(sum(f.net_amount_excl_tax) filter (where f.document_type <> 'Order'), 0), 2) as invoiced
    from silver.fact_sales as f
    inner join silver.dim_deal as d on upper(f.deal_id) = upper(d.deal_id)
    where
        f.document_type in ('Order', 'Invoice', 'CreditNote')
        and f.date_key between 0 and strftime($as_of, '%Y%m%d')::integer
        and d.deal_key not in (md5('unknown'), md5('orphan'))
    group by d.deal_key
),

costs as (
    select round(sum(amount), 2) as amount
    from silver.fact_deal_costs
    where
        is_counted
        and (date_key = -1 or date_key between 0 and strftime($as_of, '%Y%m%d')::integer)
        and deal_key not in (md5('unknown'), md5('orphan'))
    group by deal_key, cost_type
),

compared as (
    select
        'deals' as figure,
        (select count(*) from computed.deal_profitability)::decimal(38, 8) as actual,
        (
            select count(*) from silver.dim_deal
            where deal_key not in (md5('unknown'), md5('orphan'))
        )::decimal(38, 8) as expected
    union all
    select
        'order intake',
        (select coalesce(sum(order_intake), 0) from computed.deal_profitability),
        (select coalesce(sum(ordered), 0) from sales)
    union all
    select
        'invoiced',
        (select coalesce(sum(invoiced), 0) from computed.deal_profitability),
        (select coalesce(sum(invoiced), 0) from sales)
    union all
    select
        'actual costs',
        (select coalesce(sum(actual_costs), 0) from computed.deal_profitability),
        (select coalesce(sum(amount), 0) from costs)
)

select figure || ': ' || actual || ' in the table, ' || expected || ' in the facts up to ' || $as_of as problem
from compared
where actual <> expected
