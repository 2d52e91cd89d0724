with source as (select * from {{ from_bronze('item_component') }})

select
    {{ match_code('"ParentItemId"') }} as parent_match,
    {{ match_code('"ItemId"') }} as item_match,
    "Quantity" as quantity
from source
where {{ match_code('"ParentItemId"') }} is not null
