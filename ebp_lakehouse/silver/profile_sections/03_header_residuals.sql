-- The largest residuals of headers
-- Of the identities above that fail; years are those of the documents.
with identities as (
    select
        'sale' as side,
        *
    from intermediate.int_sale_header_identities
    union all
    select
        'purchase' as side,
        *
    from intermediate.int_purchase_header_identities
)

select
    side,
    kind,
    identity,
    failing_documents as failing,
    documents,
    largest_residual as largest,
    example,
    failing_years as years
from identities
where failing_documents > 0
order by failing_documents / documents desc, side desc, kind, identity
