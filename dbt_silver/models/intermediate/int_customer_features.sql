{#
    Features of customers as of int_as_of: one row per customer, one column per feature. Only what is dated up to that day counts,
    and windows leave out their first day: the last 30 days of 31 March begin on 2 March.
-#}
with as_of as (select as_of from {{ ref('int_as_of') }}),

incidents as (
    select
        incidents.customer_id,
        dates.date_value as day
    from {{ ref('fact_incidents') }} as incidents
    inner join {{ ref('dim_date') }} as dates on incidents.creation_date_key = dates.date_id
),

sales as (
    select
        sales.customer_id,
        sales.document_id,
        sales.document_type = 'Invoice' as is_invoice,
        sales.net_amount_excl_tax as net,
        dates.date_value as day
    from {{ ref('fact_sales') }} as sales
    inner join {{ ref('dim_date') }} as dates on sales.date_key = dates.date_id
    cross join as_of
    where sales.document_type in ('Invoice', 'CreditNote') and dates.date_value <= as_of.as_of
),

sold as (
    select
        customer_id,
        {% for days in (30, 90) -%}
        coalesce(sum(net) filter (where day > as_of - {{ days }}), 0) as revenue_{{ days }},
        count(distinct document_id) filter (where is_invoice and day > as_of - {{ days }}) as orders_{{ days }},
        {% endfor -%}
        max(day) filter (where is_invoice) as last_order_date,
        case when bool_or(is_invoice) then sum(net) end as lifetime_revenue
    from sales
    cross join as_of
    group by all
),

-- Settled by that day: today's balance and what was paid later are still due. A credit note has no term to keep.
instalments as (
    select
        payments.third_id as customer_id,
        payments.commitment_id,
        max(payments.amount) as amount,
        max(payments.due_date) as due_date,
        max(payments.settlement_date) filter (where not payments.is_rejected and payments.settlement_date <= as_of)
            as paid_on,
        sum(payments.balance) + coalesce(sum(payments.assigned_amount + payments.financial_discount_amount) filter (
            where not payments.is_rejected and payments.settlement_date > as_of
        ), 0) as balance
    from {{ ref('fact_payments') }} as payments
    cross join as_of
    where payments.side = 'customer' and payments.amount > 0
    group by all
),

delays as (
    select
        customer_id,
        sum(cast(amount as double) * (paid_on - due_date)) / sum(cast(amount as double)) as delay_days
    from instalments
    cross join as_of
    where abs(balance) <= {{ parameter('paid_tolerance') }} and due_date is not null and paid_on > as_of - to_months(12)
    group by all
),

reported as (
    select
        customer_id,
        count(*) as incidents
    from incidents
    cross join as_of
    where day > as_of - to_months(12) and day <= as_of
    group by all
),

visited as (
    select
        visits.customer_id,
        count(*) filter (where visits.intervention_type = 'Repair') as repairs,
        avg(visits.customer_satisfaction_score) as satisfaction
    from {{ ref('fact_interventions') }} as visits
    inner join {{ ref('dim_date') }} as dates on visits.schedule_date_key = dates.date_id
    cross join as_of
    where visits.state = 'Done' and dates.date_value > as_of - to_months(12) and dates.date_value <= as_of
    group by all
)

select
    customers.customer_id as entity_key,
    coalesce(sold.revenue_30, 0) as revenue_last_30_days,
    coalesce(sold.revenue_90, 0) as revenue_last_90_days,
    coalesce(sold.orders_30, 0) as order_count_last_30_days,
    case when sold.orders_90 > 0 then cast(sold.revenue_90 as double) / sold.orders_90 end
        as avg_order_value_last_90_days,
    as_of.as_of - sold.last_order_date as days_since_last_order,
    sold.lifetime_revenue as total_lifetime_revenue,
    delays.delay_days as avg_payment_delay_days,
    -- No incident at all is a table that is not used: nothing is known, and repairs stand apart.
    case when (select count(*) from incidents) > 0 then coalesce(reported.incidents, 0) end as incident_count_last_year,
    coalesce(visited.repairs, 0) as repair_count_last_year,
    visited.satisfaction as satisfaction_score_avg,
    customers.segment
from {{ ref('dim_customer') }} as customers
cross join as_of
left join sold on customers.customer_id = sold.customer_id
left join delays on customers.customer_id = delays.customer_id
left join reported on customers.customer_id = reported.customer_id
left join visited on customers.customer_id = visited.customer_id
where customers.is_current and customers.customer_key not in ({{ member_key('unknown') }}, {{ member_key('orphan') }})
