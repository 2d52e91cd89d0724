{{ config(tags=['fact']) }}
{# What became of a quote; its amounts, customer and salesperson are those of its rows of fact_sales. -#}
with quotes as (select * from {{ ref('int_quotes') }}),

documents as (select * from {{ ref('int_sale_documents') }}),

bounds as (select * from {{ ref('int_as_of') }})

select
    quotes.document_id,
    quotes.quote_id,
    documents.document_number,
    {{ date_key('documents.document_date', 'bounds.calendar_start', 'bounds.calendar_end') }} as date_key,
    documents.revision,
    quotes.is_last_revision,
    documents.is_mailed,
    documents.valid_until_date,
    documents.accepted_date,
    quotes.converted_date,
    quotes.converted_kind,
    quotes.converted_share
from quotes
inner join documents on quotes.document_id = documents.document_id
cross join bounds
