-- Movements of stock: what they are and how they are stored
-- Measured against the step of the stock at each movement; "as_stored" (as is): what enters is positive.
with sales as (
    select
        m.document_type,
        m.document_sub_type,
        count(*) filter (where d.document_id is not null) > 0.5 * count(*) as is_sale
    from staging.stg_stock_movement as m
    left join staging.stg_sale_document as d on m.document_id = d.document_id
    group by all
)

select
    s.document_type as type,
    s.document_sub_type as "sub",
    coalesce(k.kind, case when sales.is_sale then 'Sale' else 'Other' end) as kind,
    coalesce(k.confidence, 'none') as "seed",
    s.movements as moves,
    s.measured_movements as measured,
    round(100 * s.negative_share, 1) as "neg. %",
    round(100 * s.as_stored_share, 1) as "as is %",
    s.stored_sign as "stored",
    case when s.is_override then 'seed' else 'measured' end as "by",
    list_filter([
        case
            when k.kind is null and s.document_type is not null and s.document_sub_type is not null
                then proposal(
                    'stock_movement_kind.csv',
                    concat(
                        s.document_type, ',', s.document_sub_type,
                        case when sales.is_sale then ',Sale,true,low,' else ',Other,false,low,' end,
                        s.movements,
                        ' movements'
                    )
                )
        end,
        case
            when
                not s.is_override and s.stored_sign <> 'per_movement' and s.document_type is not null
                and s.document_sub_type is not null
                then proposal(
                    'stock_movement_sign.csv',
                    concat(
                        s.document_type,
                        ',',
                        s.document_sub_type,
                        ',',
                        s.stored_sign,
                        ',high,measured on ',
                        s.measured_movements,
                        ' movements'
                    )
                )
        end
    ], lambda line: line is not null) as proposals
from intermediate.int_stock_movement_sign as s
left join
    seeds.stock_movement_kind as k
    on s.document_type = k.document_type and s.document_sub_type = k.document_sub_type
left join sales
    on
        s.document_type is not distinct from sales.document_type
        and s.document_sub_type is not distinct from sales.document_sub_type
order by 1, 2
