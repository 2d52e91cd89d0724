{# Surrogate keys: MD5 of the durable id and the version start, with a separator so that no two pairs collide. #}
{% macro version_key(durable_id, valid_from) -%}
    md5({{ durable_id }} || '|' || strftime({{ valid_from }}, '%Y-%m-%d %H:%M:%S.%f'))
{%- endmacro %}

{# Key of a special member (V7): unknown, orphan, NO_ITEM, PORT, … #}
{% macro member_key(name) -%}
    md5('{{ name }}')
{%- endmacro %}

{# A key that was found, else the member that stands in: orphan where a code was typed, unknown where none was (V7). #}
{% macro key_or_member(key, code) -%}
    coalesce({{ key }}, case when {{ code }} is null then {{ member_key('unknown') }} else {{ member_key('orphan') }} end)
{%- endmacro %}

{# Key of dim_location: country, postcode, normalised town. #}
{% macro location_key(country, postcode, city) -%}
    case when {{ postcode }} is null and {{ city }} is null then md5('unknown')
        else md5({{ country }} || '|' || coalesce({{ postcode }}, '') || '|' || coalesce({{ city }}, '')) end
{%- endmacro %}

{# A day as YYYYMMDD; -1 unknown, -3 outside the calendar (V7). Bounds are columns of int_as_of. #}
{% macro date_key(day, first_day='calendar_start', last_day='calendar_end') -%}
    case
        when {{ day }} is null then -1
        when {{ day }} not between {{ first_day }} and {{ last_day }} then -3
        else cast(strftime({{ day }}, '%Y%m%d') as integer)
    end
{%- endmacro %}

{# Money in silver is EBP's own decimal(28, 8), end to end (A13). #}
{% macro amount(value) -%}
    cast({{ value }} as decimal(28, 8))
{%- endmacro %}
