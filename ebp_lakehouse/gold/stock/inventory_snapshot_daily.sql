-- gold.inventory_snapshot_daily: stock of the evening of $as_of per item and storehouse, its risk and what to order;
-- formulas in inventory_snapshot_daily.py. A day that fact_inventory no longer keeps one by one has no row.
with inventory as (
    select f.*
    from silver.fact_inventory as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where d.date_value = $as_of
),

items as (
    select * from silver.dim_product
    where is_current
),

main_warehouse as (
    select min(warehouse_id) as warehouse_id from silver.dim_warehouse
    where is_main
),

-- The last receipts of the item from its main supplier; from any where it has none. One that is dated before its order,
-- typed afterwards, tells no delay.
receipts as (
    select
        f.product_id,
        d.date_value - f.ordered_on as lead_time_days
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join items as i on f.product_id = i.product_id
    where
        f.brought_quantity > 0 and f.ordered_on <= d.date_value and d.date_value <= $as_of
        and (i.main_supplier_id is null or upper(f.supplier_id) = upper(i.main_supplier_id))
    qualify
        row_number() over (partition by f.product_id order by d.date_value desc, f.purchase_key) <= $lead_time_receipts
),

lead_times as (
    select
        i.product_id,
        coalesce(median(r.lead_time_days), nullif(any_value(i.lead_time_days), 0), $default_lead_time_days)::double
            as lead_time_days
    from items as i
    left join receipts as r on i.product_id = r.product_id
    group by i.product_id
),

movements as (
    select
        f.product_id,
        f.warehouse_id,
        f.is_demand,
        d.date_value as day,
        sum(f.quantity) as quantity
    from silver.fact_stock_movements as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where d.date_value <= $as_of
    group by all
),

-- Mean and spread over all days of the window, those without demand included.
demand as (
    select
        product_id,
        warehouse_id,
        -sum(quantity) filter (where day > $as_of - $demand_days)::double / $demand_days as per_day,
        sqrt(greatest(
            0, sum(quantity * quantity) filter (where day > $as_of - $demand_days)::double / $demand_days
            - pow(sum(quantity) filter (where day > $as_of - $demand_days)::double / $demand_days, 2)
        )) as spread,
        -sum(quantity) filter (where day > $as_of - to_months($excess_stock_months)) as of_a_year,
        max(day) filter (where quantity < 0) as last_issue_on
    from movements
    where is_demand
    group by all
),

entries as (
    select
        product_id,
        warehouse_id,
        min(day) filter (where quantity > 0) as first_entry_on
    from movements
    group by all
),

-- What was there before EBP kept its movements came no later than the first of them all.
beginning as (
    select min(day) as first_day from movements
),

stock_outs as (
    select
        f.product_id,
        f.warehouse_id,
        count(*) as days
    from silver.fact_inventory as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where d.date_value > $as_of - interval 12 months and d.date_value <= $as_of and f.quantity_on_hand <= 0
    group by all
),

-- What had come of each order line by $as_of.
received as (
    select
        r.order_purchase_key,
        sum(r.received_quantity) as quantity
    from silver.fact_purchase_receipts as r
    inner join silver.dim_date as d on r.date_key = d.date_id
    where d.date_value <= $as_of
    group by r.order_purchase_key
),

-- What suppliers owe us within the lead time, late lines included; a line without storehouse comes to the main one.
-- What came in full after $as_of was open on it; when an order was closed short EBP does not tell: that is never due.
due as (
    select
        f.product_id,
        coalesce(f.warehouse_id, m.warehouse_id) as warehouse_id,
        sum(greatest(0, f.quantity - coalesce(r.quantity, 0)) * f.quantity_stock_unit / f.quantity) as quantity
    from silver.fact_purchases as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join lead_times as l on f.product_id = l.product_id
    cross join main_warehouse as m
    left join received as r on f.purchase_key = r.order_purchase_key
    where
        f.document_type = 'Order' and d.date_value <= $as_of and f.quantity > 0
        and (f.due_state in ('Open', 'Overdue') or f.complete_receipt_date > $as_of)
        and f.promised_date - $as_of <= l.lead_time_days
    group by all
),

