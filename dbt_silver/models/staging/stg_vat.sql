with source as (select * from {{ from_bronze('vat') }})

select
    {{ clean_uuid('"Id"') }} as vat_id,
    "Rate" as rate
from source
