-- gold.sales_by_customer: one row per customer ever invoiced or credited, as of $as_of; see sales_by_customer.py.
-- A customer is counted by the durable code of the version that the sale points at, so renamed codes and versions are
-- one (V1), and codes without a master are the orphan member: whoever is behind it is no customer to be ranked.
with bounds as (
    select
        ($as_of - to_months($sales_months) + interval 1 day)::date as period_start,
        ($as_of - to_months(2 * $sales_months) + interval 1 day)::date as previous_start,
        ($as_of - to_months($rfm_months) + interval 1 day)::date as rfm_start
),

customers as (
    select
        customer_key,
        customer_id,
        family_name,
        customer_id in ('(unknown)', '(orphan)') as is_member
    from silver.dim_customer
    where is_current
),

sales as (  -- K2: invoices and credit notes, nothing else
    select
        c.customer_id,
        f.document_id,
        f.document_type = 'Invoice' as is_invoice,
        f.net_amount_excl_tax as net,
        f.cost_amount as cost,
        d.date_value as document_date,
        d.date_value >= b.period_start as in_period,
        d.date_value >= b.previous_start and d.date_value < b.period_start as in_previous,
        d.date_value >= b.rfm_start as in_rfm
    from silver.fact_sales as f
    inner join silver.dim_customer as c using (customer_key)
    inner join silver.dim_date as d on f.date_key = d.date_id
    cross join bounds as b
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

totals as (
    select
        customer_id,
        count(distinct document_id) filter (where is_invoice and in_period) as total_orders,
        cents(coalesce(sum(net) filter (where in_period), 0)) as total_revenue,
        cents(coalesce(sum(cost) filter (where in_period), 0)) as total_cost,
        count(distinct document_id) filter (where is_invoice and in_previous) as previous_orders,
        cents(coalesce(sum(net) filter (where in_previous), 0)) as previous_revenue,
        count(distinct document_id) filter (where is_invoice and in_rfm) as rfm_orders,
        coalesce(sum(net) filter (where in_rfm), 0) as rfm_revenue,
        min(document_date) filter (where is_invoice) as first_order_date,
        max(document_date) filter (where is_invoice) as last_order_date,
        sum(net) as lifetime_revenue,
        sum(net - cost) as lifetime_margin
    from sales
    group by customer_id
),

gaps as (  -- two invoices of one day are one purchase
    select
        customer_id,
        document_date - lag(document_date) over (partition by customer_id order by document_date) as gap_days
    from (select distinct
        customer_id,
        document_date
    from sales where is_invoice) as invoice_days
),

own_gaps as (
    select
        customer_id,
        case when count(*) >= $gap_minimum_invoices then median(gap_days) end as median_gap
    from gaps
    group by customer_id
),

family_gaps as (
    select
        c.family_name,
        median(g.median_gap) as median_gap
    from own_gaps as g
    inner join customers as c using (customer_id)
    where not c.is_member and c.family_name is not null
    group by c.family_name
),

-- Ranks are whole numbers, so 5 x percent rank falls on the right side of each score (ties share a rank).
ranks as (
    select
        t.customer_id,
        count(*) over () - 1 as others,
        rank() over (order by t.last_order_date) - 1 as recency_rank,
        rank() over (order by t.rfm_orders) - 1 as frequency_rank,
        rank() over (order by t.rfm_revenue) - 1 as monetary_rank
    from totals as t
    inner join customers as c using (customer_id)
    where t.rfm_orders > 0 and not c.is_member
),

scores as (
    select
        customer_id,
        least(5, 1 + coalesce(5 * recency_rank // nullif(others, 0), 0))::integer as recency,
        least(5, 1 + coalesce(5 * frequency_rank // nullif(others, 0), 0))::integer as frequency,
        least(5, 1 + coalesce(5 * monetary_rank // nullif(others, 0), 0))::integer as monetary
    from ranks
),

scored as (
    select
        t.*,
        c.customer_key,
        c.is_member,
        $as_of - t.last_order_date as days_since,
        coalesce(o.median_gap, f.median_gap) as median_gap,
        coalesce(s.recency, 1) as recency,
        coalesce(s.frequency, 1) as frequency,
        coalesce(s.monetary, 1) as monetary,
        sum(t.total_revenue) over () as all_revenue,
        case when not c.is_member then row_number() over falling end as revenue_rank,
        case when not c.is_member then sum(t.total_revenue) over falling end as cumulated_revenue,
        sum(greatest(t.total_revenue, 0)) over (partition by c.is_member) as positive_revenue,
        sum(greatest(t.total_revenue, 0)) over falling - greatest(t.total_revenue, 0) as positive_before
    from totals as t
    inner join customers as c using (customer_id)
    left join own_gaps as o using (customer_id)
    left join family_gaps as f using (family_name)
    left join scores as s using (customer_id)
    window falling as (
        partition by c.is_member order by t.total_revenue desc, t.customer_id rows unbounded preceding
    )
)

select
    s.customer_key,
    s.customer_id,
    b.period_start as period_start_date,
    $as_of as period_end_date,
    s.total_orders,
    s.total_revenue,
    s.total_revenue - s.total_cost as total_margin,
    case
        when s.total_revenue > 0 then total_margin::double / s.total_revenue::double * 100
    end as margin_percent,
    case
        when s.total_orders > 0
            then cents(s.total_revenue / s.total_orders)
    end as average_order_value,
    case when s.all_revenue > 0 then s.total_revenue::double / s.all_revenue::double * 100 end as revenue_share_percent,
    case
        when s.all_revenue > 0 then s.cumulated_revenue::double / s.all_revenue::double * 100
    end as cumulated_share_percent,
    s.revenue_rank,
    case
        when s.is_member then null
        when s.total_revenue <= 0 then 'C'
        when s.positive_before < $segment_cut_a * s.positive_revenue then 'A'
        when s.positive_before < $segment_cut_b * s.positive_revenue then 'B'
        else 'C'
    end as abc_classification,
    s.previous_orders,
    s.previous_revenue,
    s.first_order_date,
    s.last_order_date,
    s.days_since as days_since_last_order,
    coalesce($as_of - s.first_order_date <= $new_customer_days, false) as is_new,
    s.median_gap as median_gap_days,
    s.recency as rfm_recency,
    s.frequency as rfm_frequency,
    s.monetary as rfm_monetary,
    concat(s.recency, s.frequency, s.monetary) as rfm_score,
    case
        when s.days_since is null then null
        when s.days_since > greatest($lost_days, $lost_gaps * s.median_gap) then 'Lost'
        when
            s.days_since > greatest($at_risk_days, $at_risk_gaps * s.median_gap)
            and greatest(s.frequency, s.monetary) >= $at_risk_score then 'At Risk'
        when s.recency <= $dormant_recency and s.monetary >= $vip_score then 'At Risk'
        when least(s.recency, s.frequency, s.monetary) >= $vip_score then 'VIP'
        else 'Regular'
    end as customer_segment,
    case
        when s.last_order_date is not null and not s.is_member
            then cents(s.lifetime_revenue)
    end as lifetime_value,
    case
        when s.last_order_date is not null and not s.is_member
            then cents(s.lifetime_margin)
    end as lifetime_margin,
    null::double as churn_probability,
    null::bigint as next_order_prediction_days
from scored as s
cross join bounds as b
order by s.customer_id
