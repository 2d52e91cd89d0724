{# What EBP puts on deals: purchase lines, goods from stock, hours of people and machines: three of its tables. -#}
with purchases as (select * from {{ from_bronze('deal_purchase_document_line') }}),

stock as (select * from {{ from_bronze('deal_stock_document_line') }}),

resources as (select * from {{ from_bronze('deal_resources_cost') }}),

costs as (
    select
        'Purchase' as cost_type,
        {{ clean_uuid('"Id"') }} as cost_id,
        {{ clean_code('"DealId"') }} as deal_id,
        {{ clean_uuid('"DocumentId"') }} as document_id,
        {{ match_code('"ItemId"') }} as item_match,
        "IncludedAmount" as amount,
        cast(null as decimal(28, 8)) as hours
    from purchases
    where "IncludeAmountInCost"
    union all
    select
        'Stock' as cost_type,
        {{ clean_uuid('"Id"') }} as cost_id,
        {{ clean_code('"DealId"') }} as deal_id,
        {{ clean_uuid('"DocumentId"') }} as document_id,
        {{ match_code('"ItemId"') }} as item_match,
        "IncludedAmount" as amount,
        null as hours
    from stock
    union all
    select
        'Hours' as cost_type,
        {{ clean_uuid('"Id"') }} as cost_id,
        {{ clean_code('"DealId"') }} as deal_id,
        null as document_id,
        null as item_match,
        "CostAmount" as amount,
        "AccomplishedDuration" as hours
    from resources
)

select * from costs
where deal_id is not null
