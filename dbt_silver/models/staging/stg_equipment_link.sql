{# Equipment that a contract covers, an incident is about, an appointment saw: three link tables of EBP in one. -#}
with contracts as (select * from {{ from_bronze('maintenance_contract_customer_product') }}),

events as (select * from {{ from_bronze('schedule_event_customer_product') }}),

incidents as (select * from {{ from_bronze('incident_customer_product') }})

select
    'contract' as owner,
    {{ clean_code('"ContractId"') }} as owner_id,
    {{ clean_code('"CustomerProductId"') }} as equipment_code,
    cast(null as varchar) as item_code,
    false as is_standard_exchange,
    [] as cover_codes,
    {{ clean_uuid('"Id"') }} as link_id
from contracts
union all
select
    'event' as owner,
    {{ clean_uuid('"ScheduleEventId"') }} as owner_id,
    {{ clean_code('"CustomerProductId"') }} as equipment_code,
    cast(null as varchar) as item_code,
    false as is_standard_exchange,
    [] as cover_codes,
    {{ clean_uuid('"Id"') }} as link_id
from events
union all
select
    'incident' as owner,
    {{ clean_code('"IncidentId"') }} as owner_id,
    {{ clean_code('"CustomerProductId"') }} as equipment_code,
    {{ clean_code('"ItemId"') }} as item_code,
    coalesce("StandardExchange", false) as is_standard_exchange,
    [cast("PartsCoverType" as integer), cast("LabourCoverType" as integer)] as cover_codes,
    {{ clean_uuid('"Id"') }} as link_id
from incidents
