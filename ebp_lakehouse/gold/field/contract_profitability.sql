-- gold.contract_profitability: one row per contract and fiscal year up to $as_of; formulas in the .py beside it.
with years as (
    select
        fiscal_year,
        min(date_value) as first_day,
        max(date_value) as last_day,
        least(max(date_value), $as_of) as until_day
    from silver.dim_date
    where fiscal_year is not null
    group by fiscal_year
    having min(date_value) <= $as_of
),

contracts as (
    select
        *,
        upper(contract_id) as contract_match,
        -- The last day on which it runs; NULL while nothing says so.
        least(cancellation_date, case when not has_tacit_renewal then end_date end) as last_day,
        greatest(1, round(365 / coalesce(nullif(invoices_per_year, 0), 1)))::integer as covered_days
    from silver.dim_contract
    where contract_key not in (md5('unknown'), md5('orphan'))
),

sold as (
    select
        c.contract_key,
        d.date_value as day,
        d.fiscal_year,
        f.net_amount_excl_tax as amount,
        f.cost_amount as cost,
        case
            when p.is_maintenance_contract then greatest(d.date_value, coalesce(c.start_date, d.date_value))
            else d.date_value
        end as covered_from,
        case when p.is_maintenance_contract then c.covered_days else 1 end as covered_days
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    inner join contracts as c on upper(f.contract_id) = c.contract_match
    inner join silver.dim_product as p on f.product_key = p.product_key
    where f.document_type in ('Invoice', 'CreditNote') and d.date_value <= $as_of
),

invoices as (
    select
        contract_key,
        fiscal_year,
        sum(amount) as invoiced,
        sum(cost) as parts_cost
    from sold
    group by contract_key, fiscal_year
),

recognised as (  -- the share of each row's days that lies in the year
    select
        s.contract_key,
        y.fiscal_year,
        sum(
            s.amount
            * (
                date_diff(
                    'day',
                    greatest(s.covered_from, y.first_day),
                    least(s.covered_from + s.covered_days - 1, y.until_day)
                ) + 1
            )
            / s.covered_days
        ) as amount
    from sold as s
    inner join years as y
        on s.covered_from <= y.until_day and s.covered_from + s.covered_days - 1 >= y.first_day
    group by s.contract_key, y.fiscal_year
),

hourly as (
    select avg(hourly_cost)::double as cost from silver.dim_colleague
    where is_technician and is_active and hourly_cost > 0
),

teams as (
    select
        intervention_key,
        sum(minutes) as minutes
    from silver.fact_intervention_technicians
    group by intervention_key
),

visits as (
    select
        c.contract_key,
        d.fiscal_year,
        count(*) filter (where f.intervention_type = 'Maintenance') as visits,
        count(*) filter (where f.intervention_type = 'Repair') as repairs,
        coalesce(sum(t.minutes), 0) / 60 as hours,
        sum(
            case
                when f.cost_amount <> 0 then f.cost_amount::double
                else coalesce(t.minutes, 0) / 60 * coalesce(h.cost, 0)
            end
        ) as labour_cost,
        sum(coalesce(f.travel_minutes, 0) / 60 * coalesce(h.cost, 0)) as travel_cost
    from silver.fact_interventions as f
    inner join silver.dim_date as d on f.schedule_date_key = d.date_id
    inner join contracts as c on upper(f.contract_id) = c.contract_match
    left join teams as t on f.intervention_key = t.intervention_key
    left join hourly as h on true
    where f.state = 'Done' and d.date_value <= $as_of
    group by c.contract_key, d.fiscal_year
),

scheduled as (select distinct contract_key from silver.fact_contract_visits),

due as (
    select
        v.contract_key,
        y.fiscal_year,
        count(*) as visits,
        count(*) filter (where coalesce(v.visit_date > $as_of, true)) as overdue
    from silver.fact_contract_visits as v
    inner join years as y on v.due_date between y.first_day and y.until_day
    group by v.contract_key, y.fiscal_year
),

running as (
    select
        c.contract_key,
        y.fiscal_year
    from contracts as c
    inner join years as y on c.start_date <= y.until_day and coalesce(c.last_day >= y.first_day, true)
),

