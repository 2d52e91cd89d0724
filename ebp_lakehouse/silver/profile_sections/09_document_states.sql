-- States of sale documents
-- The caption is the one that EBP keeps with the document of a deal (DealSaleDocument."GlobalDocumentState").
with captions as (
    select
        cast("DocumentId" as varchar) as document_id,
        min(nullif(trim("GlobalDocumentState"), '')) as caption
    from lake.bronze.deal_sale_document_current
    group by all
),

states as (
    select
        d."DocumentState" as state,
        c.caption,
        s.document_number
    from lake.bronze.sale_document_current as d
    inner join staging.stg_sale_document as s on lower(cast(d."Id" as varchar)) = s.document_id
    left join captions as c on lower(cast(d."Id" as varchar)) = lower(c.document_id)
)

select
    state,
    cast(sum(documents) as bigint) as documents,
    cast(sum(documents) filter (where caption is not null) as bigint) as "with caption",
    string_agg(caption || ' (' || documents || ')', ', ' order by documents desc, caption) as captions,
    min(example) as example
from (
    select
        state,
        caption,
        count(*) as documents,
        min(document_number) as example
    from states
    group by all
) as counted
group by all
order by state
