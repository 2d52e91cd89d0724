{# How much of each column cleaning refused. Shown in the metadata of rejects. -#}
select
    source_table,
    source_column,
    rule,
    count(*) as filled_values,
    count(*) filter (where is_rejected) as rejected_values,
    count(*) filter (where is_rejected) / count(*) as rejected_share
from {{ ref('int_checked_values') }}
group by all
order by rejected_values desc
