-- Line and display types of the calendar
-- A pair that the seed does not know is an event. Rows that never name a customer nor a person are none.
select
    e.line_type as "line type",
    e.display_type as "display type",
    coalesce(cast(k.is_event as varchar), 'not in seed') as "is event",
    count(*) as rows,
    count(e.customer_code) as "with customer",
    count(e.colleague_code) as "with colleague",
    count(*) filter (where e.is_exception) as exceptions,
    count(*) filter (where e.is_intervention) as interventions,
    case
        when e.line_type is null or e.display_type is null or k.is_event is not null then []
        else [proposal(
            'event_kind.csv',
            concat(
                e.line_type,
                ',',
                e.display_type,
                ',',
                count(e.customer_code) + count(e.colleague_code) > 0,
                ',low,',
                count(*),
                ' rows; ',
                count(e.customer_code), ' with a customer'
            )
        )]
    end as proposals
from intermediate.int_events as e
left join seeds.event_kind as k
    on e.line_type is not distinct from k.line_type and e.display_type is not distinct from k.display_type
group by e.line_type, e.display_type, k.is_event
order by 1, 2
