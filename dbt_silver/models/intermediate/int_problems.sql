{#
    Which repair solved a problem at the first visit: one row per Done repair.

    A problem = the Done repairs of one equipment (none: of one customer and product), each at most `problem_gap_days` after the
    one before. Its first visit is right when it stands alone, wrong when a return followed, NULL until the days have passed; a
    return visit is NULL, since it is no first visit.
-#}
with repairs as (
    select
        event_id,
        start_at,
        cast(start_at as date) as day,
        coalesce(
            'equipment|' || upper(equipment_code),
            'customer|' || upper(customer_id) || '|' || upper(coalesce(item_code, ''))
        ) as problem
    from {{ ref('int_events') }}
    where is_intervention and intervention_type = 'Repair' and state = 'Done'
),

neighbours as (
    select
        event_id,
        day,
        day - lag(day) over visits <= {{ parameter('problem_gap_days') }} as is_return,
        lead(day) over visits - day <= {{ parameter('problem_gap_days') }} as has_return
    from repairs
    window visits as (partition by problem order by start_at, event_id)
)

select
    neighbours.event_id,
    coalesce(neighbours.is_return, false) as is_return,
    case
        when coalesce(neighbours.is_return, false) then null
        when neighbours.day + {{ parameter('problem_gap_days') }} > bounds.as_of then null
        else not coalesce(neighbours.has_return, false)
    end as is_first_call_resolution
from neighbours
cross join {{ ref('int_as_of') }} as bounds
