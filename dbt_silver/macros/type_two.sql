{#
    Versions of a type-2 dimension from the bronze history of one table (V1-V4, V10).

    `history` needs code, code_match, uid, valid_from, is_deleted and the `tracked` columns. Result: one row per version with
    durable_id (the newest code, on all versions), former_ids, code_matches, version_from, version_to, is_current, and every
    attribute as of the end of that version. A change of untracked columns makes no version (gaps and islands). A row renamed
    in EBP (same uid, new code) stays one entity; a uid shared by several live codes is not an identity and is ignored.
#}
{% macro type_two_versions(history, tracked) %}
with history as (select * from {{ history }}),

latest as (
    select * from history
    qualify row_number() over (partition by code_match order by valid_from desc, is_deleted, code) = 1
),

shared_uids as (
    select uid from latest
    where uid is not null and not is_deleted
    group by uid
    having count(*) > 1
),

identified as (
    select
        history.*,
        coalesce(case when shared_uids.uid is null then history.uid end, 'code ' || history.code_match) as entity
    from history
    left join shared_uids on history.uid = shared_uids.uid
),

-- The newest live code names the entity; an entity without one was deleted in EBP and leaves silver.
entities as (
    select
        identified.entity,
        arg_max(identified.code, (identified.valid_from, identified.code)) as durable_id
    from identified
    inner join latest on identified.code_match = latest.code_match and identified.valid_from = latest.valid_from
    where not identified.is_deleted and not latest.is_deleted
    group by all
),

codes as (
    select
        identified.entity,
        list(distinct identified.code_match order by identified.code_match) as code_matches,
        string_agg(distinct identified.code, '|' order by identified.code)
            filter (where upper(identified.code) <> upper(entities.durable_id)) as former_ids
    from identified
    inner join entities on identified.entity = entities.entity
    group by all
),

states as (
    select
        identified.*,
        entities.durable_id,
        {# Renaming is no change of state: the code is not compared. -#}
        row({{ tracked | join(', ') }}) as tracked_state
    from identified
    inner join entities on identified.entity = entities.entity
    where not identified.is_deleted
    qualify row_number() over (partition by identified.entity, identified.valid_from order by identified.code desc) = 1
),

marked as (
    select
        *,
        row_number() over (partition by entity order by valid_from) = 1
        or not coalesce(tracked_state = lag(tracked_state) over (partition by entity order by valid_from), false) as is_change
    from states
),

islands as (
    select
        *,
        count(*) filter (where is_change) over (partition by entity order by valid_from) as island
    from marked
),

bounded as (
    select
        *,
        case when island = 1 then timestamp '1900-01-01' else min(valid_from) over (partition by entity, island) end as version_from
    from islands
    qualify row_number() over (partition by entity, island order by valid_from desc) = 1
)

select
    bounded.* exclude (entity, code, code_match, valid_from, is_deleted, tracked_state, is_change, island),
    codes.code_matches,
    codes.former_ids,
    lead(bounded.version_from) over (partition by bounded.entity order by bounded.version_from) as version_to,
    lead(bounded.version_from) over (partition by bounded.entity order by bounded.version_from) is null as is_current
from bounded
inner join codes on bounded.entity = codes.entity
{% endmacro %}

{# Codes as documents carry them → durable id. A live code wins over somebody's former code. #}
{% macro code_map(versions, id_name) %}
(
    select
        code_match,
        arg_max(durable_id, (upper(durable_id) = code_match, durable_id)) as {{ id_name }}
    from (
        select
            durable_id,
            unnest(code_matches) as code_match
        from {{ versions }}
        where is_current
    ) as unnested
    group by code_match
)
{% endmacro %}

{#
    Versions of a published type-2 dimension with the days they are valid on, for facts to join by. The open end is a date:
    a join on "or valid_to is null" would compare every row with every version.
#}
{% macro versions_of(dimension, name, extra=[]) -%}
(
    select
        {{ name }}_key,
        {{ name }}_id,
        {%- for column in extra %}
        {{ column }},
        {%- endfor %}
        valid_from,
        coalesce(valid_to, timestamp 'infinity') as valid_until
    from {{ dimension }}
)
{%- endmacro %}
