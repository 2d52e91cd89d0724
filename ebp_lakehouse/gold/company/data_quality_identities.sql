-- What gold.data_quality must satisfy: as many refused values as rows of silver.rejects.
with figures as (
    select
        coalesce((select sum(rejected_values) from computed.data_quality), 0) as counted,
        (select count(*) from silver.rejects) as listed
)

select counted || ' values are counted as refused, ' || listed || ' are listed' as problem
from figures
where counted <> listed
