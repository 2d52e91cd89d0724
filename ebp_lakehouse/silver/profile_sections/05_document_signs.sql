-- How credit notes and returns are stored
-- "per_document": too few or mixed, each is judged by its own amount. A line pasted into the seed ends the measuring.
with signs as (
    select
        'sale' as side,
        *
    from intermediate.int_credit_note_sign
    union all
    select
        'purchase' as side,
        *
    from intermediate.int_purchase_sign
)

select
    side,
    document_type as code,
    signs.kind,
    measured_documents as measured,
    round(100 * negative_share, 1) as "negative %",
    signs.stored_sign as "stored",
    case when is_override then 'seed' else 'measured' end as "decided by",
    case
        when is_override or signs.stored_sign = 'per_document' then []
        when side = 'sale'
            then [proposal(
                'credit_note_sign.csv',
                concat(document_type, ',', signs.stored_sign, ',high,measured on ', measured_documents, ' documents')
            )]
        else [proposal(
            'purchase_document_kind.csv',
            concat(
                document_type,
                ',',
                signs.kind,
                ',',
                kinds.is_measured_sign,
                ',',
                signs.stored_sign,
                ',',
                kinds.confidence,
                ',',
                csv_field(kinds.note)
            ),
            concat(document_type, ',', signs.kind)
        )]
    end as proposals
from signs
left join seeds.purchase_document_kind as kinds using (document_type)
order by side desc, document_type
