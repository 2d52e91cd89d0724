with source as (select * from {{ from_bronze('third_reference') }})

select
    {{ clean_uuid('"Id"') }} as reference_id,
    {{ clean_text('"Reference"') }} as reference
from source
