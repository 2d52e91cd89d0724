{#
    How this installation stores StockMovement."Quantity", kind by kind: measured against the step of the stock, never assumed.
    stored_sign = as_stored (what enters is positive), reversed (an issue stored positive) or per_movement (mixed or too few:
    the movement's own step, and where that is not known the sign of all movements together). Shown with fact_inventory.
-#}
with steps as (select * from {{ ref('int_stock_steps') }}),

overrides as (select * from {{ ref('stock_movement_sign') }} where stored_sign in ('as_stored', 'reversed')),

shares as (
    select
        document_type,
        document_sub_type,
        count(*) as movements,
        count(direction) as measured_movements,
        count(*) filter (where quantity < 0) / count(*) as negative_share,
        count(*) filter (where direction = 1) / nullif(count(direction), 0) as as_stored_share
    from steps
    group by all
)

select
    shares.document_type,
    shares.document_sub_type,
    shares.movements,
    shares.measured_movements,
    shares.negative_share,
    shares.as_stored_share,
    case
        when overrides.stored_sign is not null then overrides.stored_sign
        when shares.measured_movements < {{ parameter('sign_minimum_documents') }} then 'per_movement'
        when shares.as_stored_share >= {{ parameter('sign_share_negative') }} then 'as_stored'
        when shares.as_stored_share <= {{ parameter('sign_share_positive') }} then 'reversed'
        else 'per_movement'
    end as stored_sign,
    overrides.stored_sign is not null as is_override
from shares
left join overrides
    on
        shares.document_type = overrides.document_type
        and shares.document_sub_type = overrides.document_sub_type
