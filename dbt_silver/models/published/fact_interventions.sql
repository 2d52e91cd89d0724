{{ config(tags=['fact']) }}
with events as (select * from {{ ref('int_events') }}),

problems as (select * from {{ ref('int_problems') }}),

responses as (select * from {{ ref('int_intervention_sla') }}),

bounds as (select * from {{ ref('int_as_of') }}),

customers as {{ versions_of(ref('dim_customer'), 'customer') }},

products as {{ versions_of(ref('dim_product'), 'product') }},

item_codes as {{ code_map(ref('int_item_versions'), 'product_id') }},

colleagues as (select * from {{ ref('dim_colleague') }}),

equipment as (select * from {{ ref('dim_equipment') }}),

satisfaction as {{ user_file('satisfaction') }},

-- The newest answer about an event, else about the invoice that it is on.
event_scores as (
    select
        upper(event_number) as number_match,
        arg_max(score, (coalesce(date, date '1900-01-01'), score)) as score,
        max(date) as answered_on
    from satisfaction
    where event_number is not null
    group by all
),

invoice_scores as (
    select
        upper(document_number) as number_match,
        arg_max(score, (coalesce(date, date '1900-01-01'), score)) as score,
        max(date) as answered_on
    from satisfaction
    where event_number is null
    group by all
),

invoices as (
    select
        document_id,
        document_number,
        document_date
    from {{ ref('int_sale_documents') }}
),

planned as (
    select
        event_id,
        nullif(sum(worked_minutes), 0) as worked_minutes
    from {{ ref('int_event_days') }}
    group by all
),

teams as (
    select
        root_id,
        cast(count(distinct upper(colleague_code)) as integer) as technician_count,
        arg_min(colleague_code, (event_id <> root_id, line_order, event_id)) filter (where colleague_code is not null)
            as colleague_code,
        sum(net_amount) filter (where event_id <> root_id) as rows_amount,
        sum(cost_amount) filter (where event_id <> root_id) as rows_cost
    from events
    group by all
),

seen as (
    select
        owner_id as event_id,
        list_sort(list_distinct(list(equipment_code))) as customer_product_ids
    from {{ ref('stg_equipment_link') }}
    where owner = 'event' and equipment_code is not null
    group by all
),

interventions as (
    select
        events.*,
        cast(events.start_at as date) as day,
        teams.technician_count,
        teams.rows_amount,
        teams.rows_cost,
        coalesce(colleagues.colleague_id, teams.colleague_code) as colleague_id,
        {{ key_or_member('colleagues.colleague_key', 'teams.colleague_code') }} as colleague_key,
        colleagues.depot_latitude,
        colleagues.depot_longitude
    from events
    inner join teams on events.event_id = teams.root_id
    left join colleagues on upper(teams.colleague_code) = upper(colleagues.colleague_id)
    where events.is_intervention
),

-- One drives from each appointment of the day to the next, from the depot to the first, and to no cancelled one.
legs as (
    select
        event_id,
        {{ haversine_km('from_latitude', 'from_longitude', 'latitude', 'longitude') }} as distance_km
    from (
        select
            event_id,
            latitude,
            longitude,
            case when row_number() over route = 1 then depot_latitude else lag(latitude) over route end
                as from_latitude,
            case when row_number() over route = 1 then depot_longitude else lag(longitude) over route end
                as from_longitude
        from interventions
        where state <> 'Cancelled' and colleague_id is not null
        window route as (partition by upper(colleague_id), day order by start_at, event_id)
    ) as routes
),

keyed as (
    select
        interventions.*,
        equipment.customer_product_key,
        equipment.customer_product_id,
        equipment.parts_warranty_end_date,
        equipment.labour_warranty_end_date,
        coalesce(equipment.product_id, item_codes.product_id, interventions.item_code) as product_id
    from interventions
    left join equipment on upper(interventions.equipment_code) = upper(equipment.customer_product_id)
    left join item_codes on upper(interventions.item_code) = item_codes.code_match
)

