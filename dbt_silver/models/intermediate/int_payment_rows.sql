{#
    One row per instalment and assignment of both sides, signed (A8), and one for what is open or was never assigned.
    The balance stands on that last row only, so that balances can be summed. A set-off gives both instalments a row, on the
    later of the two documents' dates. Instalments of held tickets are left out with their documents (K3).
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

set_off_pairs as (
    select
        associations.*,
        greatest(
            coalesce(holder.document_date, holder.due_date), coalesce(other.document_date, other.due_date)
        ) as set_off_date,
        [holder.commitment_id, other.commitment_id] as commitment_ids,
        [sign(holder.amount), sign(other.amount)] as signs
    from settlement_commitments as associations
    inner join instalments as holder
        on associations.side = holder.side and associations.commitment_id = holder.commitment_id
    inner join instalments as other
        on associations.side = other.side and associations.linked_commitment_id = other.commitment_id
    where associations.settlement_id is null
),

set_off as (
    select
        set_off_pairs.association_id,
        set_off_pairs.side,
        set_off_pairs.commitment_ids[member.n] as commitment_id,
        cast(null as varchar) as settlement_id,
        set_off_pairs.set_off_date as settlement_date,
        cast(null as varchar) as payment_type_code,
        set_off_pairs.signs[member.n] * abs(set_off_pairs.assigned_amount) as assigned_amount,
        0 as financial_discount,
        false as is_rejected,
        true as is_set_off,
        set_off_pairs.is_doubtful
    from set_off_pairs
    cross join (select unnest([1, 2]) as n) as member
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
        on instalments.side = assigned_commitments.side
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
