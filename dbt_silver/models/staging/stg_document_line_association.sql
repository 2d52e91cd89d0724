with source as (select * from {{ from_bronze('document_line_association') }})

select
    {{ clean_uuid('"OriginLineId"') }} as origin_line_id,
    {{ clean_uuid('"TransferedLineId"') }} as transferred_line_id,
    {{ clean_uuid('"OriginDocumentId"') }} as origin_document_id,
    coalesce(nullif("RealQuantity", 0), "Quantity", 0) as quantity
from source
-- A countermark links a customer order to a supplier order: it is a purchase need, not a transfer (K6).
where not coalesce("IsCountermark", false)
