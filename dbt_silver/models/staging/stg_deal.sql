with source as (select * from {{ from_bronze('deal') }})

select
    {{ clean_code('"Id"') }} as deal_id,
    {{ match_code('"Id"') }} as deal_match,
    {{ clean_text('"Caption"') }} as caption,
    {{ wall_date('"DealDate"') }} as deal_date,
    "DealState" as state_code,
    "PredictedSales" as budget_sales,
    "PredictedCosts" as budget_costs,
    "PredictedDuration" as budget_hours,
    "AccomplishedSales" as ebp_sales,
    "AccomplishedCosts" as ebp_costs,
    "AccomplishedGrossMargin" as ebp_margin,
    "AccomplishedDuration" as ebp_hours
from source
where {{ clean_code('"Id"') }} is not null
