-- gold.company_position: where the company stands on the evening of $as_of, one row; formulas in company_position.py.
with sales as (
    select
        f.*,
        d.date_value as document_date,
        i.date_value as invoice_date
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    left join silver.dim_date as i on f.invoice_date_key = i.date_id
    where d.date_value <= $as_of
),

-- What no invoice had reached on that day: whole where the first invoice came later, else what EBP says remains.
open_documents as (
    select
        coalesce(sum(case
            when invoice_date > $as_of then net_amount_excl_tax
            else net_unit_price_excl_tax * greatest(0, remaining_quantity_to_invoice)
        end) filter (where document_type = 'Order'), 0) as backlog,
        coalesce(sum(net_amount_excl_tax) filter (
            where document_type in ('Delivery', 'Return') and coalesce(invoice_date > $as_of, true)
        ), 0) as delivered_not_invoiced
    from sales
),

turnover as (
    select
        sum(net_amount_excl_tax) as revenue,
        sum(net_amount_incl_tax) as revenue_incl_tax,
        count(distinct upper(customer_id)) filter (where document_type = 'Invoice') as active_customers
    from sales
    where document_type in ('Invoice', 'CreditNote') and document_date > $as_of - interval 12 months
),

customers as (
    select
        sum(total_revenue) filter (where revenue_rank <= $concentration_customers) as of_the_largest,
        sum(total_revenue) as revenue
    from computed.sales_by_customer
),

risks as (
    select
        count(*) as customers,
        coalesce(sum(c.total_revenue), 0) as revenue
    from computed.customer_health_score as h
    inner join computed.sales_by_customer as c using (customer_key)
    where h.churn_risk_level = 'High'
),

receivables as (
    select
        coalesce(sum(receivables), 0) as receivables,
        coalesce(sum(overdue), 0) as overdue,
        count(*) filter (where credit_limit_use > 1) as over_limit,
        coalesce(sum(receivables - credit_limit) filter (where credit_limit_use > 1), 0) as over_limit_amount
    from computed.receivables_ageing
),

days as (
    select
        document_date as day,
        sum(net_amount_incl_tax) as amount
    from sales
    where document_type in ('Invoice', 'CreditNote')
    group by document_date
),

absorbed as (
    select max(d.day) as day
    from (select
        day,
        sum(amount) over (order by day desc) as amount
    from days) as d
    cross join receivables as r
    where d.amount >= r.receivables and r.receivables > 0
),

settlements as (
    select coalesce(sum(amount), 0) as collected
    from silver.fact_settlements
    where settlement_date = $as_of and not is_rejected
),

-- Deposits that settle nothing yet, and those that by now settle a document which did not exist on that day.
deposits as (
    select coalesce(sum(amount), 0) as amount
    from (
        select unassigned_amount as amount
        from silver.fact_settlements
        where is_deposit and settlement_date <= $as_of and not is_rejected
        union all
        select p.assigned_amount as amount
        from silver.fact_payments as p
        inner join silver.fact_settlements as s on p.settlement_id = s.settlement_id
        where
            s.is_deposit and p.side = 'customer' and p.document_date > $as_of and p.settlement_date <= $as_of
            and not p.is_rejected
    )
),

reminders as (
    select
        count(*) as instalments,
        coalesce(sum(balance), 0) as amount,
        count(*) filter (where level <= 1) as instalments_1,
        coalesce(sum(balance) filter (where level <= 1), 0) as amount_1,
        count(*) filter (where level = 2) as instalments_2,
        coalesce(sum(balance) filter (where level = 2), 0) as amount_2,
        count(*) filter (where level >= 3) as instalments_3,
        coalesce(sum(balance) filter (where level >= 3), 0) as amount_3
    from (
        select
            balance,
            coalesce(last_reminder_level, 1) as level
        from computed.open_instalments
        where side = 'customer' and balance > 0 and reminder_count > 0
    )
),

payables as (
    select coalesce(sum(balance), 0) as amount
    from computed.open_instalments
    where side = 'supplier'
),

purchases as (
    select
        f.*,
        d.date_value as document_date
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where d.date_value <= $as_of
),

spend as (
    select
        supplier_id,
        sum(net_amount_excl_tax) as amount,
        sum(net_amount_incl_tax) as amount_incl_tax,
        row_number() over (order by sum(net_amount_excl_tax) desc) as rank
    from purchases
    where document_type in ('Invoice', 'CreditNote') and document_date > $as_of - interval 12 months
    group by supplier_id
),

