{{ config(tags=['fact']) }}
with rows_ as (select * from {{ ref('int_payment_rows') }}),

bounds as (select * from {{ ref('int_as_of') }}),

captions as (
    select * from {{ ref('stg_captions') }}
    where list_name = 'payment_type'
),

documents as (
    select
        'customer' as side,
        document_id,
        kind,
        document_number,
        customer_code as partner_code
    from {{ ref('int_sale_documents') }}
    union all
    select
        'supplier' as side,
        document_id,
        kind,
        document_number,
        supplier_code as partner_code
    from {{ ref('int_purchase_documents') }}
),

thirds as (
    select
        'customer' as side,
        code_match,
        third_id
    from {{ code_map(ref('int_customer_versions'), 'third_id') }} as customer_codes
    union all
    select
        'supplier' as side,
        code_match,
        third_id
    from {{ code_map(ref('int_supplier_versions'), 'third_id') }} as supplier_codes
),

versions as (
    select
        'customer' as side,
        customer_id as third_id,
        customer_key as third_key,
        valid_from,
        coalesce(valid_to, timestamp 'infinity') as valid_until
    from {{ ref('dim_customer') }}
    union all
    select
        'supplier' as side,
        supplier_id as third_id,
        supplier_key as third_key,
        valid_from,
        coalesce(valid_to, timestamp 'infinity') as valid_until
    from {{ ref('dim_supplier') }}
),

keyed as (
    select
        rows_.*,
        documents.kind,
        documents.document_number,
        coalesce(debtors.third_id, rows_.third_code) as third_id,
        {{ key_or_member('versions.third_key', 'rows_.third_code') }} as third_key,
        coalesce(partners.third_id, documents.partner_code) as partner_id,
        captions.caption as payment_means,
        bounds.calendar_start,
        bounds.calendar_end
    from rows_
    cross join bounds
    left join documents on rows_.side = documents.side and rows_.document_id = documents.document_id
    left join thirds as debtors on rows_.side = debtors.side and upper(rows_.third_code) = debtors.code_match
    left join thirds as partners on rows_.side = partners.side and upper(documents.partner_code) = partners.code_match
    left join versions
        on
            rows_.side = versions.side
            and debtors.third_id = versions.third_id
            and coalesce(rows_.document_date, rows_.due_date) >= versions.valid_from
            and coalesce(rows_.document_date, rows_.due_date) < versions.valid_until
    left join captions on rows_.payment_type_code = captions.code
)

select
    md5(commitment_id || '|' || coalesce(association_id, 'open')) as payment_key,
    commitment_id,
    side,
    {{ date_key('due_date') }} as due_date_key,
    case when settlement_date is null then -2 else {{ date_key('settlement_date') }} end as settlement_date_key,
    case when side = 'customer' then third_key end as customer_key,
    case when side = 'supplier' then third_key end as supplier_key,
    third_id,
    partner_id,
    document_id,
    kind as document_type,
    document_number,
    document_date,
    due_date,
    settlement_date,
    settlement_id,
    payment_means,
    amount,
    assigned_amount,
    financial_discount as financial_discount_amount,
    balance,
    case
        when not is_rejected and due_date is not null then cast(settlement_date - due_date as integer)
    end as delay_days,
    is_deposit,
    is_set_off,
    is_rejected,
    is_doubtful,
    had_rejected_settlement,
    reminder_count,
    last_reminder_level
from keyed
