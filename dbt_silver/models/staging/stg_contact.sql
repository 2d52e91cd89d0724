with source as (select * from {{ from_bronze('contact') }})

select
    {{ match_code('"AssociatedCustomerId"') }} as customer_match,
    min(
        {{ join_words(['"ContactFields_Civility"', '"ContactFields_FirstName"', '"ContactFields_Name"']) }}
    ) as contact_full
from source
where coalesce("IsMainInvoicing", false) and {{ match_code('"AssociatedCustomerId"') }} is not null
group by 1
