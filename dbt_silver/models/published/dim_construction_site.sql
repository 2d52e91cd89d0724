{{ config(tags=['dimension']) }}
with sites as (select * from {{ ref('stg_construction_site') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

statuses as {{ meaning_of_codes('site_status') }},

members as (
    select unnest(['unknown', 'orphan']) as member
)

select
    md5(sites.site_match) as site_key,
    sites.site_id,
    sites.caption,
    coalesce(customer_codes.customer_id, sites.customer_code) as customer_id,
    sites.deal_id,
    sites.start_date,
    sites.end_date,
    cast(sites.status_code as integer) as status_code,
    statuses.meaning as status,
    {{ join_address([
        'sites.street', "nullif(concat_ws(' ', sites.zipcode, sites.city), '')"
    ]) }} as address_full,
    {{ location_key('sites.country_code', 'sites.zipcode', 'sites.city') }} as location_key,
    sites.latitude,
    sites.longitude,
    {{ amount('sites.budget_cost') }} as budget_cost,
    {{ amount('sites.actual_cost') }} as actual_cost,
    {{ amount('sites.budget_sales') }} as budget_sales,
    {{ amount('sites.actual_sales') }} as actual_sales
from sites
left join customer_codes on upper(sites.customer_code) = customer_codes.code_match
left join statuses on sites.status_code = statuses.code
union all by name
select
    md5(member) as site_key,
    '(' || member || ')' as site_id,
    {{ member_key('unknown') }} as location_key
from members
