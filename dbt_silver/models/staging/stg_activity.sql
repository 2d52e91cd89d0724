with source as (select * from {{ from_bronze('activity') }})

select
    {{ clean_uuid('"Id"') }} as activity_id,
    {{ wall_clock('"StartDateTime"') }} as start_at,
    {{ wall_clock('"EndDateTime"') }} as end_at,
    {{ clean_text('"Caption"') }} as caption,
    {{ clean_text('"NotesClear"') }} as notes,
    "ActivityCategory" as category_code,
    {{ match_code('"EventType"') }} as type_id,
    "EventState" as state_code,
    coalesce("AutomaticCreation", 0) <> 0 as is_automatic,
    {{ clean_code('"CustomerId"') }} as customer_code,
    coalesce({{ clean_code('"ColleagueId"') }}, {{ clean_code('"CreatorColleagueId"') }}) as colleague_code,
    {{ clean_code('"IncidentId"') }} as incident_id,
    {{ clean_code('"MaintenanceContractId"') }} as contract_id,
    {{ clean_code('"DealId"') }} as deal_id,
    {{ clean_uuid('"ReminderLetterId"') }} as reminder_letter_id,
    "DocumentType" as document_type_code,
    {{ clean_uuid('"SaleDocumentId"') }} as document_id,
    {{ clean_uuid('"ScheduleEventId"') }} as event_id
from source
