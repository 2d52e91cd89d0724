-- Days of the schedules
-- EBP counts days 0 to 6 and says nowhere which is Monday: the two days in a row with the fewest people at work
-- are taken as the weekend.
select
    day_index as "index",
    count(*) filter (where minutes > 0) as "people at work",
    round(sum(minutes) / 60, 1) as hours,
    case any_value(weekday)
        when 1 then 'Monday' when 2 then 'Tuesday' when 3 then 'Wednesday' when 4 then 'Thursday' when 5 then 'Friday'
        when 6 then 'Saturday' else 'Sunday'
    end as "read as",
    case
        when
            any_value(weekday) = 1 and sum(sum(minutes)) over () > 0
            then [proposal('parameters', 'monday_index: ' || day_index)]
        else []
    end as proposals
from intermediate.int_day_schedules
group by day_index
order by day_index
