with source as (select * from {{ from_bronze('supplier_item') }})

select
    {{ match_code('"ItemId"') }} as item_match,
    {{ clean_code('"SupplierId"') }} as supplier_id,
    coalesce("MainSupplier", false) as is_main,
    "DeliveryDelay" as lead_time_days,
    nullif("PurchaseOrderMinimumQuantity", 0) as order_minimum_quantity,
    nullif("PurchaseOrderMultipleQuantity", 0) as order_multiple_quantity,
    {{ clean_uuid('"ReferenceId"') }} as reference_id
from source
where {{ match_code('"ItemId"') }} is not null
