{# Every version of every item, cleaned. -#}
with source as (select * from {{ from_bronze('item', history=true) }})

select
    {{ clean_code('"Id"') }} as code,
    {{ match_code('"Id"') }} as code_match,
    {{ clean_uuid('"UniqueId"') }} as uid,
    {{ clean_text('"Caption"') }} as name,
    {{ match_code('"FamilyId"') }} as family_code,
    {{ match_code('"SubFamilyId"') }} as subfamily_code,
    {{ clean_uuid('"Group1"') }} as group1_id,
    "ItemType" as item_type,
    {{ match_code('"UnitId"') }} as unit_code,
    {{ clean_code('"SupplierId"') }} as supplier_id,
    {{ clean_code('"BarCode"') }} as barcode,
    coalesce("SalePriceVatExcluded", 0) as selling_price,
    coalesce("CostPrice", 0) as cost_price,
    coalesce("PurchasePrice", 0) as purchase_price,
    coalesce("Pump", 0) as pump,
    coalesce("ActiveState", 0) = 0 as is_active,
    coalesce("ManageStock", false) as is_stock_managed,
    coalesce("IsManagedByCounterMark", false) as is_ordered_per_sale,
    {{ clean_code('"ReplacementItem"') }} as replaced_by,
    {{ clean_uuid('"VatId"') }} as vat_id,
    {{ clean_code('"ServiceType"') }} is not null
    or coalesce("IsMaintenanceContract", false)
    or coalesce("IsSubscription", false)
    or coalesce("IsHumanServicesIncludedInAttestation", false) as is_service_flagged,
    coalesce("IsMaintenanceContract", false) as is_maintenance_contract,
    {{ clean_text('"xx_Ref_Fabricant"') }} as manufacturer_reference,
    _bronze_valid_from as valid_from,
    _bronze_is_deleted as is_deleted
from source
where {{ clean_code('"Id"') }} is not null
