{# Targets of service (sla.csv) and the hours that count for them; incidents and appointments are judged alike. #}

{# Whether a target is meant for a case: one with contract family * or without priority is for all of them; of several, the order of target_rank decides. #}
{% macro is_targeted(target, contract_family, priority) -%}
    ({{ target }}.contract_family = '*' or upper({{ target }}.contract_family) = upper({{ contract_family }}))
    and ({{ priority }} = {{ target }}.priority or {{ target }}.priority is null)
{%- endmacro %}

{# The line of the case's own contract family wins over *, that of its priority over one without. #}
{% macro target_rank(target) -%}
    {{ target }}.contract_family = '*', {{ target }}.priority nulls last
{%- endmacro %}

{# Opening hours of the working days: (open_at, close_at). #}
{% macro opening_hours() -%}
    {%- for opening in parameter('business_hours') %}
    select
        date_value + to_minutes({{ minute_of(opening[0]) }}) as open_at,
        date_value + to_minutes({{ minute_of(opening[1]) }}) as close_at
    from {{ ref('dim_date') }}
    where is_business_day
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{# Seconds of one opening that lie between two moments. #}
{% macro open_seconds(opening, start_at, end_at) -%}
    greatest(0, epoch(least({{ end_at }}, {{ opening }}.close_at)) - epoch(greatest({{ start_at }}, {{ opening }}.open_at)))
{%- endmacro %}
