with source as (select * from {{ from_bronze('purchase_settlement_commitment') }})

select
    {{ clean_uuid('"Id"') }} as association_id,
    {{ clean_uuid('"SettlementId"') }} as settlement_id,
    {{ clean_uuid('"CommitmentId"') }} as commitment_id,
    {{ clean_uuid('"LinkedCommitmentId"') }} as linked_commitment_id,
    coalesce("AssignedAmount", 0) as assigned_amount,
    coalesce("FinancialDiscount", 0) as financial_discount,
    false as is_doubtful
from source
