with source as (
    select
        {% for role, prefix in {'delivery': 'DeliveryAddress', 'invoicing': 'InvoicingAddress'}.items() -%}
        {{ match_code('"' ~ prefix ~ '_CountryIsoCode"') }} as {{ role }}_country_code,
        {{ clean_code('"' ~ prefix ~ '_ZipCode"') }} as {{ role }}_zipcode,
        {{ clean_city('"' ~ prefix ~ '_City"') }} as {{ role }}_city,
        {{ clean_code('"' ~ prefix ~ '_CodeINSEE"') }} as {{ role }}_insee_code,
        {% endfor -%}
        bronze.*
    from {{ from_bronze('sale_document') }} as bronze
),

placed as (
    select
        -- One address as a whole: the parts of two would make a place that nobody named.
        {% for part in ('country_code', 'zipcode', 'city', 'insee_code') -%}
        case when {{ is_address('delivery_') }} then delivery_{{ part }} else invoicing_{{ part }} end
            as place_{{ part }},
        {% endfor -%}
        source.*
    from source
)

select
    {{ clean_uuid('"Id"') }} as document_id,
    "DocumentType" as document_type_code,
    {{ clean_text('"DocumentNumber"') }} as document_number,
    {{ wall_date('"DocumentDate"') }} as document_date,
    {{ wall_date('"ValidityDate"') }} as valid_until_date,
    coalesce("SendedByMail", false) as is_mailed,
    {{ wall_date('"DeliveryDate"') }} as delivery_date,
    {{ clean_code('"CustomerId"') }} as customer_code,
    {{ clean_code('"ColleagueId"') }} as colleague_code,
    coalesce({{ clean_code('"PaymentThirdId"') }}, {{ clean_code('"InvoicingThirdId"') }}) as payer_code,
    "ValidationState" as validation_state,
    coalesce("AmountVatExcluded", 0) as amount_excl_tax,
    coalesce("DiscountAmount", 0) as discount_amount,
    coalesce("AmountVatExcludedWithDiscount", 0) as amount_excl_tax_with_discount,
    coalesce("ShippingAmountVatExcluded", 0) as shipping_amount,
    coalesce("InvoicingChargesAmountVatExcluded", 0) as charges_amount,
    coalesce("EcotaxAmountVatExcluded", 0) as ecotax_amount,
    coalesce("AmountVatExcludedWithDiscountAndShipping", 0) as total_excl_tax,
    coalesce("AmountVatExcludedWithDiscountAndShippingWithoutEcotax", 0) as total_without_ecotax,
    coalesce("FinancialDiscountAmount", 0) as financial_discount_amount,
    coalesce("VatAmount", 0) as vat_amount,
    coalesce("AmountVatIncluded", 0) as amount_incl_tax,
    coalesce("OtherTaxAmount", 0) + coalesce("REAmount", 0) - coalesce("IRPFAmount", 0) as other_tax_amount,
    coalesce("DepositAmount", 0) as deposit_amount,
    coalesce("TotalDueAmount", 0) as total_due_amount,
    coalesce("CommitmentsBalanceDue", 0) as balance_due,
    coalesce("PriceWithTaxBased", false) as is_price_with_tax,
    {{ clean_code('"Revision"') }} as revision,
    not coalesce("ShippingNotSubjectToFinancialDiscount", false) as is_shipping_discountable,
    not coalesce("InvoicingChargesNotSubjectToFinancialDiscount", false) as is_charges_discountable,
    {{ clean_uuid('"VatId"') }} as vat_id,
    {{ clean_uuid('"ShippingVatId"') }} as shipping_vat_id,
    {{ clean_uuid('"InvoicingChargesVatId"') }} as charges_vat_id,
    [
        {%- for k in range(6) %}
        {
            rate: "DetailVatAmount{{ k }}_DetailVatRate", vat: "DetailVatAmount{{ k }}_DetailVatAmount"
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ] as vat_details,
    {% for k in range(6) -%}
    coalesce("DetailVatAmount{{ k }}_VatAmountOnCollection", 0){{ ' + ' if not loop.last }}
    {%- endfor %} as vat_on_collection,
    {{ clean_uuid('"TransferedDocumentId"') }} as transferred_document_id,
    {{ clean_text('"OriginDocumentNumber"') }} as origin_document_number,
    {{ clean_uuid('"StorehouseId"') }} as warehouse_id,
    {{ clean_code('"DealId"') }} as deal_id,
    {{ clean_code('"ConstructionSiteId"') }} as site_id,
    {{ clean_code('"MaintenanceContractId"') }} as contract_id,
    {{ clean_code('"IncidentId"') }} as incident_id,
    coalesce(place_country_code, 'FR') as raw_country_code,
    place_zipcode as raw_zipcode,
    place_city as city,
    place_insee_code as insee_code,
    coalesce("xx_Regul_CA", 0) as revenue_correction,
    coalesce("xx_Regul_Marge", 0) as margin_correction,
    {{ wall_date('"xx_Satisf_Dte_Envoi"') }} as survey_sent_date,
    {{ wall_date('"xx_Satisf_Dte_Retour"') }} as survey_returned_date,
    _bronze_ingestion_date as ingestion_date
from placed
