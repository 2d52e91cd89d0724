{{ config(tags=['fact']) }}
with activities as (
    select
        *,
        cast(start_at as date) as day,
        {{ elapsed_minutes('start_at', 'end_at') }} as elapsed_minutes
    from {{ ref('stg_activity') }}
    where customer_code is not null
),

bounds as (select * from {{ ref('int_as_of') }}),

customers as {{ versions_of(ref('dim_customer'), 'customer') }},

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

colleagues as (select * from {{ ref('dim_colleague') }}),

documents as (select * from {{ ref('int_sale_documents') }}),

kinds as (select * from {{ ref('document_kind') }}),

quotes as (select * from {{ ref('int_quotes') }}),

categories as {{ meaning_of_codes('activity_category') }},

states as {{ meaning_of_codes('activity_state') }},

types as {{ meaning_of_types('activity') }}

select
    md5(activities.activity_id) as activity_key,
    {{ date_key('activities.day') }} as date_key,
    coalesce(customers.customer_key, {{ member_key('orphan') }}) as customer_key,
    coalesce(customer_codes.customer_id, activities.customer_code) as customer_id,
    {{ key_or_member('colleagues.colleague_key', 'activities.colleague_code') }} as colleague_key,
    coalesce(colleagues.colleague_id, activities.colleague_code) as colleague_id,
    case
        when activities.reminder_letter_id is not null then 'Reminder'
        when activities.document_id is not null then coalesce(documents.kind, kinds.kind, 'Other')
        when activities.event_id is not null then 'Visit'
        else coalesce(categories.meaning, types.meaning, 'Other')
    end as activity_type,
    case
        when activities.is_automatic then 0
        when activities.elapsed_minutes between 0 and 24 * 60 then activities.elapsed_minutes
    end as duration_minutes,
    case
        when states.meaning is not null then states.meaning
        when activities.start_at >= bounds.as_of + interval 1 day then 'Pending'
        when documents.kind = 'Quote' and quotes.converted_date is not null then 'Success'
        when documents.kind = 'Quote' and documents.valid_until_date < bounds.as_of then 'Failed'
        when documents.kind = 'Quote' then 'Pending'
    end as outcome,
    {{ masked("concat_ws(' - ', activities.caption, activities.notes)") }}[:200] as notes_summary,
    activities.is_automatic,
    activities.start_at >= bounds.as_of + interval 1 day as is_future_dated,
    activities.start_at,
    activities.document_id,
    activities.event_id,
    activities.incident_id,
    activities.contract_id,
    activities.deal_id
from activities
cross join bounds
left join customer_codes on upper(activities.customer_code) = customer_codes.code_match
left join customers
    on
        customer_codes.customer_id = customers.customer_id
        and activities.day >= customers.valid_from
        and activities.day < customers.valid_until
left join colleagues on upper(activities.colleague_code) = upper(colleagues.colleague_id)
left join documents on activities.document_id = documents.document_id
left join quotes on activities.document_id = quotes.document_id
left join kinds on activities.document_type_code = kinds.document_type
left join categories on activities.category_code = categories.code
left join states on activities.state_code = states.code
left join types on activities.type_id = types.type_id
