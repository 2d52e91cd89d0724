with source as (select * from {{ from_bronze('periodic_invoicing') }})

select
    {{ match_code('"Id"') }} as periodic_match,
    {{ clean_uuid('"ReferenceDocumentId"') }} as document_id,
    "Periodicity_Type" as periodicity_type,
    "Periodicity_UserIncrement" as periodicity_increment
from source