figures as (
    select
        inventory.*,
        items.is_replenished,
        items.order_minimum_quantity,
        coalesce(items.order_multiple_quantity::double, 1) as order_multiple,
        coalesce(nullif(items.purchase_price, 0), inventory.pump) as unit_cost,
        lead_times.lead_time_days,
        greatest(0, coalesce(demand.per_day, 0)) as demand_per_day,
        greatest(0, coalesce(demand.per_day, 0)) * lead_times.lead_time_days as demand_of_lead_time,
        $service_level_z * coalesce(demand.spread, 0) * sqrt(lead_times.lead_time_days) as safety_stock,
        coalesce(demand.of_a_year, 0) as demand_of_a_year,
        demand.last_issue_on,
        coalesce(entries.first_entry_on, beginning.first_day) as first_entry_on,
        coalesce(stock_outs.days, 0) as stock_out_days,
        coalesce(due.quantity, 0) as due_quantity,
        inventory.quantity_available + coalesce(due.quantity, 0) as expected,
        inventory.quantity_on_hand - inventory.ordered_by_customers + inventory.on_order_suppliers as position
    from inventory
    cross join beginning
    inner join items on inventory.product_id = items.product_id
    inner join lead_times on inventory.product_id = lead_times.product_id
    left join demand on inventory.product_id = demand.product_id and inventory.warehouse_id = demand.warehouse_id
    left join entries on inventory.product_id = entries.product_id and inventory.warehouse_id = entries.warehouse_id
    left join stock_outs
        on inventory.product_id = stock_outs.product_id and inventory.warehouse_id = stock_outs.warehouse_id
    left join due on inventory.product_id = due.product_id and inventory.warehouse_id = due.warehouse_id
),

needs as (
    select
        *,
        case when mean_daily_issue > 0 then greatest(0, expected::double) / mean_daily_issue end as expected_days,
        case
            when not is_replenished then 0
            when position <= coalesce(reorder_point::double, demand_of_lead_time + safety_stock)
                then
                    greatest(
                        position::double, coalesce(maximum_stock::double, 0),
                        demand_per_day * (lead_time_days + $review_days) + safety_stock
                    ) - position::double
            when position is not null then 0
        end as needed
    from figures
),

recommended as (
    select
        *,
        case
            when needed is null then null  -- greatest would make the minimum of it
            when needed = 0 then 0
            else
                -- To six digits first: 30 - 29.9 is a little more than 0.1 as a double, and not two tenths.
                order_multiple
                * ceil(round(greatest(needed, coalesce(order_minimum_quantity::double, 0)) / order_multiple, 6))
        end::decimal(18, 3) as recommendation
    from needs
)

select
    strftime($as_of, '%Y%m%d')::integer as date_id,
    product_key,
    product_id,
    warehouse_key,
    warehouse_id,
    quantity_on_hand::decimal(18, 3) as quantity_on_hand,
    quantity_reserved::decimal(18, 3) as quantity_reserved,
    quantity_available::decimal(18, 3) as quantity_available,
    reorder_point::decimal(18, 3) as reorder_point,
    cents(stock_value) as stock_value,
    days_of_supply,
    case
        when mean_daily_issue is null and demand_per_day = 0 and reorder_point is null then null
        when expected <= 0 or expected_days < lead_time_days then 'High'
        when expected_days < lead_time_days + $risk_margin_days or expected <= reorder_point then 'Medium'
        else 'Low'
    end as stock_out_risk_level,
    recommendation as reorder_recommendation,
    cents(recommendation::double * unit_cost::double) as recommended_cost,
    lead_time_days,
    demand_per_day,
    safety_stock,
    due_quantity::decimal(18, 3) as due_quantity,
    case when demand_of_a_year > 0 then stock_out_days else 0 end as stock_out_days,
    last_issue_on as last_issue_date,
    coalesce(
        quantity_on_hand > 0
        and coalesce(last_issue_on, first_entry_on) <= $as_of - to_months($dead_stock_months)
        and first_entry_on <= $as_of - to_months($dead_stock_months), false
    ) as is_dead_stock,
    case
        when quantity_on_hand > 0
            then cents(
                stock_value::double
                * greatest(0, quantity_on_hand - greatest(0, demand_of_a_year, coalesce(maximum_stock, 0)))::double
                / quantity_on_hand::double
            )
        else 0
    end as excess_value
from recommended
order by product_id, warehouse_id
