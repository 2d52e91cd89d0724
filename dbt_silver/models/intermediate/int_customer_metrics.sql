{# What documents say about a customer (V4, type 1), as of int_as_of: one row per durable id that has a document. -#}
with documents as (select * from {{ ref('int_sale_documents') }}),

amounts as (select * from {{ ref('int_sale_amounts') }}),

as_of as (select * from {{ ref('int_as_of') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

document_sums as (
    select
        document_id,
        sum(net) as net,
        sum(cost) as cost
    from amounts
    group by all
),

customer_documents as (
    select
        customer_codes.customer_id,
        documents.kind,
        documents.is_revenue,
        documents.document_date,
        documents.document_date
        > as_of.as_of - to_months(cast({{ parameter('segment_months') }} as integer)) as is_recent,
        documents.sign_factor * coalesce(document_sums.net, 0) as net,
        documents.sign_factor * coalesce(document_sums.cost, 0) as cost
    from documents
    cross join as_of
    inner join customer_codes on upper(documents.customer_code) = customer_codes.code_match
    left join document_sums on documents.document_id = document_sums.document_id
    where documents.document_date <= as_of.as_of
),

totals as (
    select
        customer_id,
        min(document_date) filter (where kind in ('Order', 'Delivery', 'Invoice')) as first_order_date,
        max(document_date) filter (where kind in ('Order', 'Delivery', 'Invoice')) as last_order_date,
        count(*) filter (where kind = 'Invoice') as invoice_count,
        coalesce(sum(net) filter (where is_revenue), 0) as revenue,
        coalesce(sum(net - cost) filter (where is_revenue), 0) as margin,
        coalesce(sum(net) filter (where is_revenue and is_recent), 0) as recent_revenue
    from customer_documents
    group by all
),

-- The share is the one accumulated before the customer, so the largest is always A.
shares as (
    select
        *,
        coalesce(sum(greatest(recent_revenue, 0)) over (
            order by recent_revenue desc, customer_id rows between unbounded preceding and 1 preceding
        ), 0) as revenue_before,
        sum(greatest(recent_revenue, 0)) over () as all_revenue
    from totals
)

select
    customer_id,
    first_order_date,
    last_order_date,
    invoice_count,
    case when invoice_count > 0 then {{ amount('revenue') }} end as lifetime_value,
    case when invoice_count > 0 then {{ amount('margin') }} end as lifetime_margin,
    recent_revenue,
    case
        when invoice_count = 0 then null
        when recent_revenue <= 0 then 'C'
        when revenue_before < {{ parameter('segment_cut_a') }} * all_revenue then 'A'
        when revenue_before < {{ parameter('segment_cut_b') }} * all_revenue then 'B'
        else 'C'
    end as segment
from shares