grain as (
    select * from running
    union
    select
        contract_key,
        fiscal_year
    from invoices
    union
    select
        contract_key,
        fiscal_year
    from recognised
    union
    select
        contract_key,
        fiscal_year
    from visits
),

measured as (
    select
        g.contract_key,
        g.fiscal_year,
        y.first_day,
        y.last_day as year_end,
        y.until_day,
        c.* exclude (contract_key, is_active, in_tacit_renewal),
        coalesce(c.start_date <= $as_of and coalesce(c.last_day >= $as_of, true), false) as is_active,
        coalesce(i.invoiced, 0) as invoiced,
        coalesce(r.amount, 0) as recognised,
        sum(coalesce(i.invoiced, 0)) over years_so_far as invoiced_so_far,
        sum(coalesce(r.amount, 0)) over years_so_far as recognised_so_far,
        case when s.contract_key is not null then coalesce(d.visits, 0) end as visits_due,
        case when s.contract_key is not null then coalesce(d.overdue, 0) end as visits_overdue,
        coalesce(v.visits, 0) as visits_done,
        coalesce(v.repairs, 0) as repairs,
        coalesce(v.hours, 0) as hours,
        cents(coalesce(i.parts_cost, 0)) as parts_cost,
        cents(coalesce(v.labour_cost, 0)) as labour_cost,
        cents(coalesce(v.travel_cost, 0)) as travel_cost
    from grain as g
    inner join years as y using (fiscal_year)
    inner join contracts as c using (contract_key)
    left join invoices as i using (contract_key, fiscal_year)
    left join recognised as r using (contract_key, fiscal_year)
    left join visits as v using (contract_key, fiscal_year)
    left join due as d using (contract_key, fiscal_year)
    left join scheduled as s using (contract_key)
    window
        years_so_far as (
            partition by g.contract_key order by g.fiscal_year rows between unbounded preceding and current row
        )
),

customers as (
    select
        customer_id,
        customer_key
    from silver.dim_customer
    where is_current
)

select
    m.contract_key,
    m.contract_id,
    m.fiscal_year,
    m.first_day as period_start,
    m.year_end as period_end,
    coalesce(c.customer_key, case when m.customer_id is null then md5('unknown') else md5('orphan') end)
        as customer_key,
    m.customer_id,
    m.family_id,
    m.is_active,
    cents(m.annual_fee) as annual_fee,
    case
        when m.is_active and $as_of between m.first_day and m.year_end
            then cents(coalesce(m.annual_fee, 0) / 12)
        else 0::decimal(18, 2)
    end as monthly_recurring_revenue,
    cents(m.invoiced) as invoiced,
    cents(m.recognised) as recognised_revenue,
    cents(m.invoiced_so_far - m.recognised_so_far) as deferred_revenue,
    m.visits_due,
    m.visits_done,
    m.visits_overdue,
    m.repairs as repairs_count,
    m.hours as labour_hours,
    m.parts_cost,
    m.labour_cost,
    m.travel_cost,
    m.parts_cost + m.labour_cost + m.travel_cost as total_cost,
    recognised_revenue - total_cost as margin,
    case when recognised_revenue > 0 then margin::double / recognised_revenue::double * 100 end as margin_percent,
    case
        when m.is_active and m.end_date >= $as_of then m.end_date
        when m.is_active and m.end_date is not null
            then (
                m.end_date + to_years(
                    date_diff('year', m.end_date, $as_of)
                    + case
                        when m.end_date + to_years(date_diff('year', m.end_date, $as_of)) < $as_of then 1 else 0
                    end
                )
            )::date
    end as renewal_date,
    coalesce(m.last_renewal_date between m.first_day and m.until_day, false)
    or coalesce(
        m.has_tacit_renewal
        and m.end_date between m.first_day and m.until_day
        and m.end_date < $as_of
        and coalesce(m.cancellation_date > m.end_date, true),
        false
    ) as is_renewed,
    coalesce(m.last_day between m.first_day and m.until_day and m.last_day < $as_of, false) as is_churned
from measured as m
left join customers as c on m.customer_id = c.customer_id
order by m.contract_id, m.fiscal_year