dependency as (
    select
        sum(amount) filter (where rank <= $concentration_suppliers) as of_the_largest,
        sum(amount) as amount,
        sum(amount_incl_tax) as amount_incl_tax
    from spend
),

single_sources as (
    select count(*) as items
    from (
        select product_id
        from purchases
        where document_type = 'Invoice' and row_origin = 'line' and document_date > $as_of - interval 12 months
        group by product_id
        having count(distinct supplier_id) = 1 and product_id <> 'NO_ITEM'
    )
),

received as (
    select
        r.order_purchase_key,
        sum(r.received_quantity) as quantity
    from silver.fact_purchase_receipts as r
    inner join silver.dim_date as d on r.date_key = d.date_id
    where d.date_value <= $as_of
    group by r.order_purchase_key
),

late_lines as (
    select
        p.product_id,
        p.net_amount_excl_tax * greatest(0, p.quantity - coalesce(r.quantity, 0)) / p.quantity as amount
    from purchases as p
    left join received as r on p.purchase_key = r.order_purchase_key
    where
        p.document_type = 'Order' and p.quantity > 0 and p.promised_date < $as_of
        and p.due_state in ('Overdue', 'Received') and coalesce(p.complete_receipt_date > $as_of, true)
),

late_orders as (
    select
        count(*) as lines,
        coalesce(sum(amount), 0) as amount
    from late_lines
),

-- Who ordered an item that is late: open is what came in full later, else what EBP says is still to deliver.
waiting as (
    select count(distinct upper(customer_id)) as customers
    from sales
    where
        document_type = 'Order' and quantity > 0
        and case
            when complete_delivery_date is null then remaining_quantity_to_deliver > 0
            else complete_delivery_date > $as_of
        end
        and upper(product_id) in (
            select upper(product_id) from late_lines
            where product_id <> 'NO_ITEM'
        )
),

-- Of a past day whose stock is not kept nothing is known; before the first movement there was none.
known_stock as (
    select coalesce($as_of < min(d.date_value) or bool_or(k.is_kept and d.date_value = $as_of), true) as is_known
    from (
        select distinct
            date_key,
            true as is_kept
        from silver.fact_inventory
        union all
        select distinct
            date_key,
            false as is_kept
        from silver.fact_stock_movements
    ) as k
    inner join silver.dim_date as d on k.date_key = d.date_id
),

stock as (
    select
        coalesce(sum(stock_value), 0) as amount,
        coalesce(sum(stock_value) filter (where is_dead_stock), 0) as dead,
        coalesce(sum(excess_value), 0) as excess,
        count(*) filter (where quantity_on_hand < 0) as negative_pairs,
        coalesce(sum(stock_value) filter (where quantity_on_hand < 0), 0) as negative_value,
        -- Of a day before the capture nobody knows what is reserved or on order: then it is not 0.
        case
            when bool_or(quantity_reserved is not null)
                then count(*) filter (where reorder_recommendation > 0)
        end as to_order,
        case when to_order is not null then coalesce(sum(recommended_cost), 0) end as to_order_cost
    from computed.inventory_snapshot_daily
),

shortages as (
    select
        count(*) as items,
        count(*) filter (where available <= 0) as out_of_stock
    from (
        select
            i.product_id,
            sum(i.quantity_available) as available
        from computed.inventory_snapshot_daily as i
        inner join computed.sales_by_product as p using (product_id)
        where p.abc_classification in ('A', 'B')
        group by i.product_id
    )
),

contracts as (
    select
        count(*) as active,
        coalesce(sum(monthly_recurring_revenue), 0) as monthly_amount
    from computed.contract_profitability
    where $as_of between period_start and period_end and is_active
),

-- Of all years: what was due in the last one and was not made is still to be made.
contract_visits as (
    select coalesce(sum(visits_overdue), 0) as overdue
    from computed.contract_profitability
    where is_active
),

-- Appointments that were done and are not invoiced yet, and how long ago they were.
unbilled as (
    select
        coalesce(sum(i.not_invoiced_count), 0)::bigint as appointments,
        coalesce(sum(i.not_invoiced_amount), 0) as amount,
        sum(i.not_invoiced_count * ($as_of - d.date_value))::double / nullif(sum(i.not_invoiced_count), 0) as age_days
    from computed.interventions_daily_kpi as i
    inner join silver.dim_date as d using (date_id)
    where d.date_value <= $as_of
),

