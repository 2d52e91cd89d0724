-- gold.monthly_kpi: one row per month from the first document to $as_of (the running month up to it); formulas in
-- monthly_kpi.py. Figures that a day has already are sums of gold.sales_daily_kpi and gold.interventions_daily_kpi.
with days as (
    select
        d.date_id,
        d.date_value,
        d.fiscal_year,
        d.is_business_day,
        (d.year * 12 + d.month)::integer as month_number,
        s.total_revenue_excl_tax as revenue
    from computed.sales_daily_kpi as s
    inner join silver.dim_date as d using (date_id)
),

-- Sums up to each day: what lies between two days is their difference. The days have no gap.
running as (
    select
        *,
        sum(revenue) over fiscal_to_date as fiscal_revenue,
        count_if(is_business_day) over fiscal_to_date as fiscal_business_days,
        sum(revenue) over to_date as revenue_to_date,
        count_if(is_business_day) over to_date as business_days_to_date
    from days
    window
        fiscal_to_date as (partition by fiscal_year order by date_value),
        to_date as (order by date_value)
),

fiscal_years as (
    select
        fiscal_year,
        min(date_value) as first_day
    from silver.dim_date
    group by fiscal_year
),

-- The last day of each month.
months as (
    select
        r.month_number,
        r.date_value as last_day,
        strftime(r.date_value, '%Y-%m') as period,
        r.fiscal_revenue,
        r.fiscal_business_days as business_days,
        r.revenue_to_date - coalesce(a.revenue_to_date, 0) as rolling_revenue,
        y.first_day as fiscal_start
    from running as r
    left join running as a on (r.date_value - interval 12 months)::date = a.date_value
    left join fiscal_years as y on r.fiscal_year = y.fiscal_year
    qualify row_number() over (partition by r.month_number order by r.date_value desc) = 1
),

-- Fiscal year to date, the same dates one year before: a fiscal year may be long or short.
before as (
    select
        m.month_number,
        e.revenue_to_date - coalesce(s.revenue_to_date, 0) as fiscal_revenue,
        e.business_days_to_date - coalesce(s.business_days_to_date, 0) as business_days
    from months as m
    inner join running as e on (m.last_day - interval 1 year)::date = e.date_value
    left join running as s on (m.fiscal_start - interval 1 year)::date - 1 = s.date_value
    where m.fiscal_start is not null
),

sales as (
    select
        d.month_number,
        sum(s.total_revenue_excl_tax) as revenue,
        sum(s.total_margin) as margin,
        sum(s.total_cost) as cost,
        sum(s.gross_invoiced) as gross_invoiced,
        sum(s.credit_notes_amount) as credit_notes,
        sum(s.order_intake_excl_tax) as order_intake,
        sum(s.new_customers_count) as new_customers
    from computed.sales_daily_kpi as s
    inner join days as d using (date_id)
    group by d.month_number
),

