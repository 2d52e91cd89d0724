-- Hours of timestamps as stored
-- Days without a time stand at 0. Days that stand at 22 and 23 were shifted to UTC by the tool that copied EBP.
with moments as (
    select
        'documents' as what,
        "DocumentDate" as moment
    from lake.bronze.sale_document_current
    union all
    select
        'appointments' as what,
        "StartDateTime" as moment
    from lake.bronze.schedule_event_current
    union all
    select
        'activities' as what,
        "StartDateTime" as moment
    from lake.bronze.activity_current
    union all
    select
        'created' as what,
        "sysCreatedDate" as moment
    from lake.bronze.customer_current
),

shift as (
    select count(*) filter (where hour(moment) in (22, 23)) > 0.5 * count(moment) as is_shifted from moments
    where what = 'documents'
)

select
    hour(moment) as hour,
    count(*) filter (where what = 'documents') as "document dates",
    count(*) filter (where what = 'appointments') as "starts of appointments",
    count(*) filter (where what = 'activities') as "starts of activities",
    count(*) filter (where what = 'created') as "customers created",
    case
        when any_value(is_shifted) and hour(moment) in (22, 23) then [proposal('parameters', 'source_clock: utc')]
        else []
    end as proposals
from moments
cross join shift
where moment is not null
group by hour(moment)
order by 1
