{#
    keeps_every_settlement: every payment of EBP is one row, with EBP's own amount and, unless it came back, EBP's own remainder.
    So the unallocated cash of silver is that of EBP, to the cent. Returns the payments that differ.
#}
{% test keeps_every_settlement(model) %}
    select
        coalesce(stored.settlement_id, facts.settlement_id) as settlement_id,
        stored.amount as stored_amount,
        facts.amount,
        stored.remaining_amount as stored_remainder,
        facts.unassigned_amount
    from {{ ref('stg_sale_settlement') }} as stored
    full outer join {{ model }} as facts on stored.settlement_id = facts.settlement_id
    where
        stored.amount is distinct from facts.amount
        or facts.unassigned_amount is distinct from case when stored.is_rejected then 0 else stored.remaining_amount end
{% endtest %}
