{{ config(tags=['fact']) }}
with settlements as (select * from {{ ref('stg_sale_settlement') }}),

bounds as (select * from {{ ref('int_as_of') }}),

assigned as (
    select
        settlement_id,
        sum(assigned_amount) as amount
    from {{ ref('stg_sale_settlement_commitment') }}
    where settlement_id is not null
    group by all
),

captions as (
    select * from {{ ref('stg_captions') }}
    where list_name = 'payment_type'
),

customer_codes as {{ code_map(ref('int_customer_versions'), 'customer_id') }},

customers as {{ versions_of(ref('dim_customer'), 'customer') }}

select
    md5(settlements.settlement_id) as settlement_key,
    settlements.settlement_id,
    {{ date_key('settlements.settlement_date') }} as settlement_date_key,
    {{ key_or_member('customers.customer_key', 'settlements.third_code') }} as customer_key,
    coalesce(customer_codes.customer_id, settlements.third_code) as third_id,
    settlements.settlement_date,
    captions.caption as payment_means,
    {{ amount('settlements.amount') }} as amount,
    {{ amount('case when settlements.is_rejected then 0 else coalesce(assigned.amount, 0) end') }} as assigned_amount,
    {{ amount('case when settlements.is_rejected then 0 else settlements.remaining_amount end') }} as unassigned_amount,
    settlements.is_deposit,
    settlements.is_rejected,
    coalesce(settlements.settlement_date > bounds.as_of, false) as is_future_dated
from settlements
cross join bounds
left join assigned on settlements.settlement_id = assigned.settlement_id
left join captions on settlements.payment_type_code = captions.code
left join customer_codes on upper(settlements.third_code) = customer_codes.code_match
left join customers
    on
        customer_codes.customer_id = customers.customer_id
        and settlements.settlement_date >= customers.valid_from
        and settlements.settlement_date < customers.valid_until
