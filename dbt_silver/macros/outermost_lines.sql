{#
    outermost_lines(lines, documents): the candidate lines (L1) of the documents that silver keeps, each with its role:
    counted (L2, L3), component of a bundle, or option ("non compris"). A candidate is counted unless one of its ancestors
    is a candidate, so a bundle counts once, at its own price. One rule for sales and purchases.
#}
{% macro outermost_lines(lines, documents) -%}
with recursive lines as (
    select
        stg_lines.*,
        nullif(stg_lines.parent_line_id, stg_lines.line_id) as climbing_id,
        nullif(stg_lines.top_parent_line_id, stg_lines.line_id) as root_id,
        coalesce(line_types.is_candidate, false) as is_candidate,
        coalesce(line_types.meaning = 'Bundle', false) as is_bundle
    from {{ lines }} as stg_lines
    left join {{ ref('line_type') }} as line_types on stg_lines.line_type = line_types.line_type
),

documents as (select document_id from {{ documents }}),

-- UNION, not UNION ALL: a damaged tree with a cycle ends instead of turning for ever.
ancestors as (
    select
        line_id,
        climbing_id as ancestor_id
    from lines
    where is_candidate and climbing_id is not null
    union
    select
        ancestors.line_id,
        lines.climbing_id as ancestor_id
    from ancestors
    inner join lines on ancestors.ancestor_id = lines.line_id
    where not lines.is_candidate and lines.climbing_id is not null
),

nearest_bundles as (
    select
        ancestors.line_id,
        min(lines.line_id) as bundle_line_id
    from ancestors
    inner join lines on ancestors.ancestor_id = lines.line_id
    where lines.is_candidate
    group by all
),

roots as (
    select line_id from lines
    where is_candidate
)

select
    lines.* exclude (climbing_id, root_id, is_candidate),
    case
        when nearest_bundles.bundle_line_id is not null or roots.line_id is not null then 'component'
        -- Without parent links the public rule is all there is: a bundle below level 0 is a component.
        when
            lines.is_bundle and lines.bundle_level > 0 and lines.climbing_id is null and lines.root_id is null
            then 'component'
        when lines.is_option then 'option'
        else 'counted'
    end as line_role,
    coalesce(nearest_bundles.bundle_line_id, roots.line_id) as bundle_line_id
from lines
inner join documents on lines.document_id = documents.document_id
left join nearest_bundles on lines.line_id = nearest_bundles.line_id
left join roots on lines.root_id = roots.line_id
where lines.is_candidate
{%- endmacro %}
