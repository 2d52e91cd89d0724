{#
    One row per live incident: when it was answered and by whom, whether it was opened again, what its targets are.

    Answered = the first linked appointment (not cancelled) or non-automatic activity that has started by the as-of day.
-#}
with versions as (select * from {{ ref('stg_incident') }}),

bounds as (select * from {{ ref('int_as_of') }}),

-- An end still to come that is taken back ended nothing: it is no reopening of the days.
reopenings as (
    select
        incident_id,
        count(*) as reopened_count,
        list(reopened_at order by reopened_at) filter (where reopened_at >= previous_end_at) as reopened_at,
        list(previous_end_at order by reopened_at) filter (where reopened_at >= previous_end_at) as withdrawn_end_at
    from (
        select
            incident_id,
            end_at,
            lag(end_at) over (partition by incident_id order by valid_from) as previous_end_at,
            timezone('Europe/Paris', timezone('UTC', valid_from)) as reopened_at
        from versions
        where not is_deleted
    ) as dated
    where end_at is null and previous_end_at is not null
    group by all
),

live as (
    select * from (
        select * from versions
        qualify row_number() over (partition by incident_id order by valid_from desc) = 1
    ) as newest
    where not is_deleted
),

visits as (
    select
        upper(incident_id) as incident_match,
        start_at,
        first_value(colleague_code ignore nulls) over (
            partition by root_id order by event_id <> root_id, line_order, event_id
            rows between unbounded preceding and unbounded following
        ) as colleague_code,
        is_urgent,
        is_to_invoice and state = 'Done' as is_billed,
        1 as precedence
    from {{ ref('int_events') }}
    where incident_id is not null and state <> 'Cancelled' and not is_exception
),

contacts as (
    select
        upper(activities.incident_id) as incident_match,
        activities.start_at,
        activities.colleague_code,
        activities.is_automatic
    from {{ ref('stg_activity') }} as activities
    where activities.incident_id is not null
),

touches as (
    select
        visits.incident_match,
        min(visits.start_at) filter (where visits.start_at < bounds.as_of + interval 1 day) as first_at,
        arg_max(visits.colleague_code, visits.start_at) as visit_colleague,
        cast(null as varchar) as contact_colleague,
        bool_or(visits.is_urgent) as is_urgent,
        bool_or(visits.is_billed) as is_billed
    from visits
    cross join bounds
    group by all
    union all
    select
        contacts.incident_match,
        min(contacts.start_at) filter (
            where not contacts.is_automatic and contacts.start_at < bounds.as_of + interval 1 day
        ),
        null,
        arg_max(contacts.colleague_code, contacts.start_at),
        false,
        false
    from contacts
    cross join bounds
    group by all
),

answers as (
    select
        incident_match,
        min(first_at) as first_response_at,
        coalesce(any_value(visit_colleague), any_value(contact_colleague)) as colleague_code,
        bool_or(is_urgent) as is_urgent,
        bool_or(is_billed) as is_billed
    from touches
    group by all
),

cover_types as {{ meaning_of_codes('cover_type') }},

products as (
    select
        upper(links.owner_id) as incident_match,
        links.item_code,
        links.equipment_code,
        bool_or(links.is_standard_exchange) over (partition by upper(links.owner_id)) as is_standard_exchange,
        exists(select 1 from cover_types where list_contains(links.cover_codes, cover_types.code)) as is_covered
    from {{ ref('stg_equipment_link') }} as links
    where links.owner = 'incident'
    qualify row_number() over (partition by upper(links.owner_id) order by links.link_id) = 1
),

extras as {{ user_file('incident_extra') }},

contracts as (select * from {{ ref('stg_maintenance_contract') }}),

statuses as {{ meaning_of_codes('incident_status') }}

select
    live.incident_id,
    live.customer_code,
    live.caption,
    live.start_at,
    case when live.end_at < bounds.as_of + interval 1 day then live.end_at end as end_at,
    cast(live.status_code as integer) as status_code,
    live.template_code,
    live.contract_id,
    contracts.family_id as contract_family,
    coalesce(answers.colleague_code, live.creator_code) as colleague_code,
    products.item_code,
    products.equipment_code,
    answers.first_response_at,
    coalesce(extras.priority, case when answers.is_urgent then 1 else 3 end) as priority,
    extras.severity,
    case
        when live.end_at < bounds.as_of + interval 1 day then 'Closed'
        else
            coalesce(
                statuses.meaning, case when answers.first_response_at is not null then 'InProgress' else 'Open' end
            )
    end as state,
    case
        when live.end_at is null or live.end_at >= bounds.as_of + interval 1 day then null
        when extras.category is not null then extras.category
        when products.is_standard_exchange then 'Échange'
        when products.is_covered then 'Sous couverture'
        when answers.is_billed then 'Facturé'
        else 'Autre'
    end as resolution_category,
    cast(coalesce(reopenings.reopened_count, 0) as integer) as reopened_count,
    coalesce(reopenings.reopened_at, cast([] as timestamp[])) as reopened_at,
    coalesce(reopenings.withdrawn_end_at, cast([] as timestamp[])) as withdrawn_end_at,
    bounds.as_of
from live
cross join bounds
left join reopenings on live.incident_id = reopenings.incident_id
left join answers on upper(live.incident_id) = answers.incident_match
left join products on upper(live.incident_id) = products.incident_match
left join extras on upper(live.incident_id) = upper(extras.incident_id)
left join contracts on upper(live.contract_id) = upper(contracts.contract_id)
left join statuses on live.status_code = statuses.code
