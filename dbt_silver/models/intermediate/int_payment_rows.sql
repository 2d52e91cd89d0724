{#
    One row per instalment and assignment of both sides, signed (A8), and one for what is open or was never assigned.
    The balance stands on that last row only, so that balances can be summed. A set-off gives both instalments one row, on the
    later of the two documents' dates, whether EBP keeps it on one of them or on both. Instalments of held tickets are left
    out with their documents (K3).
-#}
{% set sides = {'customer': 'sale', 'supplier': 'purchase'} -%}
with {% for relation in ['commitment', 'settlement', 'settlement_commitment'] -%}
{{ relation }}s as (
    {%- for side, prefix in sides.items() %}
    select
        '{{ side }}' as side,
        *
    from {{ ref('stg_' ~ prefix ~ '_' ~ relation) }}
    {{ 'union all by name' if not loop.last }}
    {%- endfor %}
),

{% endfor -%}
documents as (
    select
        'customer' as side,
        document_id,
        document_date,
        sign_factor
    from {{ ref('int_sale_documents') }}
    union all
    select
        'supplier' as side,
        document_id,
        document_date,
        sign_factor
    from {{ ref('int_purchase_documents') }}
),

signs as (
    select
        'customer' as side,
        document_type,
        stored_sign
    from {{ ref('int_credit_note_sign') }}
    union all
    select
        'supplier' as side,
        document_type,
        stored_sign
    from {{ ref('int_purchase_sign') }}
),

left_out as (
    select stored.document_id
    from {{ ref('stg_sale_document') }} as stored
    anti join {{ ref('int_sale_documents') }} as kept on stored.document_id = kept.document_id
),

instalments as (
    select
        commitments.* exclude (amount, balance_due),
        documents.document_date,
        coalesce(documents.sign_factor, {{ sign_factor('signs.stored_sign', 'commitments.amount') }}) as factor,
        factor * commitments.amount as amount,
        factor * commitments.balance_due as balance
    from commitments
    left join documents on commitments.side = documents.side and commitments.document_id = documents.document_id
    left join signs
        on commitments.side = signs.side and commitments.document_type_code = signs.document_type
    where commitments.document_id is null or commitments.document_id not in (select document_id from left_out)
),

settled as (
    select
        associations.association_id,
        associations.side,
        associations.commitment_id,
        associations.settlement_id,
        settlements.settlement_date,
        settlements.payment_type_code,
        instalments.factor * associations.assigned_amount as assigned_amount,
        instalments.factor * associations.financial_discount as financial_discount,
        coalesce(settlements.is_rejected, false) as is_rejected,
        false as is_set_off,
        associations.is_doubtful
    from settlement_commitments as associations
    inner join instalments
        on associations.side = instalments.side and associations.commitment_id = instalments.commitment_id
    left join settlements
        on associations.side = settlements.side and associations.settlement_id = settlements.settlement_id
    where
        associations.settlement_id is not null
        or (associations.linked_commitment_id is null and associations.assigned_amount <> 0)
),

links as (
    select * from settlement_commitments
    where settlement_id is null and linked_commitment_id is not null
),

-- Kept on one side only: the other instalment gets the mirror of the row.
linked_both_ways as (
    select * from links
    union all by name
    select
        links.* exclude (commitment_id, linked_commitment_id),
        links.linked_commitment_id as commitment_id,
        links.commitment_id as linked_commitment_id
    from links
    anti join links as back
        on
            links.side = back.side
            and links.commitment_id = back.linked_commitment_id
            and links.linked_commitment_id = back.commitment_id
),

set_off as (
    select
        linked.association_id,
        linked.side,
        linked.commitment_id,
        greatest(
            coalesce(holder.document_date, holder.due_date), coalesce(other.document_date, other.due_date)
        ) as settlement_date,
        sign(holder.amount) * abs(linked.assigned_amount) as assigned_amount,
        0 as financial_discount,
        false as is_rejected,
        true as is_set_off,
        linked.is_doubtful
    from linked_both_ways as linked
    inner join instalments as holder
        on linked.side = holder.side and linked.commitment_id = holder.commitment_id
    inner join instalments as other
        on linked.side = other.side and linked.linked_commitment_id = other.commitment_id
),

assigned as (
    select * from settled
    union all by name
    select * from set_off
),

doubts as (
    select
        side,
        commitment_id,
        bool_or(is_doubtful) as is_doubtful
    from settlement_commitments
    group by all
),

assigned_commitments as (
    select distinct
        side,
        commitment_id
    from assigned
),

all_rows as (
    select
        *,
        0 as balance
    from assigned
    union all by name
    select
        instalments.side,
        instalments.commitment_id,
        0 as assigned_amount,
        0 as financial_discount,
        false as is_rejected,
        false as is_set_off,
        coalesce(doubts.is_doubtful, false) as is_doubtful,
        instalments.balance
    from instalments
    left join assigned_commitments
        on
            instalments.side = assigned_commitments.side
            and instalments.commitment_id = assigned_commitments.commitment_id
    left join doubts on instalments.side = doubts.side and instalments.commitment_id = doubts.commitment_id
    where instalments.balance <> 0 or assigned_commitments.commitment_id is null
)

select
    all_rows.association_id,
    all_rows.side,
    all_rows.commitment_id,
    all_rows.settlement_id,
    all_rows.settlement_date,
    all_rows.payment_type_code,
    {{ amount('all_rows.assigned_amount') }} as assigned_amount,
    {{ amount('all_rows.financial_discount') }} as financial_discount,
    {{ amount('all_rows.balance') }} as balance,
    all_rows.is_rejected,
    all_rows.is_set_off,
    all_rows.is_doubtful,
    {{ amount('instalments.amount') }} as amount,
    instalments.document_id,
    instalments.third_code,
    instalments.due_date,
    instalments.document_date,
    instalments.is_deposit,
    instalments.had_rejected_settlement,
    instalments.reminder_count,
    instalments.last_reminder_level
from all_rows
inner join instalments on all_rows.side = instalments.side and all_rows.commitment_id = instalments.commitment_id
