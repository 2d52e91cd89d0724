{#
    header_residuals(side): H1 to H8 of semantics §1.4 per kind of document of one side, sale or purchase: how many documents have a
    header that disagrees with itself by more than a cent, the worst of them, and in which years. Nothing is adapted.

    H3 and the instalments (H6, H7) are judged where EBP filled them. H8 reads the rest that no line nor header amount explains (L6).
#}
{% macro header_residuals(side) -%}
with documents as (select * from {{ ref('int_' ~ side ~ '_documents') }}),

commitments as (
    select
        document_id,
        sum(amount) as amount,
        sum(balance_due) as balance_due
    from {{ ref('stg_' ~ side ~ '_commitment') }}
    group by all
),

unexplained as (
    select
        document_id,
        sum(net) as net
    from {{ ref('int_' ~ side ~ '_amounts') }}
    where member = 'ECART' and row_origin = 'header'
    group by all
),

residuals as (
    select
        documents.kind,
        documents.document_number,
        year(documents.document_date) as document_year,
        unnest([
            {
                identity: 'H1 with discount = before discount - discount',
                residual: amount_excl_tax_with_discount - amount_excl_tax + discount_amount
            },
            {
                identity: 'H2 total = with discount + shipping + charges (+ ecotax)',
                residual: case
                    when total_excl_tax - amount_excl_tax_with_discount - shipping_amount - charges_amount = ecotax_amount then 0
                    else total_excl_tax - amount_excl_tax_with_discount - shipping_amount - charges_amount
                end
            },
            {
                identity: 'H3 total without ecotax = total - ecotax',
                residual: case
                    when total_without_ecotax <> 0 then total_without_ecotax - total_excl_tax + ecotax_amount else 0
                end
            },
            {
                identity: 'H4 incl. tax = total - escompte + VAT + other taxes',
                residual: amount_incl_tax - total_excl_tax + financial_discount_amount - vat_amount - other_tax_amount
            },
            {
                identity: 'H5 due = incl. tax - deposit',
                residual: total_due_amount - amount_incl_tax + deposit_amount
            },
            {
                identity: 'H6 instalments = due',
                residual: case when commitments.document_id is not null then commitments.amount - total_due_amount else 0 end
            },
            {
                identity: 'H7 balances of instalments = balance of the document',
                residual: case when commitments.document_id is not null then commitments.balance_due - documents.balance_due else 0 end
            },
            {
                identity: 'H8 lines + header amounts = total',
                residual: coalesce(unexplained.net, 0)
            }
        ], recursive := true)
    from documents
    left join commitments on documents.document_id = commitments.document_id
    left join unexplained on documents.document_id = unexplained.document_id
),

by_year as (
    select
        kind,
        identity,
        document_year,
        count(*) as documents,
        count(*) filter (where abs(residual) > 0.01) as failing_documents,
        max(abs(residual)) as largest_residual,
        arg_max(document_number, abs(residual)) as example
    from residuals
    group by all
)

select
    kind,
    identity,
    cast(sum(documents) as bigint) as documents,
    cast(sum(failing_documents) as bigint) as failing_documents,
    max(largest_residual) as largest_residual,
    case when max(largest_residual) > 0.01 then arg_max(example, largest_residual) end as example,
    string_agg(document_year || ': ' || failing_documents, ', ' order by document_year)
        filter (where failing_documents > 0) as failing_years
from by_year
group by all
{%- endmacro %}
