-- gold.cash_forecast: cash expected in and out per week after $as_of and flow; formulas in cash_forecast.py.
-- How late each payer has paid in twelve months, by amount.
with habits as (
    select
        third_id,
        sum(delay_days * abs(assigned_amount)) / sum(abs(assigned_amount)) as delay_days
    from silver.fact_payments
    where
        side = 'customer' and delay_days is not null and not is_set_off and assigned_amount <> 0
        and settlement_date > $as_of - interval 12 months and settlement_date <= $as_of
    group by third_id
),

-- What is ordered, delivered or not, and not invoiced yet, with its VAT.
orders as (
    select
        sum(
            f.net_unit_price_excl_tax * f.remaining_quantity_to_invoice * (1 + coalesce(f.vat_rate, 0) / 100)
        ) as amount
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type = 'Order' and d.date_value <= $as_of and f.remaining_quantity_to_invoice > 0
),

vat_payments as (
    select
        ((period || '-01')::date + interval 1 month)::date + $vat_payment_day - 1 as paid_on,
        vat_due_estimate
    from computed.vat_due
),

-- The VAT of what was invoiced under each contract; the planned amount itself is without.
contract_vat as (
    select
        upper(f.contract_id) as contract_match,
        sum(f.tax_amount) as tax,
        sum(f.net_amount_excl_tax) as net
    from silver.fact_sales as f
    inner join silver.dim_date as d on f.date_key = d.date_id
    where f.document_type in ('Invoice', 'CreditNote') and f.contract_id is not null and d.date_value <= $as_of
    group by upper(f.contract_id)
),

-- A contract is invoiced every so many months from its start on; what is planned falls due after each invoice. Whole
-- numbers throughout: only on those does // round down.
contracts as (
    select
        contract_id,
        planned_invoicing_amount,
        start_date,
        least(cancellation_date, case when not has_tacit_renewal then end_date end) as last_day,
        greatest(1, round(12 / invoices_per_year))::integer as months
    from silver.dim_contract
    where start_date <= $as_of and planned_invoicing_amount > 0 and invoices_per_year > 0
),

invoices as (
    select
        contract_id,
        planned_invoicing_amount,
        last_day,
        (start_date + to_months(months * (datediff('month', start_date, $as_of) // months + number)::integer))::date
            as invoiced_on
    from contracts
    cross join (select unnest(range(0, $cash_weeks)) as number) as numbers
),

contract_invoices as (
    select
        i.invoiced_on,
        i.planned_invoicing_amount * (1 + coalesce(v.tax / nullif(v.net, 0), a.tax / nullif(a.net, 0), 0)) as amount
    from invoices as i
    left join contract_vat as v on upper(i.contract_id) = v.contract_match
    cross join (
        select
            sum(tax) as tax,
            sum(net) as net
        from contract_vat
    ) as a
    where i.invoiced_on > $as_of and coalesce(i.invoiced_on <= i.last_day, true)
),

flows as (
    select
        case when i.days_overdue > 0 then 'customer_overdue' else 'customer_instalments' end as flow,
        greatest(
            i.due_date + greatest(0, coalesce(h.delay_days, 0))::integer, $as_of + 1
        ) as expected_on,
        i.balance as amount
    from computed.open_instalments as i
    left join habits as h on i.third_id = h.third_id
    where i.side = 'customer' and not i.is_doubtful
    union all
    -- Paid already, so that it will not come again.
    select
        'customer_overdue' as flow,
        $as_of + 1 as expected_on,
        -unassigned_amount as amount
    from silver.fact_settlements
    where settlement_date <= $as_of and not is_rejected and unassigned_amount <> 0
    union all
    select
        case when days_overdue > 0 then 'supplier_overdue' else 'supplier_instalments' end as flow,
        greatest(due_date, $as_of + 1) as expected_on,
        -balance as amount
    from computed.open_instalments
    where side = 'supplier'
    union all
    select
        'orders_to_invoice' as flow,
        $as_of + $invoicing_delay_days + $payment_delay_days as expected_on,
        amount
    from orders
    where amount <> 0
    union all
    select
        'contracts_to_invoice' as flow,
        invoiced_on + $payment_delay_days as expected_on,
        amount
    from contract_invoices
    union all
    select
        'vat' as flow,
        paid_on as expected_on,
        -vat_due_estimate as amount
    from vat_payments
    where paid_on > $as_of
),

weeks as (
    select
        (date_trunc('week', $as_of + 1) + to_days((7 * number)::integer))::date as week_start,
        flow
    from (select unnest(range(0, $cash_weeks)) as number) as numbers
    cross join (
        select unnest([
            'contracts_to_invoice', 'customer_instalments', 'customer_overdue', 'orders_to_invoice',
            'supplier_instalments', 'supplier_overdue', 'vat'
        ]) as flow
    ) as names
),

summed as (
    select
        w.week_start,
        w.flow,
        cents(coalesce(sum(f.amount), 0)) as amount
    from weeks as w
    left join flows as f on w.flow = f.flow and f.expected_on between w.week_start and w.week_start + 6
    group by all
)

select
    week_start,
    flow,
    amount,
    (sum(amount) over (partition by week_start))::decimal(18, 2) as week_amount,
    ($opening_bank_balance + sum(amount) over (order by week_start range unbounded preceding))::decimal(18, 2)
        as cumulated_balance
from summed
order by week_start, flow