quotes as (
    select
        coalesce(sum(open_amount), 0) as amount,
        coalesce(sum(weighted_amount), 0) as weighted_amount
    from computed.quote_funnel
),

park as (
    select
        count(*) filter (where is_active) as active,
        count(*) filter (where is_active and is_under_contract) as covered
    from computed.equipment_park
)

select
    strftime($as_of, '%Y%m%d')::integer as date_id,
    cents(o.backlog) as order_backlog,
    cents(o.delivered_not_invoiced) as delivered_not_invoiced,
    cents(q.amount) as quotes_pipeline,
    cents(q.weighted_amount) as quotes_pipeline_weighted,
    cents(coalesce(t.revenue, 0)) as revenue_12_months,
    t.active_customers as active_customers_count,
    case when c.revenue > 0 then c.of_the_largest::double / c.revenue::double * 100 end
        as customer_concentration_percent,
    k.customers as customers_at_risk_count,
    cents(k.revenue) as customers_at_risk_revenue,
    a.active as active_contracts_count,
    cents(a.monthly_amount) as monthly_recurring_revenue,
    cents(a.monthly_amount * 12) as annual_recurring_revenue,
    r.receivables,
    r.overdue as receivables_overdue,
    case when r.receivables > 0 then r.overdue::double / r.receivables::double * 100 end as receivables_overdue_percent,
    case when t.revenue_incl_tax > 0 then r.receivables::double / t.revenue_incl_tax::double * 365 end as dso_days,
    ($as_of - b.day + 1)::integer as dso_count_back_days,
    cents(s.collected) as cash_collected,
    cents(v.amount) as deposits_not_applied,
    r.over_limit as over_credit_limit_count,
    cents(r.over_limit_amount) as over_credit_limit_amount,
    e.instalments as reminders_count,
    cents(e.amount) as reminders_amount,
    e.instalments_1 as reminders_level_1_count,
    cents(e.amount_1) as reminders_level_1_amount,
    e.instalments_2 as reminders_level_2_count,
    cents(e.amount_2) as reminders_level_2_amount,
    e.instalments_3 as reminders_level_3_count,
    cents(e.amount_3) as reminders_level_3_amount,
    cents(y.amount) as payables,
    case when g.amount_incl_tax > 0 then y.amount::double / g.amount_incl_tax::double * 365 end as dpo_days,
    case when m.is_known then cents(w.amount) end as stock_value,
    case when h.items > 0 then h.out_of_stock / h.items * 100 end as stock_out_rate_percent,
    case when m.is_known then cents(w.dead) end as dead_stock_value,
    case when w.amount > 0 then w.dead::double / w.amount::double * 100 end as dead_stock_percent,
    case when m.is_known then cents(w.excess) end as excess_stock_value,
    case when m.is_known then w.negative_pairs end as negative_stocks_count,
    case when m.is_known then cents(w.negative_value) end as negative_stocks_value,
    w.to_order as items_to_order_count,
    cents(w.to_order_cost) as items_to_order_cost,
    case when g.amount > 0 then g.of_the_largest::double / g.amount::double * 100 end as supplier_dependency_percent,
    n.items as single_supplier_items_count,
    l.lines as late_supplier_lines_count,
    cents(l.amount) as late_supplier_lines_amount,
    j.customers as customers_waiting_count,
    case when p.active > 0 then p.covered / p.active * 100 end as contract_coverage_percent,
    z.overdue::bigint as visits_overdue_count,
    u.appointments as done_not_invoiced_count,
    cents(u.amount) as done_not_invoiced_amount,
    u.age_days as done_not_invoiced_age_days
from open_documents as o
cross join turnover as t
cross join customers as c
cross join risks as k
cross join receivables as r
cross join absorbed as b
cross join settlements as s
cross join deposits as v
cross join reminders as e
cross join payables as y
cross join dependency as g
cross join single_sources as n
cross join late_orders as l
cross join waiting as j
cross join known_stock as m
cross join stock as w
cross join shortages as h
cross join contracts as a
cross join quotes as q
cross join park as p
cross join contract_visits as z
cross join unbilled as u
