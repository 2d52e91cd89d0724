{# answers_reach_appointments: answers of satisfaction.csv about no appointment, nor an invoice that one is on. A warning. #}
{% test answers_reach_appointments(model) %}
    with answers as {{ user_file('satisfaction') }},

    events as (
        select upper(event_number) as number_match from {{ model }}
        where event_number is not null
    ),

    invoices as (
        select upper(documents.document_number) as number_match
        from {{ model }} as interventions
        inner join {{ ref('int_sale_documents') }} as documents on interventions.invoice_id = documents.document_id
        where documents.document_number is not null
    )

    select
        event_number,
        document_number,
        date,
        score
    from answers
    where
        case
            when event_number is not null then upper(event_number) not in (select number_match from events)
            else upper(document_number) not in (select number_match from invoices)
        end
{% endtest %}
