{#
    What documents say of a supplier over the parameter supplier_months up to int_as_of: OTIF, lead time, defects, price,
    terms kept by us, and the score of dim_supplier.rating. One row per supplier that has a document or an instalment.
    Numerators and denominators stay beside their rates, so that another period or total is a sum, not a mean of means.
-#}
with as_of as (
    select
        as_of as period_end,
        cast(as_of - to_months(cast({{ parameter('supplier_months') }} as integer)) + interval 1 day as date)
            as period_start
    from {{ ref('int_as_of') }}
),

supplier_codes as {{ code_map(ref('int_supplier_versions'), 'supplier_id') }},

documents as (
    select
        documents.*,
        coalesce(supplier_codes.supplier_id, documents.supplier_code) as supplier_id
    from {{ ref('int_purchase_documents') }} as documents
    left join supplier_codes on upper(documents.supplier_code) = supplier_codes.code_match
    where documents.supplier_code is not null
),

lines as (
    select * from {{ ref('int_purchase_lines') }}
    where line_role = 'counted'
),

receipts as (select * from {{ ref('int_purchase_receipts') }}),

commitments as (select * from {{ ref('stg_purchase_commitment') }}),

-- One row per counted line or header amount of the period and before, signed.
amounts as (
    select
        documents.supplier_id,
        documents.document_id,
        documents.document_date,
        documents.kind,
        upper(lines.item_code) as item_match,
        documents.document_date between as_of.period_start and as_of.period_end as is_in_period,
        documents.sign_factor * amounts.net as net,
        documents.sign_factor * coalesce(lines.quantity, 0) as quantity,
        amounts.line_id
    from {{ ref('int_purchase_amounts') }} as amounts
    inner join documents on amounts.document_id = documents.document_id
    left join lines on amounts.line_id = lines.line_id
    cross join as_of
    where documents.document_date <= as_of.period_end
),

receptions as (select * from {{ ref('int_purchase_receptions') }}),

volumes as (
    select
        amounts.supplier_id,
        coalesce(sum(amounts.net) filter (where amounts.kind in ('Invoice', 'CreditNote')), 0) as spend,
        coalesce(sum(receptions.brought_quantity), 0) as received_quantity,
        coalesce(sum(receptions.taken_back_quantity), 0) as returned_quantity
    from amounts
    left join receptions on amounts.line_id = receptions.line_id
    where amounts.is_in_period
    group by all
),

orders as (
    select
        documents.supplier_id,
        count(*) as order_count
    from documents
    cross join as_of
    where documents.kind = 'Order' and documents.document_date between as_of.period_start and as_of.period_end
    group by all
),

due_lines as (
    select
        documents.supplier_id,
        receipts.quantity,
        receipts.received_quantity,
        coalesce(receipts.complete_receipt_date <= as_of.period_end, false) as is_complete,
        coalesce(
            receipts.complete_receipt_date <= receipts.promised_date + {{ parameter('on_time_tolerance_days') }}, false
        ) as is_on_time_in_full,
        coalesce(
            receipts.first_receipt_date <= receipts.promised_date + {{ parameter('on_time_tolerance_days') }}, false
        ) as is_on_time,
        -- An order typed after what it brought tells no delay.
        case
            when receipts.complete_receipt_date >= receipts.order_date
                then receipts.complete_receipt_date - receipts.order_date
        end as lead_time_days
    from receipts
    inner join documents on receipts.document_id = documents.document_id
    cross join as_of
    where receipts.promised_date between as_of.period_start and as_of.period_end and receipts.quantity > 0
),

deliveries as (
    select
        supplier_id,
        count(*) as due_line_count,
        count(*) filter (where is_on_time_in_full) as on_time_in_full_count,
        count(*) filter (where is_on_time) as on_time_count,
        count(*) filter (where is_complete) as in_full_count,
        sum(quantity) as due_quantity,
        sum(least(received_quantity, quantity)) as filled_quantity,
        sum(quantity) filter (where is_complete and lead_time_days is not null) as complete_quantity,
        sum(cast(quantity as double) * lead_time_days) filter (where is_complete) as lead_time_sum,
        sum(cast(quantity as double) * lead_time_days * lead_time_days) filter (where is_complete) as lead_time_squares
    from due_lines
    group by all
),

-- Our own market: the mean price of the item over all suppliers in the twelve months before the day of the line.
invoiced as (
    select
        *,
        sum(net) over before_the_line as market_net,
        sum(quantity) over before_the_line as market_quantity
    from amounts
    where kind = 'Invoice' and item_match is not null and quantity > 0
    window before_the_line as (
        partition by item_match order by cast(document_date as timestamp)
        range between interval 12 months preceding and interval 1 day preceding
    )
),

prices as (
    select
        supplier_id,
        sum(cast(net as double)) as priced_amount,
        sum(cast(quantity as double) * cast(market_net as double) / cast(market_quantity as double)) as market_amount
    from invoiced
    where is_in_period and market_quantity > 0 and market_net > 0
    group by all
),

paid_in_time as (
    select
        associations.commitment_id,
        sum(abs(associations.assigned_amount)) as paid_amount
    from {{ ref('stg_purchase_settlement_commitment') }} as associations
    inner join {{ ref('stg_purchase_settlement') }} as settlements
        on associations.settlement_id = settlements.settlement_id
    inner join commitments on associations.commitment_id = commitments.commitment_id
    where settlements.settlement_date <= commitments.due_date and not settlements.is_rejected
    group by all
),

-- Credit notes are no debt of ours: their instalments have no term to keep.
terms as (
    select
        documents.supplier_id,
        sum(commitments.amount) as due_amount,
        sum(least(coalesce(paid_in_time.paid_amount, 0), commitments.amount)) as paid_in_time_amount
    from commitments
    inner join documents on commitments.document_id = documents.document_id
    left join paid_in_time on commitments.commitment_id = paid_in_time.commitment_id
    cross join as_of
    where
        commitments.due_date between as_of.period_start and as_of.period_end
        and documents.kind = 'Invoice' and commitments.amount > 0
    group by all
),

rates as (
    select
        suppliers.supplier_id,
        as_of.period_start,
        as_of.period_end,
        coalesce(orders.order_count, 0) as order_count,
        {{ amount('coalesce(volumes.spend, 0)') }} as spend,
        coalesce(deliveries.due_line_count, 0) as due_line_count,
        deliveries.on_time_in_full_count,
        deliveries.due_quantity,
        volumes.received_quantity,
        volumes.returned_quantity,
        prices.priced_amount,
        prices.market_amount,
        terms.due_amount,
        terms.paid_in_time_amount,
        deliveries.on_time_in_full_count / deliveries.due_line_count as on_time_in_full_rate,
        deliveries.on_time_count / deliveries.due_line_count as on_time_rate,
        deliveries.in_full_count / deliveries.due_line_count as in_full_rate,
        cast(deliveries.filled_quantity as double) / cast(deliveries.due_quantity as double) as line_fill_rate,
        case
            when volumes.received_quantity > 0
                then cast(volumes.returned_quantity as double) / cast(volumes.received_quantity as double)
        end as defect_rate,
        deliveries.lead_time_sum / deliveries.complete_quantity as lead_time_days,
        case
            when deliveries.complete_quantity > 0
                then sqrt(greatest(
                    0, deliveries.lead_time_squares / deliveries.complete_quantity
                    - pow(deliveries.lead_time_sum / deliveries.complete_quantity, 2)
                ))
        end as lead_time_std_days,
        (prices.priced_amount - prices.market_amount) / prices.market_amount * 100 as price_variance_percent,
        cast(terms.paid_in_time_amount as double) / cast(terms.due_amount as double) as terms_compliance_rate
    from (select distinct supplier_id from documents) as suppliers
    cross join as_of
    left join orders on suppliers.supplier_id = orders.supplier_id
    left join volumes on suppliers.supplier_id = volumes.supplier_id
    left join deliveries on suppliers.supplier_id = deliveries.supplier_id
    left join prices on suppliers.supplier_id = prices.supplier_id
    left join terms on suppliers.supplier_id = terms.supplier_id
),

-- A part that is not known drops out and the others weigh more (V12): greatest and least would make 0 or 1 of it.
weighted as (
    select
        *,
        [
            {weight: {{ parameter('supplier_weight_delivery') }}, part: on_time_in_full_rate},
            {weight: {{ parameter('supplier_weight_quality') }}, part: case
                when defect_rate is not null
                    then 1 - least(1, defect_rate / {{ parameter('supplier_defect_limit') }})
            end},
            {weight: {{ parameter('supplier_weight_price') }}, part: case
                when price_variance_percent is not null
                    then
                        1 - least(
                            1, greatest(0, price_variance_percent / {{ parameter('supplier_price_limit_percent') }})
                        )
            end},
            {weight: {{ parameter('supplier_weight_regularity') }}, part: case
                when lead_time_days > 0 then 1 - least(1, lead_time_std_days / lead_time_days)
                when lead_time_days = 0 then 1
            end}
        ] as parts
    from rates
)

select
    * exclude (parts),
    case
        when due_line_count >= {{ parameter('supplier_minimum_lines') }}
            then
                100 * list_sum([p.weight * p.part for p in parts if p.part is not null])
                / list_sum([p.weight for p in parts if p.part is not null])
    end as score
from weighted
