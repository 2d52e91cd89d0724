{# Every version of every incident: that one was opened again is only in the history. -#}
with source as (select * from {{ from_bronze('incident', history=true) }})

select
    {{ clean_code('"Id"') }} as incident_id,
    {{ clean_code('"CustomerId"') }} as customer_code,
    {{ clean_text('"Caption"') }} as caption,
    {{ wall_clock('"StartDate"') }} as start_at,
    {{ wall_clock('"EndDate"') }} as end_at,
    "Status" as status_code,
    {{ match_code('"IncidentTemplateId"') }} as template_code,
    {{ clean_code('"ContractId"') }} as contract_id,
    {{ clean_code('"CreatorColleagueId"') }} as creator_code,
    _bronze_valid_from as valid_from,
    _bronze_is_deleted as is_deleted
from source
where {{ clean_code('"Id"') }} is not null
