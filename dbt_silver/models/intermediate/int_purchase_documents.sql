{# One row per purchase document: its kind (K1), its sign factor (A8), its header in stored sign. -#}
with documents as (select * from {{ ref('stg_purchase_document') }}),

document_kinds as (select * from {{ ref('purchase_document_kind') }}),

validation_states as (select * from {{ ref('validation_state') }}),

signs as (select * from {{ ref('int_purchase_sign') }}),

line_quantities as (
    select
        document_id,
        sum(quantity) as quantity
    from {{ ref('stg_purchase_document_line') }}
    group by all
)

select
    documents.*,
    coalesce(validation_states.is_posted, false) as is_posted,
    coalesce(document_kinds.kind, 'Other') as kind,
    coalesce(document_kinds.kind in ('Invoice', 'CreditNote'), false) as is_spend,
    {{ sign_factor(
        'signs.stored_sign',
        'coalesce(nullif(documents.total_excl_tax, 0), nullif(documents.amount_incl_tax, 0), line_quantities.quantity, 0)'
    ) }} as sign_factor
from documents
left join document_kinds on documents.document_type_code = document_kinds.document_type
left join validation_states on documents.validation_state = validation_states.validation_state
left join signs on documents.document_type_code = signs.document_type
left join line_quantities on documents.document_id = line_quantities.document_id
