{#
    One row per live event (appointments, rows of teams, internal events, absences): what it is, its state, its place.

    A row whose parent is gone stands for itself. State, type and kind come from seeds, else from the evidence of the row.
-#}
with versions as (select * from {{ ref('stg_schedule_event') }}),

newest as (
    select
        *,
        -- Put off: a change of the start to later than first planned.
        count(*) filter (where start_at > first_start_at and start_at <> previous_start_at) over history
            as rescheduled_count
    from (
        select
            *,
            first_value(start_at) over history as first_start_at,
            lag(start_at) over history as previous_start_at
        from versions
        window history as (partition by event_id order by valid_from)
    ) as dated
    window history as (partition by event_id)
    qualify row_number() over (partition by event_id order by valid_from desc) = 1
),

live as (select * from newest where not is_deleted),

bounds as (select * from {{ ref('int_as_of') }}),

kinds as (select * from {{ ref('event_kind') }}),

states as {{ meaning_of_codes('event_state') }},

types as {{ meaning_of_types('intervention') }},

captions as (
    select * from {{ ref('stg_captions') }}
    where list_name = 'schedule_event_type'
),

-- Hours in every installation seen; a median above five would be five hours on the road: minutes then.
travel_unit as (
    select case when median(travel_duration) > 5 then 1 else 60 end as minutes_per_unit from live
    where travel_duration > 0
),

sites as (select * from {{ ref('stg_construction_site') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

customers as (
    select
        versions.durable_id as customer_id,
        {% for part in ('zipcode', 'city', 'insee_code', 'country_code') -%}
        {{ delivered_at('versions', part) }} as {{ part }},
        {% endfor -%}
        points.latitude,
        points.longitude
    from {{ ref('int_customer_versions') }} as versions
    inner join {{ ref('int_customer_points') }} as points
        on versions.durable_id = points.customer_id and versions.version_from = points.version_from
    where versions.is_current
),

by_insee as (
    select
        insee_code,
        any_value(latitude) as latitude,
        any_value(longitude) as longitude
    from {{ ref('int_communes') }}
    group by all
),

by_town as (
    select
        zipcode,
        town,
        avg(latitude) as latitude,
        avg(longitude) as longitude
    from {{ ref('int_communes') }}
    group by all
),

-- Where dim_location puts a town that its postcode does not know.
by_postcode as (
    select
        zipcode,
        avg(latitude) as latitude,
        avg(longitude) as longitude
    from {{ ref('int_communes') }}
    group by all
),

-- Whose address it is: the event's own, else the site's, else the customer's.
placed as (
    select
        live.* exclude (country_code, zipcode, city, insee_code),
        parents.event_id as root_id,
        customer_codes.customer_id,
        {% for part in ('country_code', 'zipcode', 'city', 'insee_code') -%}
        case
            {%- for place in ('live', 'sites') %}
            when {{ is_address(place ~ '.') }} then {{ place }}.{{ part }}
            {%- endfor %}
            else customers.{{ part }}
        end as {{ part }},
        {% endfor -%}
        case
            when not {{ is_address('live.') }}
                then coalesce(sites.latitude, case when not {{ is_address('sites.') }} then customers.latitude end)
        end as other_latitude,
        case
            when not {{ is_address('live.') }}
                then coalesce(sites.longitude, case when not {{ is_address('sites.') }} then customers.longitude end)
        end as other_longitude
    from live
    left join live as parents on nullif(live.parent_id, live.event_id) = parents.event_id
    left join sites on upper(live.site_id) = sites.site_match
    left join customer_codes on upper(live.customer_code) = customer_codes.code_match
    left join customers on customer_codes.customer_id = customers.customer_id
)

select
    placed.* exclude (
        root_id, customer_id, other_latitude, other_longitude, latitude, longitude, travel_duration, first_start_at,
        previous_start_at, parent_id, valid_from, is_deleted
    ),
    coalesce(placed.root_id, placed.event_id) as root_id,
    coalesce(placed.customer_id, placed.customer_code) as customer_id,
    placed.root_id is null
    and not placed.is_exception
    and placed.customer_code is not null
    and coalesce(kinds.is_event, true) as is_intervention,
    case
        when captions.code is not null then coalesce(types.meaning, 'Other')
        when placed.incident_id is not null then 'Repair'
        when placed.contract_id is not null then 'Maintenance'
        else 'Other'
    end as intervention_type,
    captions.caption as type_caption,
    coalesce(
        states.meaning,
        case
            when
                placed.percent_complete >= 100 or placed.achieved_minutes > 0 or placed.invoice_id is not null
                then 'Done'
            else 'Scheduled'
        end
    ) as state,
    {{ elapsed_minutes('placed.start_at', 'placed.end_at') }} as elapsed_minutes,
    placed.travel_duration * travel_unit.minutes_per_unit as travel_minutes,
    placed.start_at >= bounds.as_of + interval 1 day as is_future_dated,
    placed.end_at < bounds.as_of + interval 1 day as is_past,
    coalesce(placed.latitude, placed.other_latitude, by_insee.latitude, by_town.latitude, by_postcode.latitude)
        as latitude,
    coalesce(placed.longitude, placed.other_longitude, by_insee.longitude, by_town.longitude, by_postcode.longitude)
        as longitude
from placed
cross join bounds
left join travel_unit on true
left join kinds
    on
        placed.line_type is not distinct from kinds.line_type
        and placed.display_type is not distinct from kinds.display_type
left join states on placed.state_code = states.code
left join captions on placed.type_id = captions.code
left join types on placed.type_id = types.type_id
left join by_insee on placed.insee_code = by_insee.insee_code
left join by_town on placed.zipcode = by_town.zipcode and {{ town_key('placed.city') }} = by_town.town
left join by_postcode
    on if({{ has_french_postcodes('placed.country_code') }}, placed.zipcode, null) = by_postcode.zipcode
