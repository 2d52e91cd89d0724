-- Headers that disagree with themselves
-- Documents of each kind on which an identity of the header fails by more than a cent (H1 to H8 of the rules).
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
    max(documents) as documents,
    any_value(failing_documents) filter (where identity like 'H1%') as "H1",
    any_value(failing_documents) filter (where identity like 'H2%') as "H2",
    any_value(failing_documents) filter (where identity like 'H3%') as "H3",
    any_value(failing_documents) filter (where identity like 'H4%') as "H4",
    any_value(failing_documents) filter (where identity like 'H5%') as "H5",
    any_value(failing_documents) filter (where identity like 'H6%') as "H6",
    any_value(failing_documents) filter (where identity like 'H7%') as "H7",
    any_value(failing_documents) filter (where identity like 'H8%') as "H8"
from identities
group by all
order by side desc, kind
