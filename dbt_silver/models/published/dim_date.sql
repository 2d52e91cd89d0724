{{ config(tags=['dimension']) }}
with bounds as (select * from {{ ref('int_as_of') }}),

accounting_years as (select * from {{ ref('stg_accounting_year') }}),

holidays as {{ optional_file('EBP_DBT_HOLIDAYS', {'date': 'date', 'name': 'varchar', 'calendar': 'varchar'}) }},

days as (
    select cast(unnest(generate_series(calendar_start, calendar_end, interval 1 day)) as date) as date_value
    from bounds
),

-- Where no accounting year covers the day, the year starts on the first of the parameter's month.
fiscal as (
    select
        days.date_value,
        coalesce(
            accounting_years.starts_on,
            make_date(
                year(days.date_value)
                - cast(month(days.date_value) < {{ parameter('fiscal_year_start_month') }} as integer),
                {{ parameter('fiscal_year_start_month') }}, 1
            )
        ) as starts_on,
        coalesce(
            year(accounting_years.ends_on),
            year(days.date_value)
            - cast(month(days.date_value) < {{ parameter('fiscal_year_start_month') }} as integer)
            + cast({{ parameter('fiscal_year_start_month') }} > 1 as integer)
        ) as fiscal_year
    from days
    left join accounting_years on days.date_value between accounting_years.starts_on and accounting_years.ends_on
    qualify row_number() over (partition by days.date_value order by accounting_years.starts_on desc) = 1
),

named as (
    select
        fiscal.*,
        holidays.name as holiday_name,
        isodow(fiscal.date_value) as day_of_week
    from fiscal
    left join holidays
        on fiscal.date_value = holidays.date and holidays.calendar = '{{ parameter('holiday_calendar') }}'
),

calendar as (
    select
        cast(strftime(date_value, '%Y%m%d') as integer) as date_id,
        date_value,
        cast(year(date_value) as integer) as year,
        cast(quarter(date_value) as integer) as quarter,
        cast(month(date_value) as integer) as month,
        cast(weekofyear(date_value) as integer) as week,
        cast(isoyear(date_value) as integer) as iso_year,
        cast(day_of_week as integer) as day_of_week,
        ['lundi', 'mardi', 'mercredi', 'jeudi', 'vendredi', 'samedi', 'dimanche'][day_of_week] as day_name,
        ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'][day_of_week] as day_name_en,
        day_of_week >= 6 as is_weekend,
        holiday_name is not null as is_holiday,
        holiday_name,
        day_of_week < 6 and holiday_name is null
        {%- for closing in parameter('company_closings') %}
        and date_value not between date '{{ closing[0] }}' and date '{{ closing[1] }}'
        {%- endfor %} as is_business_day,
        cast(fiscal_year as integer) as fiscal_year,
        cast(least(4, 1 + datediff('month', starts_on, date_value) // 3) as integer) as fiscal_quarter,
        case
            when month(date_value) in (12, 1, 2) then 'hiver'
            when month(date_value) <= 5 then 'printemps'
            when month(date_value) <= 8 then 'été'
            else 'automne'
        end as season
    from named
),

members as (
    select unnest([-1, -2, -3]) as date_id
)

select * from calendar
union all by name
select
    cast(date_id as integer) as date_id,
    cast(null as date) as date_value
from members
