-- Units of travel
-- ScheduleEvent."Maintenance_TravelDuration" is read as hours unless its median is above five.
select
    count(*) as appointments,
    min(s.travel_duration) as smallest,
    median(s.travel_duration) as median,
    max(s.travel_duration) as largest,
    case when any_value(e.travel_minutes / s.travel_duration) > 1.5 then 'hours' else 'minutes' end as "read as"
from intermediate.int_events as e
inner join (
    select
        event_id,
        travel_duration
    from staging.stg_schedule_event
    qualify row_number() over (partition by event_id order by valid_from desc) = 1
) as s on e.event_id = s.event_id
where s.travel_duration > 0
having count(*) > 0
