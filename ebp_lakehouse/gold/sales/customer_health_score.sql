-- gold.customer_health_score: one row per customer who bought in $health_months or has a contract, as of $as_of;
-- formulas in customer_health_score.py. The customer of a payment is the debtor (S5), of everything else the buyer.
with bounds as (
    select
        ($as_of - to_months($health_months))::date as health_after,
        ($as_of - to_months($interaction_months))::date as interactions_after,
        ($as_of - to_months($satisfaction_months))::date as satisfaction_after,
        ($as_of - to_months($payment_months))::date as payments_after
),

contracted as (
    select distinct customer_id
    from silver.dim_contract
    where
        start_date <= $as_of
        and (cancellation_date is null or cancellation_date >= $as_of)
        and (end_date is null or end_date >= $as_of or has_tacit_renewal)
),

customers as (
    select
        c.customer_key,
        c.customer_id,
        s.customer_segment,
        coalesce(s.abc_classification, 'C') as abc_classification,
        coalesce(s.rfm_recency, 1) as recency,
        coalesce(s.rfm_frequency, 1) as frequency,
        s.churn_probability,
        case
            when s.previous_revenue > 0
                then (s.total_revenue - s.previous_revenue)::double / s.previous_revenue::double * 100
        end as trend
    from silver.dim_customer as c
    cross join bounds as b
    left join computed.sales_by_customer as s using (customer_key)
    left join contracted as k on c.customer_id = k.customer_id
    where
        c.is_current
        and c.customer_id not in ('(unknown)', '(orphan)')
        and (s.last_order_date > b.health_after or k.customer_id is not null)
),

interactions as (
    select
        a.customer_id,
        count(*) as interactions
    from silver.fact_customer_activity as a
    inner join silver.dim_date as d on a.date_key = d.date_id
    cross join bounds as b
    where not a.is_automatic and d.date_value > b.interactions_after and d.date_value <= $as_of
    group by a.customer_id
),

visits as (
    select
        v.customer_id,
        avg(v.customer_satisfaction_score) filter (where coalesce(v.customer_satisfaction_date <= $as_of, true)) * 20
            as survey_score,
        count(*) filter (where v.state = 'Done') as visits,
        count(*) filter (where v.state = 'Done' and v.is_return_visit) as returns
    from silver.fact_interventions as v
    inner join silver.dim_date as d on v.schedule_date_key = d.date_id
    cross join bounds as b
    where d.date_value > b.satisfaction_after and d.date_value <= $as_of
    group by v.customer_id
),

reopenings as (
    select
        i.customer_id,
        sum(i.reopened_count) as reopened
    from silver.fact_incidents as i
    inner join silver.dim_date as d on i.creation_date_key = d.date_id
    cross join bounds as b
    where d.date_value > b.satisfaction_after and d.date_value <= $as_of
    group by i.customer_id
),

returned_goods as (  -- a credit note on a price, or on free text, is no complaint about quality
    select
        f.customer_id,
        count(distinct f.document_id) as credit_notes
    from silver.fact_sales as f
    inner join silver.dim_product as p using (product_key)
    inner join silver.dim_date as d on f.date_key = d.date_id
    cross join bounds as b
    where
        f.document_type = 'CreditNote'
        and f.quantity < 0
        and p.is_commercial_product
        and d.date_value > b.satisfaction_after
        and d.date_value <= $as_of
    group by f.customer_id
),

instalments as (  -- paid up to the day; or overdue on it, settled later or not
    select
        p.third_id as customer_id,
        p.settlement_date > b.payments_after as is_recent,
        coalesce(p.settlement_date <= $as_of, false) as is_settled,
        p.is_rejected,
        case when p.settlement_date is null then p.balance else p.assigned_amount end as amount,
        least(coalesce(p.settlement_date, $as_of), $as_of) - p.due_date as delay_days  -- negative: early
    from silver.fact_payments as p
    cross join bounds as b
    where
        p.side = 'customer'
        and p.amount > 0
        and p.due_date is not null
        and (p.settlement_date is not null or p.balance <> 0)  -- written off, or paid without a trace: nothing is owed
),

-- Who pays early is early on the mean (S3), but earns no points to spend on what was late.
payments as (
    select
        customer_id,
        sum(amount * greatest(delay_days, 0)) filter (where counts) / nullif(sum(amount) filter (where counts), 0)
            as mean_delay,
        sum(amount * delay_days) filter (where counts and is_settled)
        / nullif(sum(amount) filter (where counts and is_settled), 0) as settled_delay,
        coalesce(bool_or(not is_settled and delay_days > $long_overdue_days) filter (where counts), false)
            as is_long_overdue,
        count(*) filter (where is_rejected and is_settled and is_recent) as rejected
    from (
        select
            *,
            not is_rejected and (is_settled and is_recent or not is_settled and delay_days > 0) as counts
        from instalments
    ) as judged
    group by customer_id
),