lines as (
    select
        f.*,
        d.date_value as document_date,
        (d.year * 12 + d.month)::integer as month_number
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

-- Order lines by the month they were promised for; what is promised for later than the day is not due yet.
promises as (
    select
        strftime(f.promised_date, '%Y-%m') as period,
        count(*) as due,
        count(*) filter (
            where f.complete_delivery_date <= least(f.promised_date + $on_time_tolerance_days, $as_of)
        ) as kept
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where
        f.document_type = 'Order' and f.row_origin = 'line' and f.quantity > 0
        and f.promised_date <= $as_of and d.date_value <= $as_of
    group by all
),

quotes as (
    select
        strftime(quote_date, '%Y-%m') as period,
        count(*) filter (where is_mature) as mature,
        count(*) filter (where is_mature and converted_date is not null) as converted,
        sum(amount_excl_tax) filter (where is_mature) as amount,
        sum(converted_amount) filter (where is_mature) as converted_amount,
        median(days_to_conversion) as days
    from computed.quote_funnel
    group by all
),

-- All rows of a document have its survey's dates, and an order may hand them on to its deliveries and invoice: what one
-- customer is sent on one day is one survey, whatever the kinds of its documents.
surveys as (
    select
        strftime(sent_date, '%Y-%m') as period,
        count(*) as sent,
        count(*) filter (where returned_date <= $as_of) as returned
    from (
        select
            f.survey_sent_date as sent_date,
            min(f.survey_returned_date) as returned_date
        from silver.fact_sales as f
        inner join silver.dim_date as d on f.date_key = d.date_id
        where f.survey_sent_date <= $as_of and d.date_value <= $as_of
        group by f.survey_sent_date, coalesce(upper(f.customer_id), f.document_id)
    )
    group by all
),

shares as (
    select
        month_number,
        sum(net_amount_excl_tax) filter (where contract_id is not null) as recurring,
        sum(net_amount_excl_tax) filter (where is_cost_missing) as without_cost,
        sum(discount_amount) filter (where document_type = 'Invoice' and row_origin = 'line') as discount,
        sum(net_amount_excl_tax + discount_amount) filter (where document_type = 'Invoice' and row_origin = 'line')
            as gross
    from lines
    group by month_number
),

-- A code is a customer, with or without a master; where none is named there is none.
customer_days as (
    select
        upper(customer_id) as customer_match,
        document_date,
        count(*) filter (where document_type = 'Invoice') > 0 as is_invoiced,
        sum(net_amount_excl_tax) as revenue
    from lines
    where customer_id is not null
    group by all
),

-- Of each month and customer: was it invoiced in the 12 months before the 12 to its last day, and again in these?
loyalty as (
    select
        m.month_number,
        c.customer_match,
        bool_or(c.is_invoiced and c.document_date <= m.last_day - interval 12 months) as was_customer,
        bool_or(c.is_invoiced and c.document_date > m.last_day - interval 12 months) as is_customer,
        sum(c.revenue) filter (where c.document_date <= m.last_day - interval 12 months) as revenue_before
    from months as m
    inner join customer_days as c
        on m.last_day >= c.document_date and m.last_day - interval 24 months < c.document_date
    group by all
),

retention as (
    select
        month_number,
        count(*) filter (where is_customer) as active_customers,
        count(*) filter (where was_customer and is_customer)::double / nullif(count(*) filter (where was_customer), 0)
            as retention_rate,
        sum(revenue_before) filter (where was_customer and not is_customer) as lost_revenue,
        sum(revenue_before) filter (where was_customer) as revenue_before
    from loyalty
    group by month_number
),

purchases as (
    select
        (d.year * 12 + d.month)::integer as month_number,
        sum(f.net_amount_excl_tax) as amount
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
    group by all
),

-- What the month's purchases cost against what they would have cost at the prices of a year before.
prices as (
    select
        period,
        sum(amount)::double / nullif(sum(amount::double / (1 + variation_12_months_percent / 100)), 0) * 100
            as price_index
    from computed.purchase_price_trend
    where variation_12_months_percent > -100
    group by period
),

settlements as (
    select
        (d.year * 12 + d.month)::integer as month_number,
        sum(f.amount) filter (where not f.is_rejected) as collected,
        sum(f.amount) filter (where f.is_rejected) as rejected,
        sum(f.amount) as paid
    from silver.fact_settlements as f
    inner join silver.dim_date as d on f.settlement_date_key = d.date_id
    where d.date_value <= $as_of
    group by all
),

adjustments as (
    select
        (d.year * 12 + d.month)::integer as month_number,
        sum(f.cost_amount) as amount
    from silver.fact_stock_movements as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.movement_kind = 'Inventory' and d.date_value <= $as_of
    group by all
),

-- Whether movements of inventories are told from others at all.
inventories as (
    select count(*) > 0 as is_told
    from silver.fact_stock_movements
    where movement_kind = 'Inventory'
),

stock as (
    select
        m.month_number,
        sum(f.stock_value) as amount
    from silver.fact_inventory as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join months as m on d.date_value = m.last_day
    group by all
),

visits as (
    select
        (d.year * 12 + d.month)::integer as month_number,
        sum(i.total_interventions_count) as planned,
        sum(i.interventions_completed_count) as completed,
        sum(i.interventions_cancelled_count) as cancelled,
        sum(i.interventions_rescheduled_count) as rescheduled,
        sum(i.interventions_overdue_count) as overdue
    from computed.interventions_daily_kpi as i
    inner join silver.dim_date as d using (date_id)
    group by all
),

-- Of a month, not the mean of its days: a day of one appointment does not weigh as much as one of twenty.
service as (
    select
        strftime(d.date_value, '%Y-%m') as period,
        median(f.time_to_intervention_hours) as median_hours,
        quantile_cont(f.time_to_intervention_hours, 0.9) as p90_hours,
        avg(f.sla_met_flag::integer) as sla_met,
        avg(f.customer_satisfaction_score) filter (where coalesce(f.customer_satisfaction_date <= $as_of, true))
            as satisfaction
    from silver.fact_interventions as f
    inner join silver.dim_date as d on f.schedule_date_key = d.date_id
    where d.date_value <= $as_of
    group by all
),

contracts as (
    select
        m.month_number,
        count(*) filter (
            where c.start_date <= m.last_day and coalesce(c.cancellation_date, date '9999-12-31') >= m.last_day
            and (c.has_tacit_renewal or coalesce(c.end_date, date '9999-12-31') >= m.last_day)
        ) as active
    from months as m
    cross join silver.dim_contract as c
    where c.start_date is not null
    group by m.month_number
),

-- The ends of terms: a renewal moves the end of the contract and leaves the end of the term before it.
terms as (
    select
        last_renewal_date as ended_on,
        true as is_renewed,
        null as cancellation_date
    from silver.dim_contract
    where start_date is not null and last_renewal_date is not null
    union all
    select
        end_date,
        has_tacit_renewal,
        cancellation_date
    from silver.dim_contract
    where start_date is not null and end_date is not null and end_date is distinct from last_renewal_date
),

renewals as (
    select
        m.month_number,
        count(*) as ended,
        count(*) filter (where t.is_renewed and coalesce(t.cancellation_date > m.last_day, true)) as renewed
    from months as m
    inner join terms as t
        on m.month_number = year(t.ended_on) * 12 + month(t.ended_on) and m.last_day >= t.ended_on
    group by m.month_number
)

select
    m.period,
    m.last_day,
    cents(coalesce(s.revenue, 0)) as revenue_excl_tax,
    cents(coalesce(s.margin, 0)) as margin,
    case when s.cost > 0 then s.margin::double / s.cost::double * 100 end as markup_percent,
    case when s.revenue > 0 then coalesce(h.without_cost, 0)::double / s.revenue::double * 100 end
        as revenue_without_cost_percent,
    case when s.gross_invoiced > 0 then (0 - s.credit_notes)::double / s.gross_invoiced::double * 100 end
        as credit_note_rate_percent,
    cents(m.fiscal_revenue) as revenue_fiscal_ytd,
    cents(b.fiscal_revenue) as revenue_fiscal_ytd_before,
    case when b.fiscal_revenue > 0 then (m.fiscal_revenue / b.fiscal_revenue::double - 1) * 100 end
        as growth_percent,
    case
        when b.fiscal_revenue > 0 and m.business_days > 0 and b.business_days > 0
            then
                (m.fiscal_revenue::double / m.business_days)
                / (b.fiscal_revenue::double / b.business_days) * 100 - 100
    end as growth_per_business_day_percent,
    cents(m.rolling_revenue) as revenue_12_months,
    case when s.revenue > 0 then s.order_intake::double / s.revenue::double end as book_to_bill,
    case when u.mature > 0 then u.converted / u.mature * 100 end as quote_conversion_percent,
    case when u.amount > 0 then u.converted_amount::double / u.amount::double * 100 end
        as quote_conversion_value_percent,
    u.days as median_days_to_conversion,
    coalesce(o.due, 0) as order_lines_due_count,
    case when o.due > 0 then o.kept / o.due * 100 end as customer_service_percent,
    case when h.gross > 0 then h.discount::double / h.gross::double * 100 end as discount_rate_percent,
    coalesce(s.new_customers, 0)::bigint as new_customers_count,
    coalesce(r.active_customers, 0) as active_customers_count,
    r.retention_rate * 100 as retention_rate_percent,
    (1 - r.retention_rate) * 100 as churn_rate_percent,
    case when r.revenue_before > 0 then coalesce(r.lost_revenue, 0)::double / r.revenue_before::double * 100 end
        as lost_revenue_percent,
    case when s.revenue > 0 then coalesce(h.recurring, 0)::double / s.revenue::double * 100 end
        as recurring_share_percent,
    cents(coalesce(t.collected, 0)) as cash_collected,
    case when t.paid > 0 then coalesce(t.rejected, 0)::double / t.paid::double * 100 end
        as rejected_payment_rate_percent,
    coalesce(e.vat_due_estimate, 0)::decimal(18, 2) as vat_due_estimate,
    cents(coalesce(p.amount, 0)) as purchases_excl_tax,
    q.price_index as purchase_price_index,
    case when n.is_told then cents(coalesce(a.amount, 0)) end as inventory_adjustment,
    case when n.is_told and k.amount > 0 then coalesce(a.amount, 0)::double / k.amount::double * 100 end
        as inventory_adjustment_percent,
    case
        when v.completed + v.cancelled + v.overdue > 0
            then v.completed::double / (v.completed + v.cancelled + v.overdue)::double * 100
    end as schedule_completion_percent,
    case when v.planned > 0 then v.cancelled::double / v.planned::double * 100 end as cancellation_rate_percent,
    case when v.planned > 0 then v.rescheduled::double / v.planned::double * 100 end as reschedule_rate_percent,
    i.median_hours as median_time_to_intervention_hours,
    i.p90_hours as p90_time_to_intervention_hours,
    i.sla_met * 100 as sla_compliance_percent,
    i.satisfaction as avg_customer_satisfaction,
    coalesce(x.sent, 0) as surveys_sent_count,
    case when x.sent > 0 then x.returned / x.sent * 100 end as survey_return_percent,
    coalesce(c.active, 0) as active_contracts_count,
    case when w.ended > 0 then w.renewed::double / w.ended * 100 end as renewal_rate_percent
from months as m
cross join inventories as n
left join before as b using (month_number)
left join sales as s using (month_number)
left join shares as h using (month_number)
left join retention as r using (month_number)
left join purchases as p using (month_number)
left join computed.vat_due as e using (period)
left join prices as q using (period)
left join quotes as u using (period)
left join promises as o using (period)
left join surveys as x using (period)
left join service as i using (period)
left join settlements as t using (month_number)
left join adjustments as a using (month_number)
left join stock as k using (month_number)
left join visits as v using (month_number)
left join contracts as c using (month_number)
left join renewals as w using (month_number)
order by m.period
