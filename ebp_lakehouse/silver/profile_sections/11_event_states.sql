-- States of appointments against what happened
-- A code that the seed does not know is decided appointment by appointment, by progress, time spent or invoice; a
-- line is proposed where 95 % of its appointments agree.
with counted as (
    select
        state_code as code,
        count(*) as appointments,
        count(*) filter (where percent_complete >= 100) as complete,
        count(*) filter (where percent_complete > 0 and percent_complete < 100) as started,
        count(*) filter (where achieved_minutes > 0) as with_time,
        count(*) filter (where invoice_id is not null) as invoiced,
        count(*) filter (where is_future_dated) as ahead,
        count(*) filter (where percent_complete >= 100 or achieved_minutes > 0 or invoice_id is not null) as done
    from intermediate.int_events
    group by all
),

judged as (
    select
        *,
        case
            when done >= 0.95 * appointments then 'Done'
            when done = 0 and ahead >= 0.95 * appointments then 'Scheduled'
        end as evidence
    from counted
)

select
    judged.code,
    coalesce(known.meaning, 'not in seed') as meaning,
    known.confidence,
    appointments,
    complete as "100 %",
    started,
    with_time as "with time",
    invoiced,
    ahead,
    case
        when judged.code is null or known.meaning is not null or evidence is null then []
        else
            [
                proposal(
                    'field_code.csv',
                    concat('event_state,', judged.code, ',', evidence, ',low,', appointments, ' appointments')
                )
            ]
    end as proposals
from judged
left join seeds.field_code as known on known.list_name = 'event_state' and judged.code = known.code
order by judged.code
