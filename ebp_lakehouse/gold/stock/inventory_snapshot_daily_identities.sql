-- What gold.inventory_snapshot_daily must satisfy: quantity and value of the day are those of fact_inventory.
with facts as (
    select
        coalesce(sum(f.quantity_on_hand), 0)::decimal(18, 3) as quantity,
        coalesce(sum(round(f.stock_value, 2)), 0)::decimal(18, 2) as amount
    from silver.fact_inventory as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where d.date_value = $as_of
),

figures as (
    select
        coalesce(sum(quantity_on_hand), 0) as quantity,
        coalesce(sum(stock_value), 0) as amount,
        count(*) as summed_rows
    from computed.inventory_snapshot_daily
)

select 'stock is ' || g.quantity || ' for ' || g.amount || ', not ' || f.quantity || ' for ' || f.amount as problem
from facts as f
cross join figures as g
where abs(f.quantity - g.quantity) > 0.0005 * g.summed_rows or f.amount <> g.amount
