{#
    keeps_every_balance: the rows of each instalment carry its balance once, and no instalment is lost or added. Returns those
    that differ from EBP's own, in absolute amounts since credit notes are turned. Instalments of held tickets are no rows (K3).
#}
{% test keeps_every_balance(model) %}
    with stored as (
        select
            'customer' as side,
            commitments.commitment_id,
            abs(commitments.balance_due) as balance
        from {{ ref('stg_sale_commitment') }} as commitments
        left join {{ ref('int_sale_documents') }} as kept on commitments.document_id = kept.document_id
        left join {{ ref('stg_sale_document') }} as documents on commitments.document_id = documents.document_id
        where kept.document_id is not null or documents.document_id is null
        union all
        select
            'supplier' as side,
            commitment_id,
            abs(balance_due) as balance
        from {{ ref('stg_purchase_commitment') }}
    ),

    facts as (
        select
            side,
            commitment_id,
            abs(sum(balance)) as balance
        from {{ model }}
        group by all
    )

    select
        coalesce(stored.side, facts.side) as side,
        coalesce(stored.commitment_id, facts.commitment_id) as commitment_id,
        stored.balance as stored_balance,
        facts.balance
    from stored
    full outer join facts on stored.side = facts.side and stored.commitment_id = facts.commitment_id
    where stored.balance is distinct from facts.balance
{% endtest %}
