{{ config(tags=['quality']) }}
{#
    What EBP's own headers say per trade, kind and year, straight from the headers: gold.reconciliation holds the rows of
    the facts against it. Only signs (A8), kinds (K1) and what is left out (K3) are shared with the facts.
-#}
with documents as (
    {%- for side, facts in [('customer', 'sale'), ('supplier', 'purchase')] %}
    select
        '{{ side }}' as side,
        kind as document_type,
        document_date,
        sign_factor * coalesce(nullif(total_excl_tax, 0), amount_excl_tax_with_discount) as amount_excl_tax,
        sign_factor * vat_amount as vat_amount
    from {{ ref('int_' ~ facts ~ '_documents') }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

dated as (
    select
        documents.*,
        {{ date_key('documents.document_date') }} as date_key
    from documents
    cross join {{ ref('int_as_of') }}
)

select
    md5(concat_ws('|', side, document_type, greatest(date_key // 10000, 0))) as total_key,
    side,
    document_type,
    cast(greatest(date_key // 10000, 0) as integer) as document_year,
    count(*) as documents_count,
    {{ amount('sum(amount_excl_tax)') }} as amount_excl_tax,
    {{ amount('sum(vat_amount)') }} as vat_amount
from dated
group by all
