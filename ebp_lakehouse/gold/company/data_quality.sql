-- gold.data_quality: one row per EBP column that cleaning judges, and rule; formulas in data_quality.py.
select
    source_table,
    source_column,
    rule,
    filled_values,
    rejected_values,
    case when filled_values > 0 then rejected_values / filled_values * 100 end as rejected_share_percent
from silver.reject_counts
order by source_table, source_column, rule
