with source as (select * from {{ from_bronze('states') }})

select
    {{ clean_uuid('"Id"') }} as state_id,
    {{ clean_text('"Caption"') }} as name
from source
