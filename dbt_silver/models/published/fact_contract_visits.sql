{{ config(tags=['fact']) }}
{# Visits due by the contract's periodicity, each with the appointment that was nearest to it. -#}
with bounds as (select * from {{ ref('int_as_of') }}),

periodicities as {{ meaning_of_codes('contract_periodicity') }},

contracts as (
    select
        contracts.*,
        bounds.calendar_start,
        bounds.calendar_end,
        least(bounds.as_of + interval 1 year, bounds.calendar_end) as horizon,
        case periodicities.meaning
            when 'Day' then to_days(contracts.periodicity_increment)
            when 'Week' then to_weeks(contracts.periodicity_increment)
            when 'Month' then to_months(contracts.periodicity_increment)
            when 'Year' then to_years(contracts.periodicity_increment)
        end as period
    from {{ ref('dim_contract') }} as contracts
    cross join bounds
    inner join periodicities on contracts.periodicity_type = periodicities.code
    where contracts.periodicity_increment > 0 and contracts.start_date >= date '1950-01-01'
),

-- A period has one day at least: the numbers to try are bounded by the days until the horizon.
numbered as (
    select
        contracts.*,
        unnest(range(
            1, 2 + cast(
                greatest(0, date_diff('day', start_date, horizon))
                // greatest(1, date_diff('day', start_date, start_date + period) - 3) as bigint
            )
        )) as visit_number
    from contracts
),

due as (
    select
        *,
        cast(start_date + visit_number * period - interval 1 day as date) as due_date,
        cast(start_date + (visit_number - 1) * period - interval 1 day as date) as previous_due_date,
        cast(start_date + (visit_number + 1) * period - interval 1 day as date) as next_due_date
    from numbered
),

windows as (
    select
        *,
        case
            when visit_number = 1 then start_date
            else previous_due_date + cast(date_diff('day', previous_due_date, due_date) // 2 as integer) + 1
        end as first_date,
        due_date + cast(date_diff('day', due_date, next_due_date) // 2 as integer) as last_date
    from due
    where due_date <= horizon and {{ contract_runs_on('due', 'due.due_date') }}
),

visits as (
    select
        intervention_key,
        upper(contract_id) as contract_match,
        cast(start_at as date) as visit_date
    from {{ ref('fact_interventions') }}
    where contract_id is not null and intervention_type = 'Maintenance' and state = 'Done'
)

select
    md5(upper(windows.contract_id) || '|' || windows.visit_number) as contract_visit_key,
    windows.contract_key,
    windows.contract_id,
    cast(windows.visit_number as integer) as visit_number,
    {{ date_key('windows.due_date', 'windows.calendar_start', 'windows.calendar_end') }} as due_date_key,
    windows.due_date,
    windows.first_date,
    windows.last_date,
    visits.intervention_key,
    visits.visit_date
from windows
left join visits
    on
        upper(windows.contract_id) = visits.contract_match
        and visits.visit_date between windows.first_date and windows.last_date
qualify row_number() over (
    partition by windows.contract_id, windows.visit_number
    order by abs(date_diff('day', windows.due_date, visits.visit_date)) nulls last, visits.intervention_key
) = 1
