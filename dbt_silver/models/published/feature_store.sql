{{ config(tags=['feature']) }}
{# Names, types and lives are those of macro feature_declarations, values those of int_<entity>_features. -#}
with as_of as (select as_of from {{ ref('int_as_of') }}),

captures as (
    select min(cast(timezone('Europe/Paris', timezone('UTC', valid_from)) as date)) as first_day
    from (
        select valid_from from {{ ref('stg_customer') }}
        union all
        select valid_from from {{ ref('stg_item') }}
    ) as versions
),

features as (
    {% for entity_type, features in feature_declarations().items() -%}
    select
        '{{ entity_type }}' as entity_type,
        entity_key,
        unnest([
            {%- for feature in features %}
            {%- set is_number = feature.type == 'numeric' %}
            {
                feature_name: '{{ feature.name }}',
                feature_type: '{{ feature.type }}',
                ttl_days: {{ feature.ttl_days }},
                {#- Rounded: threads add doubles in another order each time, and equal rows would differ. #}
                feature_value: round(cast({{ feature.name if is_number else 'null' }} as double), 9),
                feature_value_text: cast({{ 'null' if is_number else feature.name }} as varchar)
            }{{ ',' if not loop.last }}
            {%- endfor %}
        ], recursive := true)
    from {{ ref('int_' ~ entity_type ~ '_features') }}
    {{ 'union all by name' if not loop.last }}
    {% endfor %}
)

select
    md5(features.entity_type || '|' || features.entity_key || '|' || features.feature_name) as feature_key,
    features.entity_type,
    features.entity_key,
    features.feature_name,
    features.feature_value,
    features.feature_value_text,
    features.feature_type,
    as_of.as_of as computed_date,
    features.ttl_days,
    as_of.as_of + features.ttl_days as served_until_date,
    -- Before the first capture, or for a past day with what is known now, later knowledge may be in the figure.
    {{ 'true or ' if var('as_of') is not none and var('known_at') is none }}coalesce(
        as_of.as_of < captures.first_day, true
    )
        as is_reconstructed
from features
cross join as_of
cross join captures
