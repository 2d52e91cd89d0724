{# Expressions of the field service: distances, durations, captions. Each takes SQL expressions and returns one. #}

{# Kilometres as the crow flies on a sphere of 6371 km; NULL when a coordinate is: least() alone would skip the NULL. #}
{% macro haversine_km(latitude, longitude, other_latitude, other_longitude) -%}
    case
        when {{ latitude }} + {{ longitude }} + {{ other_latitude }} + {{ other_longitude }} is not null
            then 2 * 6371 * asin(sqrt(least(1,
                pow(sin(radians({{ other_latitude }} - {{ latitude }}) / 2), 2)
                + cos(radians({{ latitude }})) * cos(radians({{ other_latitude }}))
                * pow(sin(radians({{ other_longitude }} - {{ longitude }}) / 2), 2)
            )))
    end
{%- endmacro %}

{# Minutes between two wall clocks, through the zone: the night of a clock change has 23 or 25 hours (V6). #}
{% macro elapsed_minutes(start_at, end_at) -%}
    (epoch(timezone('Europe/Paris', {{ end_at }})) - epoch(timezone('Europe/Paris', {{ start_at }}))) / 60
{%- endmacro %}

{# What captions are searched in: lower case, no accents, one space before each word. #}
{% macro caption_words(caption) -%}
    ' ' || regexp_replace(strip_accents(lower(coalesce({{ caption }}, ''))), '[^a-z0-9]+', ' ', 'g')
{%- endmacro %}

{# HHMM00 of a moment, -1 when there is none. #}
{% macro time_key(moment) -%}
    coalesce(cast(hour({{ moment }}) * 10000 + minute({{ moment }}) * 100 as integer), -1)
{%- endmacro %}

{# Meanings of caption_keyword for one subject, by the id of the type: (type_id, meaning). #}
{% macro meaning_of_types(subject) -%}
(
    select
        types.code as type_id,
        arg_min(keywords.meaning, keywords.priority) as meaning
    from {{ ref('stg_captions') }} as types
    inner join {{ ref('caption_keyword') }} as keywords
        on keywords.subject = '{{ subject }}' and contains({{ caption_words('types.caption') }}, ' ' || keywords.keyword)
    where types.list_name = 'schedule_event_type'
    group by all
)
{%- endmacro %}

{# Meanings of one list of field_code: (code, meaning). #}
{% macro meaning_of_codes(list_name) -%}
(
    select
        code,
        meaning
    from {{ ref('field_code') }}
    where list_name = '{{ list_name }}'
)
{%- endmacro %}

{# E-mail addresses and telephone numbers replaced by ***. #}
{% macro masked(value) -%}
    regexp_replace(
        regexp_replace({{ value }}, '[[:alnum:]._%+-]+@[[:alnum:].-]+', '***', 'g'),
        '(\+|00)?\d[\d .()/-]{7,}\d', '***', 'g'
    )
{%- endmacro %}

{# Whether a contract is not over on a day: neither past its end (unless tacitly renewed) nor cancelled before it. #}
{% macro contract_runs_on(contract, day) -%}
    coalesce({{ contract }}.end_date >= {{ day }} or {{ contract }}.has_tacit_renewal, true)
    and coalesce({{ contract }}.cancellation_date >= {{ day }}, true)
{%- endmacro %}

{# Whether an event is typed as whole days, from midnight to midnight. #}
{% macro is_all_day(event) -%}
    ({{ event }}.start_at = date_trunc('day', {{ event }}.start_at) and {{ event }}.end_at = date_trunc('day', {{ event }}.end_at))
{%- endmacro %}
