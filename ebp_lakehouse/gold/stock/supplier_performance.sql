-- gold.supplier_performance: one row per supplier with a document by $as_of, and period; formulas in the .py beside.
-- int_supplier_performance of dbt computes the first period for dim_supplier.rating, as of silver's day; a test of the
-- mini company holds both to the same figures.
with periods as (
    select
        'rolling' as period_type,
        ($as_of - to_months($supplier_months) + interval 1 day)::date as period_start,
        $as_of as period_end
    union all
    select
        'fiscal_year' as period_type,
        min(date_value) as period_start,
        least(max(date_value), $as_of) as period_end
    from silver.dim_date
    where fiscal_year is not null
    group by fiscal_year
    having min(date_value) <= $as_of
),

-- A code without a master is the orphan member: all such codes are one row.
suppliers as (
    select
        supplier_id,
        supplier_key
    from silver.dim_supplier
    where is_current
),

purchases as (
    select
        f.*,
        coalesce(s.supplier_id, case when f.supplier_id is null then '(unknown)' else '(orphan)' end) as durable_id,
        d.date_value as document_date
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    left join suppliers as s on f.supplier_id = s.supplier_id
    where d.date_value <= $as_of
),

-- Our own market: the mean price of the item over all suppliers in the twelve months before the day of the line.
priced as (
    select
        document_id,
        line_id,
        net_amount_excl_tax as net,
        quantity_stock_unit as quantity,
        sum(net_amount_excl_tax) over before_the_line as market_net,
        sum(quantity_stock_unit) over before_the_line as market_quantity
    from purchases
    where document_type = 'Invoice' and row_origin = 'line' and product_id <> 'NO_ITEM' and quantity > 0
    window before_the_line as (
        partition by upper(product_id) order by document_date::timestamp
        range between interval 12 months preceding and interval 1 day preceding
    )
),

volumes as (
    select
        f.durable_id,
        p.period_type,
        p.period_start,
        count(distinct f.document_id) filter (where f.document_type = 'Order') as orders,
        sum(f.net_amount_excl_tax) filter (where f.document_type in ('Invoice', 'CreditNote')) as spend,
        sum(f.brought_quantity) as brought,
        sum(f.taken_back_quantity) as taken_back,
        sum(m.net::double) as priced_amount,
        sum(m.quantity::double * m.market_net::double / m.market_quantity::double) as market_amount
    from purchases as f
    inner join periods as p on f.document_date between p.period_start and p.period_end
    left join priced as m on f.line_id = m.line_id and m.market_quantity > 0 and m.market_net > 0
    group by all
),

-- What of each order line had come by the end of each period.
received as (
    select
        r.order_purchase_key,
        p.period_type,
        p.period_start,
        sum(r.received_quantity) as quantity
    from silver.fact_purchase_receipts as r
    inner join silver.dim_date as d on r.date_key = d.date_id
    inner join periods as p on d.date_value <= p.period_end
    group by all
),

due_lines as (
    select
        f.durable_id,
        p.period_type,
        p.period_start,
        f.quantity,
        coalesce(r.quantity, 0) as received_quantity,
        coalesce(f.complete_receipt_date <= p.period_end, false) as is_complete,
        coalesce(f.complete_receipt_date <= f.promised_date + $on_time_tolerance_days, false) as is_on_time_in_full,
        coalesce(f.first_receipt_date <= f.promised_date + $on_time_tolerance_days, false) as is_on_time,
        -- An order typed after what it brought tells no delay.
        case
            when f.complete_receipt_date >= f.document_date
                then (f.complete_receipt_date - f.document_date)::double
        end as lead_time_days
    from purchases as f
    inner join periods as p on f.promised_date between p.period_start and p.period_end
    left join received as r
        on
            f.purchase_key = r.order_purchase_key
            and p.period_type = r.period_type
            and p.period_start = r.period_start
    where f.document_type = 'Order' and f.row_origin = 'line' and f.quantity > 0
),

