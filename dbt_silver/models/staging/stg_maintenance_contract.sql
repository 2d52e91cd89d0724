with source as (select * from {{ from_bronze('maintenance_contract') }})

select
    {{ clean_code('"Id"') }} as contract_id,
    {{ clean_text('"Caption"') }} as caption,
    {{ clean_code('"CustomerId"') }} as customer_code,
    {{ clean_code('"InvoicingCustomerId"') }} as payer_code,
    {{ clean_code('"ColleagueId"') }} as colleague_code,
    {{ clean_code('"ContractFamilyId"') }} as family_id,
    {{ clean_code('"DealId"') }} as deal_id,
    "Status" as status_code,
    {{ wall_date('"StartDate"') }} as start_date,
    {{ wall_date('"EndDate"') }} as end_date,
    {{ wall_date('"CancellationDate"') }} as cancellation_date,
    {{ wall_date('"LastRenewalDate"') }} as last_renewal_date,
    coalesce("TacitRenewal", false) as has_tacit_renewal,
    "InitialCounterNumber" as initial_counter,
    "RemainingCounterNumber" as remaining_counter,
    coalesce("ArePartsCovered", false) as are_parts_covered,
    coalesce("IsLabourCovered", false) as is_labour_covered,
    coalesce("IsTravelCovered", false) as is_travel_covered,
    "InterventionPeriodicity_Type" as periodicity_type,
    "InterventionPeriodicity_UserIncrement" as periodicity_increment,
    "PredictedPeriodicInvoicingAmount" as planned_invoicing_amount,
    {{ clean_code('"PeriodicInvoicingId"') }} as periodic_invoicing_id
from source
where {{ clean_code('"Id"') }} is not null
