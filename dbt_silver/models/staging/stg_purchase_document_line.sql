with source as (select * from {{ from_bronze('purchase_document_line') }})

select
    {{ clean_uuid('"Id"') }} as line_id,
    {{ clean_uuid('"DocumentId"') }} as document_id,
    "LineType" as line_type,
    "LineOrder" as line_order,
    coalesce("NomenclatureLevel", 0) as bundle_level,
    {{ clean_uuid('"ParentLineId"') }} as parent_line_id,
    {{ clean_uuid('"TopParentLineId"') }} as top_parent_line_id,
    coalesce("NotIncluded", false) as is_option,
    {{ clean_code('"ItemId"') }} as item_code,
    {{ clean_uuid('"VatId"') }} as vat_id,
    {{ clean_uuid('"StorehouseId"') }} as warehouse_id,
    {{ clean_code('"DealId"') }} as deal_id,
    {{ wall_date('"DeliveryDate"') }} as delivery_date,
    coalesce(nullif("RealQuantity", 0), "Quantity", 0) as quantity,
    -- 0 = not set: the unit of purchase is the unit of stock.
    coalesce(nullif("SalePurchaseConversionRate", 0), 1) as conversion_rate,
    coalesce(nullif("PriceVatExcluded", 0), "PurchasePrice", 0) as unit_price,
    coalesce("CostAmount", 0) as cost_amount,
    coalesce("TotalChargeAmount", 0) as approach_charge_amount,
    coalesce("RealNetAmountVatExcluded", 0) as net_before_footer,
    coalesce("RealNetAmountVatExcludedWithDiscount", 0) as net,
    coalesce("RealNetAmountVatIncludedWithDiscount", 0) as net_incl_tax,
    coalesce("RealNetAmountVatExcludedWithDiscountAndFinancialDiscount", 0) as net_after_financial,
    coalesce("RealNetAmountVatIncludedWithDiscountAndFinancialDiscount", 0) as net_incl_tax_after_financial,
    coalesce("EcotaxAmountVatExcluded", 0) as ecotax_amount,
    coalesce("ExcludedFromFootDiscount", false) as is_excluded_from_footer,
    coalesce("ExcludedFromFinancialDiscount", false) as is_excluded_from_financial
from source