deliveries as (
    select
        durable_id,
        period_type,
        period_start,
        count(*) as due_lines,
        count(*) filter (where is_on_time_in_full) as on_time_in_full,
        count(*) filter (where is_on_time) as on_time,
        count(*) filter (where is_complete) as in_full,
        sum(least(received_quantity, quantity))::double / sum(quantity)::double as line_fill_rate,
        sum(quantity::double * lead_time_days) filter (where is_complete)
        / (sum(quantity) filter (where is_complete and lead_time_days is not null))::double as lead_time_days,
        sum(quantity::double * lead_time_days * lead_time_days) filter (where is_complete)
        / (sum(quantity) filter (where is_complete and lead_time_days is not null))::double as lead_time_squared
    from due_lines
    group by all
),

-- Credit notes are no debt of ours: their instalments have no term to keep.
instalments as (
    select
        coalesce(s.supplier_id, case when f.partner_id is null then '(unknown)' else '(orphan)' end) as durable_id,
        f.commitment_id,
        f.due_date,
        any_value(f.amount) as amount,
        coalesce(sum(abs(f.assigned_amount)) filter (where f.settlement_date <= f.due_date and not f.is_rejected), 0)
            as paid_in_time
    from silver.fact_payments as f
    left join suppliers as s on f.partner_id = s.supplier_id
    where f.side = 'supplier' and f.document_type = 'Invoice' and f.amount > 0
    group by all
),

terms as (
    select
        i.durable_id,
        p.period_type,
        p.period_start,
        sum(i.amount) as due_amount,
        sum(least(i.paid_in_time, i.amount)) as paid_in_time_amount
    from instalments as i
    inner join periods as p on i.due_date between p.period_start and p.period_end
    group by all
),

rates as (
    select
        s.supplier_key,
        s.supplier_id,
        p.period_start,
        p.period_end,
        p.period_type,
        coalesce(v.orders, 0) as total_orders_count,
        cents(coalesce(v.spend, 0)) as total_amount,
        coalesce(d.due_lines, 0) as due_lines_count,
        d.on_time_in_full / d.due_lines as on_time_delivery_rate,
        d.on_time / d.due_lines as on_time_rate,
        d.in_full / d.due_lines as in_full_rate,
        d.line_fill_rate,
        case when v.brought > 0 then coalesce(v.taken_back, 0)::double / v.brought::double end as quality_defect_rate,
        d.lead_time_days as avg_lead_time_days,
        case
            when d.lead_time_days is not null
                then sqrt(greatest(0, d.lead_time_squared - d.lead_time_days * d.lead_time_days))
        end as lead_time_std_days,
        (v.priced_amount - v.market_amount) / v.market_amount * 100 as price_variance_percent,
        t.paid_in_time_amount::double / t.due_amount::double as payment_terms_compliance
    from (select distinct durable_id from purchases) as known
    inner join suppliers as s on known.durable_id = s.supplier_id
    cross join periods as p
    left join volumes as v
        on known.durable_id = v.durable_id and p.period_type = v.period_type and p.period_start = v.period_start
    left join deliveries as d
        on known.durable_id = d.durable_id and p.period_type = d.period_type and p.period_start = d.period_start
    left join terms as t
        on known.durable_id = t.durable_id and p.period_type = t.period_type and p.period_start = t.period_start
    where p.period_type = 'rolling' or v.durable_id is not null or d.durable_id is not null or t.durable_id is not null
),

-- A part that is not known drops out and the others weigh more (V12): greatest and least would make 0 or 1 of it.
weighted as (
    select
        *,
        [
            {'weight': $supplier_weight_delivery::double, 'part': on_time_delivery_rate},
            {'weight': $supplier_weight_quality::double, 'part': case
                when quality_defect_rate is not null then 1 - least(1, quality_defect_rate / $supplier_defect_limit)
            end},
            {'weight': $supplier_weight_price::double, 'part': case
                when price_variance_percent is not null
                    then 1 - least(1, greatest(0, price_variance_percent / $supplier_price_limit_percent))
            end},
            {'weight': $supplier_weight_regularity::double, 'part': case
                when avg_lead_time_days > 0 then 1 - least(1, lead_time_std_days / avg_lead_time_days)
                when avg_lead_time_days = 0 then 1
            end}
        ] as parts
    from rates
)

select
    * exclude (parts),
    case
        when due_lines_count >= $supplier_minimum_lines
            then
                100 * list_sum([p.weight * p.part for p in parts if p.part is not null])
                / list_sum([p.weight for p in parts if p.part is not null])
    end as supplier_score
from weighted
order by supplier_id, period_type, period_start
