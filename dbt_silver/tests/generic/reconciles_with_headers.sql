{#
    reconciles_with_headers(side): the rows of each document add up to its header, to the cent, in HT, VAT and TTC (identity H8, L7, A5, A6).
    Returns the documents that do not, and those that have no row at all although their header or their lines have an amount.
#}
{% test reconciles_with_headers(model, side='sale') %}
    with facts as (
        select
            document_id,
            sum(net_amount_excl_tax) as net,
            sum(tax_amount) as tax,
            sum(net_amount_incl_tax) as incl_tax
        from {{ model }}
        where row_origin <> 'correction'
        group by all
    ),

    targets as (
        select distinct
            document_id,
            target_source
        from {{ ref('int_' ~ side ~ '_amounts') }}
        where row_origin <> 'correction'
    )

    select
        documents.document_number,
        documents.kind,
        documents.sign_factor * documents.total_excl_tax as header_net,
        facts.net,
        documents.sign_factor * documents.vat_amount as header_tax,
        facts.tax
    from {{ ref('int_' ~ side ~ '_documents') }} as documents
    left join targets on documents.document_id = targets.document_id
    left join facts on documents.document_id = facts.document_id
    where
        (
            coalesce(targets.target_source, 'total') = 'total'
            and coalesce(facts.net, 0) <> documents.sign_factor * documents.total_excl_tax
        )
        or (facts.document_id is null and targets.document_id is not null)
        or facts.tax <> documents.sign_factor * documents.vat_amount
        or (
            targets.target_source = 'total' and documents.other_tax_amount = 0
            and documents.amount_incl_tax = documents.total_excl_tax - documents.financial_discount_amount + documents.vat_amount
            and facts.incl_tax <> documents.sign_factor * documents.amount_incl_tax
        )
{% endtest %}
