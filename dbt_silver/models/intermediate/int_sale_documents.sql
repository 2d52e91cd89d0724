{#
    One row per sale document that silver keeps (K1-K4): its kind, its sign factor, its header in stored sign.
    Held tickets and temporary documents are left out (K3); model documents of periodic invoicing become Template.
-#}
with documents as (select * from {{ ref('stg_sale_document') }}),

extensions as (select * from {{ ref('stg_sale_document_ex') }}),

templates as (
    select distinct document_id from {{ ref('stg_periodic_invoicing') }}
    where document_id is not null
),

commitments as (
    select distinct document_id from {{ ref('stg_sale_commitment') }}
    where document_id is not null
),

document_kinds as (select * from {{ ref('document_kind') }}),

validation_states as (select * from {{ ref('validation_state') }}),

signs as (select * from {{ ref('int_credit_note_sign') }}),

country_codes as (select * from {{ ref('country_code') }}),

line_quantities as (
    select
        document_id,
        sum(quantity) as quantity
    from {{ ref('stg_sale_document_line') }}
    group by all
),

kept as (
    select
        documents.* exclude (valid_until_date),
        coalesce(documents.valid_until_date, extensions.valid_until_date) as valid_until_date,
        coalesce(validation_states.is_posted, false) as is_posted,
        case
            when
                templates.document_id is not null and commitments.document_id is null
                and not coalesce(validation_states.is_posted, false) then 'Template'
            else coalesce(document_kinds.kind, 'Other')
        end as kind,
        {{ sign_factor(
            'signs.stored_sign',
            'coalesce(nullif(documents.total_excl_tax, 0), nullif(documents.amount_incl_tax, 0), line_quantities.quantity, 0)'
        ) }} as sign_factor,
        coalesce(country_codes.country_code, documents.raw_country_code) as country_code,
        extensions.accepted_date
    from documents
    left join extensions on documents.document_id = extensions.document_id
    left join templates on documents.document_id = templates.document_id
    left join commitments on documents.document_id = commitments.document_id
    left join document_kinds on documents.document_type_code = document_kinds.document_type
    left join validation_states on documents.validation_state = validation_states.validation_state
    left join signs on documents.document_type_code = signs.document_type
    left join line_quantities on documents.document_id = line_quantities.document_id
    left join country_codes on documents.raw_country_code = country_codes.raw_code
    where not coalesce(extensions.is_temporary, false) and not coalesce(extensions.is_held, false)
)

select
    kept.* exclude (raw_country_code, raw_zipcode),
    kept.kind in ('Invoice', 'CreditNote') as is_revenue,
    {{ clean_postcode('kept.raw_zipcode', 'kept.country_code') }} as zipcode
from kept
