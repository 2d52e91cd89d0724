with source as (select * from {{ from_bronze('sale_document_ex') }})

select
    {{ clean_uuid('"Id"') }} as document_id,
    coalesce("IsTemporary", false) as is_temporary,
    coalesce("IsHeldReceipt", false) as is_held,
    least({{ wall_date('"AcceptanceDate"') }}, {{ wall_date('"SignatureDate"') }}) as accepted_date,
    {{ wall_date('"ValidityDate"') }} as valid_until_date
from source
