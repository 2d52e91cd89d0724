{#
    stored_signs(documents, lines, kinds, overrides): how this installation stores credit notes and returns of one side (A8),
    measured over the headers. One row per document type; stored_sign = positive, negative or per_document.
#}
{% macro stored_signs(documents, lines, kinds, overrides) -%}
with documents as (select * from {{ documents }}),

document_kinds as (select * from {{ kinds }} where is_measured_sign),

overrides as (select * from {{ overrides }} where stored_sign in ('positive', 'negative')),

lines as (
    select
        document_id,
        sum(quantity) as quantity
    from {{ lines }}
    where
        document_id in (
            select documents.document_id
            from documents
            inner join document_kinds on documents.document_type_code = document_kinds.document_type
            where documents.total_excl_tax = 0 and documents.amount_incl_tax = 0
        )
    group by all
),

measures as (
    select
        document_kinds.document_type,
        document_kinds.kind,
        coalesce(nullif(documents.total_excl_tax, 0), nullif(documents.amount_incl_tax, 0), nullif(lines.quantity, 0))
            as measure
    from document_kinds
    left join documents on document_kinds.document_type = documents.document_type_code
    left join lines on documents.document_id = lines.document_id
),

shares as (
    select
        document_type,
        kind,
        count(measure) as measured_documents,
        count(measure) filter (where measure < 0) / nullif(count(measure), 0) as negative_share
    from measures
    group by all
)

select
    shares.document_type,
    shares.kind,
    shares.measured_documents,
    shares.negative_share,
    case
        when overrides.stored_sign is not null then overrides.stored_sign
        when shares.measured_documents < {{ parameter('sign_minimum_documents') }} then 'per_document'
        when shares.negative_share >= {{ parameter('sign_share_negative') }} then 'negative'
        when shares.negative_share <= {{ parameter('sign_share_positive') }} then 'positive'
        else 'per_document'
    end as stored_sign,
    overrides.stored_sign is not null as is_override
from shares
left join overrides on shares.document_type = overrides.document_type
{%- endmacro %}

{#
    The factor that turns what is stored into what silver shows: 1, or -1 for a credit note or return stored positive.
    `stored_sign` is NULL for a kind that is never turned; `measure` is the amount by which one document is judged alone.
#}
{% macro sign_factor(stored_sign, measure) -%}
    case
        when {{ stored_sign }} is null or {{ stored_sign }} = 'negative' then 1
        when {{ stored_sign }} = 'positive' then -1
        when {{ measure }} < 0 then 1
        else -1
    end
{%- endmacro %}
