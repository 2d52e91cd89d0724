with source as (select * from {{ from_bronze('settlement_mode_line') }})

select
    {{ match_code('"SettlementModeId"') }} as settlement_mode_code,
    "DaysNumber" as day_count,
    coalesce("AccountingMonth", false) as is_end_of_month
from source
