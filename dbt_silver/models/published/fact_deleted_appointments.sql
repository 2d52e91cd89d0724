{{ config(tags=['fact']) }}
{# V10: an appointment deleted in EBP before its day leaves fact_interventions; here it counts as cancelled. -#}
with versions as (select * from {{ ref('stg_schedule_event') }}),

bounds as (select * from {{ ref('int_as_of') }}),

kinds as (select * from {{ ref('event_kind') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

colleagues as (select * from {{ ref('dim_colleague') }}),

-- What was known last; the row of the deletion itself need not repeat it.
known as (
    select
        *,
        row_number() over (partition by event_id order by valid_from desc) as age
    from versions
    where not is_deleted
),

deletions as (
    select
        event_id,
        timezone('Europe/Paris', timezone('UTC', max(valid_from) filter (where is_deleted))) as deleted_at
    from versions
    group by all
    having arg_max(is_deleted, valid_from)
)

select
    md5(known.event_id) as intervention_key,
    known.event_id,
    known.event_number,
    {{ date_key('cast(known.start_at as date)') }} as schedule_date_key,
    coalesce(customer_codes.customer_id, known.customer_code) as customer_id,
    {{ key_or_member('colleagues.colleague_key', 'known.colleague_code') }} as colleague_key,
    coalesce(colleagues.colleague_id, known.colleague_code) as colleague_id,
    'Cancelled' as state,
    known.start_at,
    deletions.deleted_at
from known
inner join deletions on known.event_id = deletions.event_id
cross join bounds
left join kinds
    on
        known.line_type is not distinct from kinds.line_type
        and known.display_type is not distinct from kinds.display_type
left join customer_codes on upper(known.customer_code) = customer_codes.code_match
left join colleagues on upper(known.colleague_code) = upper(colleagues.colleague_id)
where
    {{ parameter('deleted_event_is_cancelled') }}
    and known.age = 1
    and deletions.deleted_at < known.start_at
    and not known.is_exception
    and known.parent_id is null
    and known.customer_code is not null
    and coalesce(kinds.is_event, true)
