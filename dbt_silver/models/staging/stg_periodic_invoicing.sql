with source as (select * from {{ from_bronze('periodic_invoicing') }})

select distinct {{ clean_uuid('"ReferenceDocumentId"') }} as document_id
from source
where {{ clean_uuid('"ReferenceDocumentId"') }} is not null
