{#
    settlements_add_up: payments that EBP splits into more or less than their amount. A deposit is not judged: it may be taken off
    the amount due of its invoice instead of settling an instalment. A warning: nothing is adapted.
#}
{% test settlements_add_up(model) %}
    select
        settlement_id,
        settlement_date,
        amount,
        assigned_amount,
        unassigned_amount
    from {{ model }}
    where
        not is_rejected and not is_deposit
        and abs(amount - assigned_amount - unassigned_amount) > {{ parameter('paid_tolerance') }}
{% endtest %}
