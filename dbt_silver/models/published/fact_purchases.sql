{{ config(tags=['fact']) }}
with amounts as (select * from {{ ref('int_purchase_amounts') }}),

documents as (select * from {{ ref('int_purchase_documents') }}),

lines as (select * from {{ ref('int_purchase_lines') }}),

receipts as (select * from {{ ref('int_purchase_receipts') }}),

receptions as (select * from {{ ref('int_purchase_receptions') }}),

payments as (select * from {{ ref('int_purchase_payments') }}),

bounds as (select * from {{ ref('int_as_of') }}),

suppliers as {{ versions_of(ref('dim_supplier'), 'supplier') }},

products as {{ versions_of(ref('dim_product'), 'product') }},

supplier_codes as {{ code_map(ref('int_supplier_versions'), 'supplier_id') }},

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

keyed as (
    select
        amounts.*,
        documents.kind,
        documents.document_type_code,
        documents.document_number,
        documents.document_date,
        documents.supplier_reference,
        documents.is_posted,
        documents.sign_factor,
        coalesce(lines.deal_id, documents.deal_id) as deal_id,
        coalesce(lines.warehouse_id, documents.warehouse_id) as warehouse_id,
        -- A header amount is one piece at its own price, so that quantity x price - discount = net holds for it too.
        case when amounts.line_id is null then 1 else lines.quantity end as quantity,
        case when amounts.line_id is null then amounts.net else lines.unit_price end as unit_price,
        coalesce(lines.conversion_rate, 1) as conversion_rate,
        coalesce(lines.cost_amount, 0) as cost_amount,
        coalesce(lines.approach_charge_amount, 0) as approach_charge_amount,
        coalesce(supplier_codes.supplier_id, documents.supplier_code) as supplier_id,
        {{ key_or_member('suppliers.supplier_key', 'documents.supplier_code') }} as supplier_key,
        coalesce(item_codes.product_id, amounts.member, lines.item_code, 'NO_ITEM') as product_id,
        coalesce(
            products.product_key,
            md5(coalesce(amounts.member, case when lines.item_code is null then 'NO_ITEM' else 'orphan' end))
        ) as product_key,
        bounds.as_of,
        bounds.calendar_start,
        bounds.calendar_end
    from amounts
    inner join documents on amounts.document_id = documents.document_id
    left join lines on amounts.line_id = lines.line_id
    cross join bounds
    left join supplier_codes on upper(documents.supplier_code) = supplier_codes.code_match
    left join suppliers
        on
            supplier_codes.supplier_id = suppliers.supplier_id
            and documents.document_date >= suppliers.valid_from
            and documents.document_date < suppliers.valid_until
    left join item_codes on upper(lines.item_code) = item_codes.code_match
    left join products
        on
            item_codes.product_id = products.product_id
            and documents.document_date >= products.valid_from
            and documents.document_date < products.valid_until
),

signed as (
    select
        *,
        {{ amount('sign_factor * net') }} as signed_net,
        {{ amount('sign_factor * quantity * unit_price') }} as signed_gross
    from keyed
)

select
    case
        when signed.line_id is not null then md5(signed.line_id)
        else md5(signed.document_id || '|' || signed.line_number)
    end as purchase_key,
    {{ date_key('signed.document_date') }} as date_key,
    signed.supplier_key,
    signed.supplier_id,
    signed.product_key,
    signed.product_id,
    signed.kind as document_type,
    cast(signed.document_type_code as integer) as document_type_code,
    signed.document_number,
    cast(signed.line_number as integer) as line_number,
    {{ amount('signed.sign_factor * signed.quantity') }} as quantity,
    {{ amount('signed.unit_price') }} as unit_price_excl_tax,
    {{ amount('signed.signed_gross - signed.signed_net') }} as discount_amount,
    signed.signed_net as net_amount_excl_tax,
    {{ amount('signed.sign_factor * signed.tax') }} as tax_amount,
    {{ amount('signed.sign_factor * (signed.net - signed.financial_discount + signed.tax)') }} as net_amount_incl_tax,
    payments.is_paid,
    case
        when payments.is_paid is null then null
        when not payments.is_paid then -2
        else {{ date_key('payments.payment_date') }}
    end as payment_date_key,
    signed.document_id,
    signed.line_id,
    signed.row_origin,
    signed.supplier_reference,
    signed.is_posted,
    coalesce(signed.document_date > signed.as_of, false) as is_future_dated,
    signed.deal_id,
    signed.warehouse_id,
    {{ amount('signed.sign_factor * signed.financial_discount') }} as financial_discount_amount,
    cast(signed.vat_rate as double) as vat_rate,
    {{ amount('signed.sign_factor * signed.quantity * signed.conversion_rate') }} as quantity_stock_unit,
    {{ amount('signed.sign_factor * signed.cost_amount') }} as landed_cost_amount,
    {{ amount('signed.sign_factor * signed.approach_charge_amount') }} as approach_charge_amount,
    receipts.promised_date,
    receipts.promise_source,
    receipts.received_quantity,
    receipts.first_receipt_date,
    receipts.complete_receipt_date,
    receipts.due_state,
    receptions.brought_quantity,
    receptions.taken_back_quantity,
    receptions.ordered_on
from signed
left join payments on signed.document_id = payments.document_id
left join receipts on signed.line_id = receipts.line_id
left join receptions on signed.line_id = receptions.line_id
