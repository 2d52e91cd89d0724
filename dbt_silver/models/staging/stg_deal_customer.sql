with source as (select * from {{ from_bronze('deal_customer') }})

select
    {{ match_code('"DealId"') }} as deal_match,
    {{ clean_code('"ThirdId"') }} as customer_code,
    coalesce("InvoiceDefault", false) as is_invoiced,
    coalesce("Turnover", 0) as turnover
from source
where {{ clean_code('"DealId"') }} is not null and {{ clean_code('"ThirdId"') }} is not null
