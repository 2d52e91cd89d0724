-- Kinds of documents
-- Amounts are the headers' totals HT as stored. A code that no seed knows is Other: in no revenue and in no spend.
with documents as (
    select
        'sale' as side,
        document_type_code as code,
        document_number,
        total_excl_tax
    from staging.stg_sale_document
    union all
    select
        'purchase' as side,
        document_type_code as code,
        document_number,
        total_excl_tax
    from staging.stg_purchase_document
),

kinds as (
    select
        'sale' as side,
        document_type as code,
        kind,
        confidence
    from seeds.document_kind
    union all
    select
        'purchase' as side,
        document_type as code,
        kind,
        confidence
    from seeds.purchase_document_kind
),

counted as (
    select
        side,
        code,
        count(*) as documents,
        mode(regexp_extract(document_number, '^[^0-9]+')) as prefix,
        min(total_excl_tax) as smallest,
        max(total_excl_tax) as largest
    from documents
    group by all
),

-- Numbers give a name to kinds that are no revenue; that a document is an invoice or credit note, a person must say.
guessed as (
    select
        *,
        case
            when prefix like 'DE%' or prefix like 'DV%' then 'Quote'
            when prefix like 'CM%' or prefix like 'CC%' or prefix like 'CF%' then 'Order'
            when prefix like 'BL%' and side = 'sale' then 'Delivery'
            when prefix like 'BL%' then 'Receipt'
            else 'Other'
        end as guess,
        csv_field(concat('seen: ', documents, '; numbers begin with ', coalesce(prefix, '?'))) as note
    from counted
)

select
    side,
    code,
    coalesce(kind, 'Other') as kind,
    coalesce(confidence, 'not in seed') as confidence,
    documents,
    prefix,
    smallest,
    largest,
    case
        when code is null or kind is not null then []
        when side = 'sale' then [proposal('document_kind.csv', concat(code, ',', guess, ',false,false,low,', note))]
        else [proposal('purchase_document_kind.csv', concat(code, ',', guess, ',false,,low,', note))]
    end as proposals
from guessed
left join kinds using (side, code)
order by side desc, code
