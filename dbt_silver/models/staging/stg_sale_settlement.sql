with source as (select * from {{ from_bronze('sale_settlement') }})

select
    {{ clean_uuid('"Id"') }} as settlement_id,
    {{ clean_code('"ThirdId"') }} as third_code,
    {{ wall_date('"SettlementDate"') }} as settlement_date,
    {{ match_code('"PaymentTypeId"') }} as payment_type_code,
    coalesce("Amount", 0) as amount,
    coalesce("RemainingAmount", 0) as remaining_amount,
    coalesce("IsDeposit", false) as is_deposit,
    coalesce("IsUnpaid", false) as is_rejected
from source
