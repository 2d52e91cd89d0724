-- Categories of activities against the captions of their types
-- Of activities with a customer. A line is proposed where the captions of a code agree; where they differ, each
-- activity is better told by its own.
with activities as (
    select
        a.category_code as code,
        a.is_automatic,
        types.caption,
        case
            when a.reminder_letter_id is null and a.document_id is null and a.event_id is null then f.activity_type
        end as activity_type
    from staging.stg_activity as a
    inner join silver.fact_customer_activity as f on md5(a.activity_id) = f.activity_key
    left join staging.stg_captions as types on types.list_name = 'schedule_event_type' and a.type_id = types.code
),

captions as (
    select
        code,
        string_agg(caption || ' (' || row_count || ')', ', ' order by row_count desc, caption) as captions
    from (
        select
            code,
            caption,
            count(*) as row_count
        from activities
        where caption is not null
        group by code, caption
        qualify row_number() over (partition by code order by count(*) desc, caption) <= 3
    ) as counted
    group by all
),

counted as (
    select
        code,
        count(*) as activities,
        count(*) filter (where is_automatic) as automatic,
        coalesce(min(activity_type) filter (where activity_type <> 'Other'), 'Other') as usual,
        count(distinct activity_type) filter (where activity_type <> 'Other') <= 1 as is_told
    from activities
    group by all
)

select
    counted.code,
    coalesce(known.meaning, 'not in seed') as meaning,
    known.confidence,
    activities,
    automatic,
    captions.captions,
    case
        when counted.code is null or known.meaning is not null or not is_told then []
        else
            [
                proposal(
                    'field_code.csv',
                    concat('activity_category,', counted.code, ',', usual, ',low,', activities, ' activities')
                )
            ]
    end as proposals
from counted
left join captions on counted.code = captions.code
left join seeds.field_code as known on known.list_name = 'activity_category' and counted.code = known.code
order by counted.code
