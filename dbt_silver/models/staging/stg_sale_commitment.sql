with source as (select * from {{ from_bronze('sale_commitment') }})

select
    {{ clean_uuid('"Id"') }} as commitment_id,
    {{ clean_uuid('"DocumentId"') }} as document_id,
    coalesce("Amount", 0) as amount,
    coalesce("BalanceDue", 0) as balance_due,
    {{ wall_date('"LiquidationStateChangeDate"') }} as liquidation_date
from source
