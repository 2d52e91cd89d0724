{# Every captured state of the stock of an item in a storehouse; EBP itself holds the present only. -#}
with source as (select * from {{ from_bronze('stock_item', history=true) }})

select
    {{ match_code('"ItemId"') }} as item_match,
    {{ clean_uuid('"StorehouseId"') }} as warehouse_id,
    coalesce("StorageEnable", false) as is_stored,
    coalesce("RealStock", 0) as quantity_on_hand,
    coalesce("BookedQuantity", 0) as quantity_reserved,
    coalesce("OrderedQuantity", 0) as ordered_by_customers,
    coalesce("SuppliersOrderedQuantity", 0) as on_order_suppliers,
    coalesce("VirtualStock", 0) as quantity_virtual,
    coalesce(nullif("StockToOrderThreshold", 0), nullif("MinStock", 0)) as reorder_point,
    nullif("MaxStock", 0) as maximum_stock,
    coalesce("Pump", 0) as pump,
    coalesce("StockValue", 0) as stock_value,
    _bronze_valid_from as valid_from,
    cast(timezone('Europe/Paris', timezone('UTC', _bronze_valid_from)) as date) as captured_on,
    _bronze_is_deleted as is_deleted
from source
where {{ match_code('"ItemId"') }} is not null and {{ clean_uuid('"StorehouseId"') }} is not null
