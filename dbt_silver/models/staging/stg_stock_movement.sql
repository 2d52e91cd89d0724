with source as (select * from {{ from_bronze('stock_movement') }})

select
    "Id" as movement_id,
    {{ match_code('"ItemId"') }} as item_match,
    {{ clean_uuid('"StorehouseId"') }} as warehouse_id,
    {{ clean_uuid('"DocumentId"') }} as document_id,
    {{ wall_date('"DocumentDate"') }} as moved_on,
    coalesce("DocumentOrder", 0) as document_order,
    "DocumentType" as document_type,
    "DocumentSubType" as document_sub_type,
    coalesce("Quantity", 0) as quantity,
    coalesce("Cost", 0) as cost,
    "Pump" as pump,
    "RealStock" as stock_after
from source
where
    {{ match_code('"ItemId"') }} is not null
    and {{ clean_uuid('"StorehouseId"') }} is not null
    and "DocumentDate" is not null