measured as (
    select
        c.*,
        case when c.trend is not null then 50 + greatest(-50, least(50, c.trend)) end as trend_score,
        coalesce(i.interactions, 0) as interactions,
        percent_rank() over (order by coalesce(i.interactions, 0)) * 100 as interactions_score,
        coalesce(v.returns, 0) + coalesce(r.reopened, 0) + coalesce(g.credit_notes, 0) as complaints,
        v.survey_score,
        coalesce(v.visits, 0) > 0 as is_visited,
        p.mean_delay::double as mean_delay,
        p.settled_delay::double as settled_delay,
        coalesce(p.rejected, 0) as rejected,
        coalesce(p.is_long_overdue, false) as is_long_overdue
    from customers as c
    left join interactions as i using (customer_id)
    left join visits as v using (customer_id)
    left join reopenings as r using (customer_id)
    left join returned_goods as g using (customer_id)
    left join payments as p using (customer_id)
),

parts as (
    select
        *,
        (
            recency * 20.0 * $engagement_weight_recency
            + frequency * 20.0 * $engagement_weight_frequency
            + coalesce(trend_score * $engagement_weight_trend, 0)
            + interactions_score * $engagement_weight_interactions
        ) / (
            $engagement_weight_recency + $engagement_weight_frequency + $engagement_weight_interactions
            + case when trend_score is not null then $engagement_weight_trend else 0 end
        ) as engagement,
        case
            when survey_score is not null then survey_score
            when is_visited then greatest(0, 100 - $complaint_points * complaints)
        end as satisfaction,
        case
            when mean_delay is not null
                then greatest(
                    0,
                    100 - $late_day_points * mean_delay - $rejected_points * rejected
                    - case when is_long_overdue then $overdue_points else 0 end
                )
        end as payment,
        case
            when churn_probability >= $churn_high then 'High'
            when churn_probability >= $churn_medium then 'Medium'
            when churn_probability is not null then 'Low'
            when customer_segment in ('Lost', 'At Risk') then 'High'
            when recency <= $dormant_recency then 'Medium'
            else 'Low'
        end as risk
    from measured
),

judged as (
    select
        *,
        case
            when payment < $payment_alert then 'payment'
            when risk in ('High', 'Medium') then 'churn'
            when customer_segment = 'VIP' or trend >= $rising_percent then 'growth'
            else 'none'
        end as reason,
        $as_of + case risk
            when 'High' then $review_days_high
            when 'Medium' then $review_days_medium
            else $review_days_low
        end as review_from
    from parts
),

reviews as (
    select
        j.review_from,
        min(d.date_value) as review_date
    from (select distinct review_from from judged) as j
    inner join silver.dim_date as d on d.is_business_day and j.review_from <= d.date_value
    group by j.review_from
)

select
    j.customer_key,
    j.customer_id,
    $as_of as calculated_date,
    (
        $health_weight_engagement * j.engagement
        + coalesce($health_weight_satisfaction * j.satisfaction, 0)
        + coalesce($health_weight_payment * j.payment, 0)
    ) / (
        $health_weight_engagement
        + case when j.satisfaction is not null then $health_weight_satisfaction else 0 end
        + case when j.payment is not null then $health_weight_payment else 0 end
    ) as health_score,
    j.engagement as engagement_score,
    j.satisfaction as satisfaction_score,
    j.payment as payment_score,
    j.risk as churn_risk_level,
    case when j.churn_probability is not null then 'model' else 'segment' end as risk_source,
    case
        when j.reason = 'payment' then 'Contact'
        when j.reason = 'churn' and j.risk = 'High' and j.abc_classification in ('A', 'B') then 'Churn Prevention'
        when j.reason = 'churn' then 'Contact'
        when j.reason = 'growth' then 'Upsell'
        else 'Monitor'
    end as recommended_action,
    j.reason as action_reason,
    r.review_date as next_review_date,
    j.trend as revenue_trend_percent,
    j.trend_score as revenue_trend_score,
    j.interactions as interactions_count,
    j.interactions_score,
    case
        when j.survey_score is not null then 'survey'
        when j.is_visited then 'proxy'
    end as satisfaction_source,
    j.complaints as complaints_count,
    j.settled_delay as payment_delay_days,
    j.rejected as rejected_payments
from judged as j
left join reviews as r using (review_from)
order by j.customer_id
