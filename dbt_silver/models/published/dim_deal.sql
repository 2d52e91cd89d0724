{{ config(tags=['dimension']) }}
with deals as (select * from {{ ref('stg_deal') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

-- The one who is invoiced comes first, then the one with most revenue.
customers as (
    select
        links.deal_match,
        list_sort(list_distinct(list(coalesce(customer_codes.customer_id, links.customer_code)))) as customer_ids,
        arg_min(
            coalesce(customer_codes.customer_id, links.customer_code),
            (not links.is_invoiced, -links.turnover, links.customer_code)
        ) as customer_id
    from {{ ref('stg_deal_customer') }} as links
    left join customer_codes on upper(links.customer_code) = customer_codes.code_match
    group by all
),

members as (
    select unnest(['unknown', 'orphan']) as member
)

select
    md5(deals.deal_match) as deal_key,
    deals.deal_id,
    deals.caption,
    deals.deal_date,
    deals.state_code,
    customers.customer_id,
    coalesce(customers.customer_ids, []) as customer_ids,
    {{ amount('deals.budget_sales') }} as budget_sales,
    {{ amount('deals.budget_costs') }} as budget_costs,
    {{ amount('deals.budget_hours') }} as budget_hours,
    {{ amount('deals.ebp_sales') }} as ebp_sales,
    {{ amount('deals.ebp_costs') }} as ebp_costs,
    {{ amount('deals.ebp_margin') }} as ebp_margin,
    {{ amount('deals.ebp_hours') }} as ebp_hours
from deals
left join customers on deals.deal_match = customers.deal_match
union all by name
select
    md5(member) as deal_key,
    '(' || member || ')' as deal_id,
    cast([] as varchar[]) as customer_ids
from members
