{{ config(tags=['fact']) }}
with incidents as (
    select
        *,
        coalesce(end_at, cast(as_of as timestamp) + interval 1 day) as until_at
    from {{ ref('int_incidents') }}
),

bounds as (select * from {{ ref('int_as_of') }}),

customers as {{ versions_of(ref('dim_customer'), 'customer') }},

products as {{ versions_of(ref('dim_product'), 'product') }},

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

colleagues as (select * from {{ ref('dim_colleague') }}),

equipment as (select * from {{ ref('dim_equipment') }}),

templates as (
    select * from {{ ref('stg_captions') }}
    where list_name = 'incident_template'
),

-- Opening hours of the working days that an incident touches.
openings as (
    {{ opening_hours() }}
),

business_hours as (
    select
        incidents.incident_id,
        sum({{ open_seconds('openings', 'incidents.start_at', 'incidents.until_at') }}) / 3600 as until_hours,
        sum({{ open_seconds('openings', 'incidents.start_at', 'incidents.first_response_at') }}) / 3600
            as response_hours
    from incidents
    inner join openings on incidents.start_at < openings.close_at and incidents.until_at > openings.open_at
    group by all
),

targets as {{ user_file('sla') }},

targeted as (
    select
        incidents.*,
        case when targets.first_response_hours is not null or targets.resolution_hours is not null then 'file' end
            as file_source,
        coalesce(targets.first_response_hours, nullif({{ parameter('sla_first_response_hours') }}, 0))
            as response_target,
        coalesce(targets.resolution_hours, nullif({{ parameter('sla_resolution_hours') }}, 0)) as resolution_target,
        coalesce(targets.clock, '{{ parameter('sla_clock') }}') = 'business' as is_business_clock
    from incidents
    left join targets on {{ is_targeted('targets', 'incidents.contract_family', 'incidents.priority') }}
    qualify row_number() over (
        partition by incidents.incident_id order by {{ target_rank('targets') }}
    ) = 1
),

measured as (
    select
        targeted.*,
        {{ elapsed_minutes('targeted.start_at', 'targeted.until_at') }} / 60 as until_calendar_hours,
        case
            when targeted.first_response_at is not null
                then greatest(0, {{ elapsed_minutes('targeted.start_at', 'targeted.first_response_at') }} / 60)
        end as response_calendar_hours,
        coalesce(business_hours.until_hours, 0) as until_business_hours,
        case when targeted.first_response_at is not null then coalesce(business_hours.response_hours, 0) end
            as response_business_hours
    from targeted
    left join business_hours on targeted.incident_id = business_hours.incident_id
),

judged as (
    select
        *,
        case when is_business_clock then until_business_hours else until_calendar_hours end as sla_until_hours,
        case when is_business_clock then response_business_hours else response_calendar_hours end as sla_response_hours
    from measured
),

-- The targets that were missed, in hours from the start; the one that passed first counts.
missed as (
    select
        incident_id,
        start_at,
        is_business_clock,
        least(
            case when sla_until_hours > resolution_target then resolution_target end,
            case when coalesce(sla_response_hours, sla_until_hours) > response_target then response_target end
        ) as missed_hours
    from judged
),

-- By business hours a target passes in the opening in which the hours since the start reach it.
worked as (
    select
        missed.incident_id,
        missed.missed_hours * 3600 as missed_seconds,
        greatest(missed.start_at, openings.open_at) as from_at,
        {{ open_seconds('openings', 'missed.start_at', 'openings.close_at') }} as opening_seconds,
        sum({{ open_seconds('openings', 'missed.start_at', 'openings.close_at') }}) over (
            partition by missed.incident_id order by openings.open_at
        ) as seconds
    from missed
    cross join bounds
    inner join openings
        on missed.start_at < openings.close_at and openings.open_at < bounds.as_of + interval 1 day
    where missed.is_business_clock and missed.missed_hours is not null
),

deadlines as (
    select
        incident_id,
        min(from_at + to_microseconds(cast((missed_seconds - seconds + opening_seconds) * 1000000 as bigint)))
            as missed_at
    from worked
    where seconds >= missed_seconds
    group by all
    union all
    select
        incident_id,
        timezone(
            'Europe/Paris',
            timezone('Europe/Paris', start_at) + to_microseconds(cast(missed_hours * 3600000000 as bigint))
        ) as missed_at
    from missed
    where not is_business_clock and missed_hours is not null
),

keyed as (
    select
        judged.*,
        deadlines.missed_at,
        cast(judged.start_at as date) as day,
        coalesce(customer_codes.customer_id, judged.customer_code) as customer_id,
        coalesce(item_codes.product_id, judged.item_code, equipment.product_id) as product_id,
        equipment.customer_product_key
    from judged
    left join deadlines on judged.incident_id = deadlines.incident_id
    left join customer_codes on upper(judged.customer_code) = customer_codes.code_match
    left join item_codes on upper(judged.item_code) = item_codes.code_match
    left join equipment on upper(judged.equipment_code) = upper(equipment.customer_product_id)
)

select
    md5(upper(keyed.incident_id)) as incident_key,
    keyed.incident_id,
    {{ date_key('keyed.day') }} as creation_date_key,
    case when keyed.end_at is null then -2 else {{ date_key('cast(keyed.end_at as date)') }} end as resolution_date_key,
    {{ key_or_member('customers.customer_key', 'keyed.customer_code') }} as customer_key,
    keyed.customer_id,
    {{ key_or_member('products.product_key', 'keyed.product_id') }} as product_key,
    keyed.product_id,
    {{ key_or_member('keyed.customer_product_key', 'keyed.equipment_code') }} as customer_product_key,
    {{ key_or_member('colleagues.colleague_key', 'keyed.colleague_code') }} as assigned_colleague_key,
    coalesce(colleagues.colleague_id, keyed.colleague_code) as colleague_id,
    coalesce(templates.caption, 'Non précisé') as incident_type,
    keyed.priority,
    keyed.severity,
    keyed.state,
    keyed.status_code,
    keyed.response_calendar_hours as time_to_first_response_hours,
    keyed.response_business_hours as time_to_first_response_business_hours,
    case when keyed.end_at is not null then keyed.until_calendar_hours end as time_to_resolution_hours,
    case when keyed.end_at is not null then keyed.until_business_hours end as time_to_resolution_business_hours,
    case
        when keyed.response_target is null and keyed.resolution_target is null then null
        when keyed.sla_until_hours > keyed.resolution_target then false
        when coalesce(keyed.sla_response_hours, keyed.sla_until_hours) > keyed.response_target then false
        when keyed.end_at is not null then true
    end as sla_met_flag,
    case
        when keyed.response_target is null and keyed.resolution_target is null then null
        else coalesce(keyed.file_source, 'default')
    end as sla_source,
    keyed.missed_at as sla_missed_at,
    keyed.response_target as sla_first_response_hours,
    keyed.resolution_target as sla_resolution_hours,
    keyed.reopened_count,
    keyed.reopened_at,
    keyed.withdrawn_end_at,
    keyed.resolution_category,
    keyed.contract_id,
    keyed.first_response_at,
    keyed.start_at,
    keyed.end_at
from keyed
cross join bounds
left join customers
    on
        keyed.customer_id = customers.customer_id
        and keyed.day >= customers.valid_from
        and keyed.day < customers.valid_until
left join products
    on
        keyed.product_id = products.product_id
        and keyed.day >= products.valid_from
        and keyed.day < products.valid_until
left join colleagues on upper(keyed.colleague_code) = upper(colleagues.colleague_id)
left join templates on keyed.template_code = templates.code
