{{ config(tags=['dimension']) }}
with contracts as (select * from {{ ref('stg_maintenance_contract') }}),

bounds as (select * from {{ ref('int_as_of') }}),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

statuses as {{ meaning_of_codes('contract_status') }},

covered as (
    select
        upper(owner_id) as contract_match,
        list_sort(list_distinct(list(equipment_code))) as customer_product_ids
    from {{ ref('stg_equipment_link') }}
    where owner = 'contract' and equipment_code is not null
    group by all
),

periodicities as {{ meaning_of_codes('contract_periodicity') }},

-- How often a year the contract's own periodic invoicing comes.
invoicings as (
    select
        invoicings.periodic_match,
        any_value(
            case periodicities.meaning
                when 'Day' then 365
                when 'Week' then 52
                when 'Month' then 12
                when 'Year' then 1
            end
            / invoicings.periodicity_increment
        ) as times_a_year
    from {{ ref('stg_periodic_invoicing') }} as invoicings
    inner join periodicities on invoicings.periodicity_type = periodicities.code
    where invoicings.periodicity_increment > 0
    group by all
),

members as (
    select unnest(['unknown', 'orphan']) as member
)

select
    md5(upper(contracts.contract_id)) as contract_key,
    contracts.contract_id,
    contracts.caption,
    coalesce(customer_codes.customer_id, contracts.customer_code) as customer_id,
    coalesce(payer_codes.customer_id, contracts.payer_code, customer_codes.customer_id, contracts.customer_code)
        as payer_id,
    contracts.colleague_code as colleague_id,
    contracts.family_id,
    contracts.deal_id,
    contracts.start_date,
    contracts.end_date,
    contracts.cancellation_date,
    contracts.last_renewal_date,
    contracts.has_tacit_renewal,
    {{ amount('contracts.initial_counter') }} as initial_counter,
    {{ amount('contracts.remaining_counter') }} as remaining_counter,
    contracts.are_parts_covered,
    contracts.is_labour_covered,
    contracts.is_travel_covered,
    cast(contracts.periodicity_type as integer) as periodicity_type,
    contracts.periodicity_increment,
    {{ amount('contracts.planned_invoicing_amount') }} as planned_invoicing_amount,
    coalesce(invoicings.times_a_year, 1) as invoices_per_year,
    {{ amount('contracts.planned_invoicing_amount * coalesce(invoicings.times_a_year, 1)') }} as annual_fee,
    contracts.periodic_invoicing_id,
    cast(contracts.status_code as integer) as status_code,
    statuses.meaning as status,
    coalesce(covered.customer_product_ids, []) as customer_product_ids,
    coalesce(
        contracts.start_date <= bounds.as_of
        and {{ contract_runs_on('contracts', 'bounds.as_of') }},
        false
    ) as is_active,
    coalesce(
        contracts.start_date <= bounds.as_of
        and {{ contract_runs_on('contracts', 'bounds.as_of') }}
        and contracts.end_date < bounds.as_of,
        false
    ) as in_tacit_renewal
from contracts
cross join bounds
left join customer_codes on upper(contracts.customer_code) = customer_codes.code_match
left join customer_codes as payer_codes on upper(contracts.payer_code) = payer_codes.code_match
left join statuses on contracts.status_code = statuses.code
left join invoicings on upper(contracts.periodic_invoicing_id) = invoicings.periodic_match
left join covered on upper(contracts.contract_id) = covered.contract_match
union all by name
select
    md5(member) as contract_key,
    '(' || member || ')' as contract_id,
    false as has_tacit_renewal,
    false as are_parts_covered,
    false as is_labour_covered,
    false as is_travel_covered,
    cast([] as varchar[]) as customer_product_ids,
    false as is_active,
    false as in_tacit_renewal
from members
