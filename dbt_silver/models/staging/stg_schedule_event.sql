{# Every version of every event: rescheduling and deletion are only in the history; the newest is the present. -#}
with source as (
    select
        *,
        coalesce({{ match_code('"Address_CountryIsoCode"') }}, 'FR') as raw_country_code
    from {{ from_bronze('schedule_event', history=true) }} as bronze
),

country_codes as (select * from {{ ref('country_code') }}),

with_country as (
    select
        source.*,
        coalesce(country_codes.country_code, source.raw_country_code) as country_code,
        {{ has_point('source."Address_Latitude"', 'source."Address_Longitude"') }} as has_point
    from source
    left join country_codes on source.raw_country_code = country_codes.raw_code
),

cleaned as (
    select
        *,
        {{ clean_postcode('"Address_ZipCode"', 'country_code') }} as zipcode
    from with_country
)

select
    {{ clean_uuid('"Id"') }} as event_id,
    {{ clean_code('"ScheduleEventNumber"') }} as event_number,
    {{ clean_uuid('"ParentEventId"') }} as parent_id,
    "LineType" as line_type,
    coalesce("LineOrder", 0) as line_order,
    "DisplayType" as display_type,
    coalesce("IsScheduleException", false) as is_exception,
    coalesce("ExceptionWorked", false) as is_exception_worked,
    {{ wall_clock('"StartDateTime"') }} as start_at,
    {{ wall_clock('"EndDateTime"') }} as end_at,
    {{ wall_clock('"sysCreatedDate"') }} as created_at,
    {{ match_code('"EventType"') }} as type_id,
    "EventState" as state_code,
    coalesce("GlobalPercentComplete", 0) as percent_complete,
    {{ clean_code('"CustomerId"') }} as customer_code,
    {{ clean_code('"ColleagueId"') }} as colleague_code,
    {{ clean_code('"SubContractorId"') }} as subcontractor_code,
    {{ clean_code('"ItemId"') }} as item_code,
    {{ clean_code('"Maintenance_CustomerProductId"') }} as equipment_code,
    {{ clean_code('"Maintenance_ContractId"') }} as contract_id,
    {{ clean_code('"Maintenance_IncidentId"') }} as incident_id,
    {{ clean_code('"DealId"') }} as deal_id,
    {{ clean_code('"ConstructionSiteId"') }} as site_id,
    -- 0 = not typed in. The text twins ("1:30", "1h30") are never parsed.
    cast(coalesce(nullif("ExpectedDuration_DurationInHours", 0), nullif("PlannedHours", 0)) as double) * 60
        as expected_minutes,
    cast(coalesce(nullif("AchievedDuration_DurationInHours", 0), nullif("WorkedHours", 0)) as double) * 60
        as achieved_minutes,
    cast("Maintenance_TravelDuration" as double) as travel_duration,
    coalesce("ToInvoice", false) as is_to_invoice,
    coalesce("NetAmountVatExcluded", 0) as net_amount,
    coalesce("CostAmount", 0) as cost_amount,
    {{ clean_uuid('"InvoiceId"') }} as invoice_id,
    country_code,
    zipcode,
    {{ clean_city('"Address_City"') }} as city,
    {{ clean_code('"Address_CodeINSEE"') }} as insee_code,
    case when has_point then cast("Address_Latitude" as double) end as latitude,
    case when has_point then cast("Address_Longitude" as double) end as longitude,
    coalesce({{ clean_text('"Maintenance_InterventionReportClear"') }}, {{ clean_text('"NotesClear"') }}) as notes,
    "xx_URGENT" as is_urgent,
    {{ checked_values([
        {'column': 'Address_ZipCode', 'rule': 'postcode', 'cleaned': checked_postcode('zipcode', 'country_code')},
        {'column': 'Address_Latitude', 'rule': 'gps', 'cleaned': 'nullif(has_point, false)', 'personal': true,
            'raw': typed_point('"Address_Latitude"', '"Address_Longitude"')},
    ]) }} as checked,
    _bronze_valid_from as valid_from,
    _bronze_is_deleted as is_deleted
from cleaned
where {{ clean_uuid('"Id"') }} is not null
