{{ config(tags=['quality']) }}
select
    md5(concat_ws('|', source_table, source_column, rule)) as count_key,
    *
from {{ ref('int_reject_counts') }}
