{{ config(tags=['fact']) }}
{#
    A purchase that enters the stock for a deal and is taken from it for the same deal would count twice: of a stocked
    item the consumption counts, and its purchases on that deal do not.
-#}
with costs as (select * from {{ ref('stg_deal_cost') }}),

deals as (select * from {{ ref('dim_deal') }}),

purchase_documents as (select * from {{ ref('int_purchase_documents') }}),

bounds as (select * from {{ ref('int_as_of') }}),

stock_days as (
    select
        document_id,
        min(moved_on) as document_date
    from {{ ref('stg_stock_movement') }}
    group by all
),

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

stocked as (
    select product_id from {{ ref('dim_product') }}
    where is_current and is_stock_managed
),

consumed as (
    select distinct
        upper(deal_id) as deal_match,
        item_match
    from costs
    where cost_type = 'Stock' and amount <> 0
),

dated as (
    select
        costs.*,
        coalesce(item_codes.product_id, costs.item_match) as product_id,
        coalesce(purchase_documents.document_date, stock_days.document_date) as document_date,
        -- Purchase credit notes bear the sign of this installation (A8).
        costs.amount * coalesce(purchase_documents.sign_factor, 1) as signed_amount,
        coalesce(
            costs.cost_type = 'Purchase' and consumed.item_match is not null and stocked.product_id is not null, false
        ) as is_consumed_from_stock
    from costs
    left join purchase_documents
        on case when costs.cost_type = 'Purchase' then costs.document_id end = purchase_documents.document_id
    left join stock_days on case when costs.cost_type = 'Stock' then costs.document_id end = stock_days.document_id
    left join item_codes on costs.item_match = item_codes.code_match
    left join stocked on item_codes.product_id = stocked.product_id
    left join consumed on upper(costs.deal_id) = consumed.deal_match and costs.item_match = consumed.item_match
)

select
    md5(dated.cost_type || '|' || dated.cost_id) as deal_cost_key,
    {{ key_or_member('deals.deal_key', 'dated.deal_id') }} as deal_key,
    coalesce(deals.deal_id, dated.deal_id) as deal_id,
    dated.cost_type,
    {{ date_key('dated.document_date', 'bounds.calendar_start', 'bounds.calendar_end') }} as date_key,
    dated.document_id,
    dated.product_id,
    {{ amount('dated.signed_amount') }} as amount,
    {{ amount('dated.hours') }} as hours,
    not dated.is_consumed_from_stock as is_counted
from dated
cross join bounds
left join deals on upper(dated.deal_id) = upper(deals.deal_id)