select
    md5(keyed.event_id) as intervention_key,
    keyed.event_id,
    keyed.event_number,
    {{ date_key('keyed.day') }} as schedule_date_key,
    -- All day = from midnight to midnight: no time was agreed.
    case when not {{ is_all_day('keyed') }} then {{ time_key('keyed.start_at') }} else -1 end as start_time_key,
    case when not {{ is_all_day('keyed') }} then {{ time_key('keyed.end_at') }} else -1 end as end_time_key,
    coalesce(customers.customer_key, {{ member_key('orphan') }}) as customer_key,
    keyed.customer_id,
    {{ location_key('keyed.country_code', 'keyed.zipcode', 'keyed.city') }} as location_key,
    keyed.colleague_key,
    keyed.colleague_id,
    {{ key_or_member('products.product_key', 'keyed.product_id') }} as product_key,
    keyed.product_id,
    {{ key_or_member('keyed.customer_product_key', 'keyed.equipment_code') }} as customer_product_key,
    coalesce(keyed.customer_product_id, keyed.equipment_code) as customer_product_id,
    coalesce(seen.customer_product_ids, []) as seen_customer_product_ids,
    keyed.intervention_type,
    keyed.type_caption,
    case when keyed.is_urgent then 1 when not keyed.is_urgent then 3 end as priority,
    keyed.state,
    cast(keyed.state_code as integer) as state_code,
    case
        when planned.event_id is not null then coalesce(keyed.expected_minutes, planned.worked_minutes)
        when keyed.elapsed_minutes = 0 then keyed.expected_minutes
    end as scheduled_duration_minutes,
    case when keyed.state = 'Done' then keyed.achieved_minutes end as actual_duration_minutes,
    legs.distance_km,
    problems.is_first_call_resolution,
    coalesce(event_scores.score, invoice_scores.score) as customer_satisfaction_score,
    case when event_scores.score is not null then event_scores.answered_on else invoice_scores.answered_on end
        as customer_satisfaction_date,
    keyed.notes[:2000] as resolution_notes,
    {{ amount(
        'case when keyed.is_to_invoice then coalesce(nullif(keyed.net_amount, 0), keyed.rows_amount, 0) else 0 end'
    ) }} as billable_amount,
    {{ amount('coalesce(nullif(keyed.cost_amount, 0), keyed.rows_cost, 0)') }} as cost_amount,
    keyed.invoice_id is not null as is_invoiced,
    keyed.invoice_id,
    invoices.document_date as invoice_date,
    keyed.travel_minutes,
    keyed.technician_count,
    cast(keyed.rescheduled_count as integer) as rescheduled_count,
    keyed.state in ('Scheduled', 'InProgress') and keyed.is_past as is_overdue,
    keyed.is_future_dated,
    keyed.subcontractor_code is not null as is_subcontracted,
    coalesce(problems.is_return, false) as is_return_visit,
    keyed.contract_id is not null as is_under_contract,
    coalesce(greatest(keyed.parts_warranty_end_date, keyed.labour_warranty_end_date) >= keyed.day, false)
        as is_under_warranty,
    keyed.contract_id,
    keyed.incident_id,
    keyed.deal_id,
    keyed.site_id,
    keyed.created_at as requested_at,
    responses.time_to_intervention_hours,
    responses.sla_first_response_hours,
    responses.sla_met_flag,
    keyed.start_at,
    keyed.end_at,
    keyed.latitude,
    keyed.longitude
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
left join planned on keyed.event_id = planned.event_id
left join legs on keyed.event_id = legs.event_id
left join problems on keyed.event_id = problems.event_id
left join responses on keyed.event_id = responses.event_id
left join seen on keyed.event_id = seen.event_id
left join event_scores on upper(keyed.event_number) = event_scores.number_match
left join invoices on keyed.invoice_id = invoices.document_id
left join invoice_scores on upper(invoices.document_number) = invoice_scores.number_match
