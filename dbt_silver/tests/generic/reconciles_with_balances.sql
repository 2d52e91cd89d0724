{#
    reconciles_with_balances: per document that has instalments, Σ balance = the balance that EBP keeps on its header (H7), signed.
    With the instalments that have no document this makes Σ balances = Σ CommitmentsBalanceDue + those. Returns the documents
    that differ: EBP disagrees with itself there. A warning: nothing is adapted.
#}
{% test reconciles_with_balances(model) %}
    with headers as (
        select
            'customer' as side,
            document_id,
            document_number,
            sign_factor * balance_due as balance
        from {{ ref('int_sale_documents') }}
        union all
        select
            'supplier' as side,
            document_id,
            document_number,
            sign_factor * balance_due as balance
        from {{ ref('int_purchase_documents') }}
    ),

    facts as (
        select
            side,
            document_id,
            sum(balance) as balance
        from {{ model }}
        group by all
    )

    select
        headers.side,
        headers.document_number,
        headers.balance as header_balance,
        facts.balance
    from headers
    left join facts on headers.side = facts.side and headers.document_id = facts.document_id
    where headers.balance <> coalesce(facts.balance, 0)
{% endtest %}
