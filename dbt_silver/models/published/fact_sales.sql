{{ config(tags=['fact']) }}
{# A line goes where its own link leads; where its document goes only if no line of it has a link: what a partial
   invoice leaves is not invoiced. -#}
{%- set invoice_date -%}
    coalesce(
            line_links.invoice_date,
            case when costed.line_id is null or not document_links.has_line_links then document_links.invoice_date end
        )
{%- endset -%}
with amounts as (select * from {{ ref('int_sale_amounts') }}),

documents as (select * from {{ ref('int_sale_documents') }}),

lines as (select * from {{ ref('int_sale_lines') }}),

deliveries as (select * from {{ ref('int_sale_deliveries') }}),

chain as (select * from {{ ref('int_document_chain') }}),

payments as (select * from {{ ref('int_document_payments') }}),

quotes as (select * from {{ ref('int_quotes') }}),

bounds as (select * from {{ ref('int_as_of') }}),

customers as {{ versions_of(ref('dim_customer'), 'customer') }},

products as {{ versions_of(ref('dim_product'), 'product', ['is_stock_managed']) }},

colleagues as (select * from {{ ref('dim_colleague') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

line_links as (
    select * from chain
    where line_id is not null
),

document_links as (
    select * from chain
    where line_id is null
),

rows_ as (
    select
        amounts.document_id,
        amounts.line_id,
        amounts.line_number,
        amounts.row_origin,
        documents.kind,
        documents.document_type_code,
        documents.document_number,
        documents.document_date,
        documents.is_revenue,
        documents.is_posted,
        documents.sign_factor,
        documents.payer_code,
        documents.customer_code,
        documents.site_id,
        documents.country_code,
        documents.zipcode,
        documents.city,
        coalesce(lines.deal_id, documents.deal_id) as deal_id,
        coalesce(lines.contract_id, documents.contract_id) as contract_id,
        coalesce(lines.incident_id, documents.incident_id) as incident_id,
        documents.survey_sent_date,
        documents.survey_returned_date,
        coalesce(lines.warehouse_id, documents.warehouse_id) as warehouse_id,
        coalesce(lines.colleague_code, documents.colleague_code) as colleague_code,
        amounts.member,
        lines.item_code,
        -- A header amount is one piece at its own price, so that quantity x price - discount = net holds for it too.
        case when amounts.line_id is null then 1 else lines.quantity end as quantity,
        case when amounts.line_id is null then amounts.net else lines.unit_price end as unit_price,
        amounts.net,
        amounts.footer_discount,
        amounts.financial_discount,
        amounts.tax,
        amounts.tax_on_collection,
        amounts.vat_rate,
        coalesce(lines.cost_price, 0) as cost_price,
        amounts.cost,
        amounts.ecotax,
        coalesce(lines.is_stock_managed, false) as is_stock_managed,
        coalesce(lines.is_bundle, false) as is_bundle,
        lines.invoiced_quantity,
        lines.remaining_quantity_to_deliver,
        lines.remaining_quantity_to_invoice,
        bounds.as_of,
        bounds.calendar_start,
        bounds.calendar_end
    from amounts
    inner join documents on amounts.document_id = documents.document_id
    left join lines on amounts.line_id = lines.line_id
    cross join bounds
),

keyed as (
    select
        rows_.*,
        coalesce(customer_codes.customer_id, rows_.customer_code) as customer_id,
        {{ key_or_member('customers.customer_key', 'rows_.customer_code') }} as customer_key,
        coalesce(item_codes.product_id, rows_.member, rows_.item_code, 'NO_ITEM') as product_id,
        coalesce(
            products.product_key,
            md5(coalesce(rows_.member, case when rows_.item_code is null then 'NO_ITEM' else 'orphan' end))
        ) as product_key,
        coalesce(colleagues.colleague_id, rows_.colleague_code) as colleague_id,
        {{ key_or_member('colleagues.colleague_key', 'rows_.colleague_code') }} as colleague_key,
        coalesce(products.is_stock_managed, rows_.is_stock_managed) as is_stocked
    from rows_
    left join customer_codes on upper(rows_.customer_code) = customer_codes.code_match
    left join customers
        on
            customer_codes.customer_id = customers.customer_id
            and rows_.document_date >= customers.valid_from
            and rows_.document_date < customers.valid_until
    left join item_codes on upper(rows_.item_code) = item_codes.code_match
    left join products
        on
            item_codes.product_id = products.product_id
            and rows_.document_date >= products.valid_from
            and rows_.document_date < products.valid_until
    left join colleagues on upper(rows_.colleague_code) = upper(colleagues.colleague_id)
),

costed as (
    select
        *,
        {{ amount('sign_factor * net') }} as signed_net,
        {{ amount('sign_factor * quantity * unit_price') }} as signed_gross,
        {{ amount('sign_factor * cost') }} as signed_cost
    from keyed
)

select
    case
        when costed.line_id is not null then md5(costed.line_id)
        else md5(costed.document_id || '|' || costed.line_number)
    end as sale_key,
    {{ date_key('costed.document_date') }} as date_key,
    costed.customer_key,
    costed.customer_id,
    costed.product_key,
    costed.product_id,
    costed.colleague_key,
    costed.colleague_id,
    costed.kind as document_type,
    cast(costed.document_type_code as integer) as document_type_code,
    costed.document_number,
    cast(costed.line_number as integer) as line_number,
    {{ amount('costed.sign_factor * costed.quantity') }} as quantity,
    {{ amount('costed.unit_price') }} as unit_price_excl_tax,
    {{ amount('costed.signed_gross - costed.signed_net') }} as discount_amount,
    costed.signed_net as net_amount_excl_tax,
    {{ amount('costed.sign_factor * costed.tax') }} as tax_amount,
    {{ amount('costed.sign_factor * (costed.net - costed.financial_discount + costed.tax)') }} as net_amount_incl_tax,
    costed.signed_cost as cost_amount,
    {{ amount('costed.signed_net - costed.signed_cost') }} as margin_amount,
    case
        when costed.signed_net <> 0
            then cast(costed.signed_net - costed.signed_cost as double) / cast(costed.signed_net as double) * 100
    end as margin_percent,
    payments.is_paid,
    case
        when payments.is_paid is null then null
        when not payments.is_paid then -2
        else {{ date_key('payments.payment_date') }}
    end as payment_date_key,
    case
        when costed.kind = 'Invoice' then {{ date_key('costed.document_date') }}
        when {{ invoice_date }} is null then -2
        else {{ date_key(invoice_date) }}
    end as invoice_date_key,
    costed.document_id,
    costed.line_id,
    costed.row_origin,
    costed.is_posted,
    costed.document_date > costed.as_of as is_future_dated,
    coalesce(payer_codes.customer_id, costed.payer_code) as payer_id,
    costed.deal_id,
    costed.contract_id,
    costed.site_id,
    costed.incident_id,
    costed.warehouse_id,
    {{ location_key('costed.country_code', 'costed.zipcode', 'costed.city') }} as delivery_location_key,
    case when costed.quantity <> 0 then cast(costed.net as double) / cast(costed.quantity as double) end
        as net_unit_price_excl_tax,
    {{ amount('costed.signed_gross - costed.signed_net - costed.sign_factor * costed.footer_discount') }}
        as line_discount_amount,
    {{ amount('costed.sign_factor * costed.footer_discount') }} as footer_discount_amount,
    {{ amount('costed.sign_factor * costed.financial_discount') }} as financial_discount_amount,
    {{ amount('costed.sign_factor * costed.ecotax') }} as ecotax_amount,
    {{ amount('costed.sign_factor * costed.tax_on_collection') }} as tax_on_collection_amount,
    cast(costed.vat_rate as double) as vat_rate,
    {{ amount('costed.invoiced_quantity') }} as invoiced_quantity,
    {{ amount('costed.remaining_quantity_to_deliver') }} as remaining_quantity_to_deliver,
    {{ amount('costed.remaining_quantity_to_invoice') }} as remaining_quantity_to_invoice,
    deliveries.promised_date,
    deliveries.complete_delivery_date,
    line_links.origin_line_id,
    costed.is_bundle,
    costed.row_origin = 'line'
    and costed.cost_price = 0
    and costed.is_stocked
    and costed.quantity <> 0 as is_cost_missing,
    document_links.origin_invoice_number,
    document_links.origin_invoice_date,
    document_links.origin_invoice_source,
    quotes.quote_id,
    quotes.is_last_revision,
    quotes.converted_date,
    costed.survey_sent_date,
    costed.survey_returned_date
from costed
left join customer_codes as payer_codes on upper(costed.payer_code) = payer_codes.code_match
left join line_links on costed.line_id = line_links.line_id
left join deliveries on costed.line_id = deliveries.line_id
left join document_links on costed.document_id = document_links.document_id
left join payments on costed.document_id = payments.document_id
left join quotes on costed.document_id = quotes.document_id
