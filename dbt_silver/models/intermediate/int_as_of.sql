{# One row: as-of of computed attributes (V4, V5), bounds of the calendar. Unchanged source, unchanged row. -#}
with documents as (
    select
        document_date,
        ingestion_date
    from {{ ref('stg_sale_document') }}
    union all
    select
        document_date,
        ingestion_date
    from {{ ref('stg_purchase_document') }}
),

newest as (
    select
        {% if var('as_of') is not none -%}
        cast({{ marked('as_of', var('as_of')) }} as date) as as_of,
        {% else -%}
        coalesce(
            max(document_date) filter (where document_date <= ingestion_date), max(ingestion_date), date '2000-01-01'
        ) as as_of,
        {% endif -%}
        min(document_date) as oldest
    from documents
)

select
    as_of,
    make_date(greatest(1900, least(year(as_of), coalesce(year(oldest), 9999))), 1, 1) as calendar_start,
    make_date(year(as_of) + 10, 12, 31) as calendar_end
from newest
