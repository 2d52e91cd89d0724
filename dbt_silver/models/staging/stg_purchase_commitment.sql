with source as (select * from {{ from_bronze('purchase_commitment') }})

select
    {{ clean_uuid('"Id"') }} as commitment_id,
    {{ clean_uuid('"DocumentId"') }} as document_id,
    "DocumentType" as document_type_code,
    {{ clean_code('"ThirdId"') }} as third_code,
    {{ wall_date('"DueDate"') }} as due_date,
    coalesce("Amount", 0) as amount,
    coalesce("BalanceDue", 0) as balance_due,
    coalesce("IsDeposit", false) as is_deposit,
    false as had_rejected_settlement,
    cast(null as integer) as reminder_count,
    cast(null as integer) as last_reminder_level,
    {{ wall_date('"LiquidationStateChangeDate"') }} as liquidation_date
from source
