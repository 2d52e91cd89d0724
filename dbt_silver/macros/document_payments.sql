{#
    document_payments(...): paid or not, and the day it became so, of each invoice and credit note of one side (S1, S2):
    today's state. `payable` is the column of `documents` that tells those two kinds. One rule for sales and purchases.
#}
{% macro document_payments(documents, commitments, settlements, associations, payable) -%}
with documents as (
    select * from {{ documents }}
    where {{ payable }}
),

all_documents as (
    select
        document_id,
        document_date
    from {{ documents }}
),

commitments as (
    select * from {{ commitments }}
    where document_id is not null
),

associations as (select * from {{ associations }}),

settlements as (
    select * from {{ settlements }}
    where not is_rejected
),

settled as (
    select
        commitments.document_id,
        settlements.settlement_date as event_date
    from associations
    inner join settlements on associations.settlement_id = settlements.settlement_id
    inner join commitments on associations.commitment_id = commitments.commitment_id
),

-- A set-off pays both documents on the day the later one exists, whichever of the two holds the association.
set_off as (
    select
        one_side.document_id,
        other_side.document_id as other_document_id,
        greatest(one_document.document_date, other_document.document_date) as event_date
    from associations
    inner join commitments as one_side on associations.commitment_id = one_side.commitment_id
    inner join commitments as other_side on associations.linked_commitment_id = other_side.commitment_id
    inner join all_documents as one_document on one_side.document_id = one_document.document_id
    inner join all_documents as other_document on other_side.document_id = other_document.document_id
    where associations.settlement_id is null
),

payment_events as (
    select
        document_id,
        event_date
    from settled
    union all
    select
        document_id,
        event_date
    from set_off
    union all
    select
        other_document_id as document_id,
        event_date
    from set_off
),

last_payments as (
    select
        document_id,
        max(event_date) as event_date
    from payment_events
    group by all
),

liquidations as (
    select
        document_id,
        max(liquidation_date) as liquidation_date
    from commitments
    group by all
)

select
    documents.document_id,
    abs(documents.balance_due) <= {{ parameter('paid_tolerance') }} as is_paid,
    case
        when abs(documents.balance_due) <= {{ parameter('paid_tolerance') }}
            then coalesce(last_payments.event_date, liquidations.liquidation_date)
    end as payment_date
from documents
left join last_payments on documents.document_id = last_payments.document_id
left join liquidations on documents.document_id = liquidations.document_id
{%- endmacro %}
