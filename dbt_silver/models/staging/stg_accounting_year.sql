with source as (select * from {{ from_bronze('accounting_year') }})

select
    {{ wall_date('"StartingDate"') }} as starts_on,
    {{ wall_date('"EndingDate"') }} as ends_on
from source
where "StartingDate" <= "EndingDate"
