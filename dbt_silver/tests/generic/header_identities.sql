{#
    header_identities(side): H1 to H7 of semantics §1.4, on the headers behind the model. One row per identity and kind that fails on
    more than 1 % of its documents, with an example. A warning: nothing is adapted silently.
#}
{% test header_identities(model, side='sale') %}
    with documents as (
        select * from {{ ref('int_' ~ side ~ '_documents') }}
        where document_id in (select document_id from {{ model }})
    ),

    commitments as (
        select
            document_id,
            sum(amount) as amount,
            sum(balance_due) as balance_due
        from {{ ref('stg_' ~ side ~ '_commitment') }}
        group by all
    ),

    residuals as (
        select
            documents.kind,
            documents.document_number,
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
                }
            ], recursive := true)
        from documents
        left join commitments on documents.document_id = commitments.document_id
    )

    select
        identity,
        kind,
        count(*) filter (where abs(residual) > 0.01) as failing_documents,
        count(*) as documents,
        max(abs(residual)) as largest_residual,
        arg_max(document_number, abs(residual)) as example
    from residuals
    group by all
    having count(*) filter (where abs(residual) > 0.01) > 0.01 * count(*)
{% endtest %}
