-- Types of lines by level, against the header
-- "reached": documents with an amount on such lines whose counted lines make the header's HT (without shipping and
-- charges). "reached if counted": those whose header is made only when these lines count too. Types that do not count
-- should have none.
with lines as (
    select
        'sale' as side,
        l.line_id,
        l.document_id,
        l.line_type,
        l.bundle_level,
        l.net,
        coalesce(r.line_role = 'counted', false) as is_counted,
        d.total_excl_tax - d.shipping_amount - d.charges_amount as header,
        d.ecotax_amount
    from staging.stg_sale_document_line as l
    inner join intermediate.int_sale_documents as d on l.document_id = d.document_id
    left join intermediate.int_sale_lines as r using (line_id)
    union all
    select
        'purchase' as side,
        l.line_id,
        l.document_id,
        l.line_type,
        l.bundle_level,
        l.net,
        coalesce(r.line_role = 'counted', false) as is_counted,
        d.total_excl_tax - d.shipping_amount - d.charges_amount as header,
        d.ecotax_amount
    from staging.stg_purchase_document_line as l
    inner join intermediate.int_purchase_documents as d on l.document_id = d.document_id
    left join intermediate.int_purchase_lines as r using (line_id)
),

judged as (
    select
        *,
        any_value(header) over document - coalesce(sum(net) filter (where is_counted) over document, 0) as gap
    from lines
    window document as (partition by side, document_id)
),

by_document as (
    select
        side,
        document_id,
        line_type,
        bundle_level,
        count(*) as lines,
        count(*) filter (where is_counted) as counted_lines,
        sum(net) as net,
        sum(net) filter (where not is_counted) as uncounted_net,
        abs(any_value(gap)) <= 0.05 or abs(any_value(gap - ecotax_amount)) <= 0.05 as is_reached,
        abs(any_value(gap) - coalesce(sum(net) filter (where not is_counted), 0)) <= 0.05 as is_reached_with
    from judged
    group by all
),

by_type as (
    select
        side,
        line_type as type,
        bundle_level as level,
        cast(sum(lines) as bigint) as lines,
        cast(sum(counted_lines) as bigint) as counted,
        sum(net) as net,
        count(*) filter (where net <> 0) as documents,
        count(*) filter (where net <> 0 and is_reached) as reached,
        count(*) filter (where coalesce(uncounted_net, 0) <> 0 and not is_reached and is_reached_with)
            as reached_if_counted
    from by_document
    group by all
),

totals as (
    select
        type,
        cast(sum(lines) as bigint) as lines,
        sum(reached_if_counted) > sum(reached) as is_needed
    from by_type
    where type not in (select line_type from seeds.line_type)
    group by all
)

select
    side,
    by_type.type,
    level,
    coalesce(known.meaning, 'not in seed') as meaning,
    by_type.lines,
    counted,
    net,
    documents,
    reached,
    reached_if_counted as "reached if counted",
    case
        when totals.type is null then []
        else [proposal(
            'line_type.csv',
            concat(
                totals.type, case when totals.is_needed then ',Item,true' else ',Text,false' end, ',low,', totals.lines,
                case
                    when totals.is_needed then ' lines; headers are reached with them' else
                        ' lines; headers do not need them'
                end
            )
        )]
    end as proposals
from by_type
left join seeds.line_type as known on by_type.type = known.line_type
left join totals on by_type.type = totals.type
order by side desc, by_type.type, level
