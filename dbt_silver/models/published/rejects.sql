{{ config(tags=['quality']) }}
with findings as (
    select * from {{ ref('int_checked_values') }}
    where is_rejected
)

select
    md5(concat_ws('|', source_table, source_key, source_column, rule)) as reject_key,
    source_table,
    source_key,
    source_column,
    rule,
    -- The shape of the value: every digit a 9, every run of letters an a.
    regexp_replace(regexp_replace(raw, '\p{L}+', 'a', 'g'), '\d', '9', 'g') as value_class,
    case when not is_personal then raw end as value,
    sha256(raw) as value_hash,
    rule in ('postcode', 'date') as is_kept
from findings
