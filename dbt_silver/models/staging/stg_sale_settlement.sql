with source as (select * from {{ from_bronze('sale_settlement') }})

select
    {{ clean_uuid('"Id"') }} as settlement_id,
    {{ wall_date('"SettlementDate"') }} as settlement_date,
    {{ match_code('"PaymentTypeId"') }} as payment_type_code,
    coalesce("IsUnpaid", false) as is_rejected
from source
