{{ config(tags=['dimension']) }}
with warehouses as (select * from {{ ref('stg_storehouse') }}),

-- A technician's van is the storehouse that a colleague points at; the main one is a depot whoever works there.
vans as (
    select coalesce(warehouse_id, '') as warehouse_id
    from (
        select * from {{ ref('stg_colleague') }}
        qualify row_number() over (partition by code_match order by valid_from desc) = 1
    ) as latest
    where not is_deleted
),

members as (
    select unnest([
        {member: 'unknown', label: 'Inconnu'}, {member: 'orphan', label: 'Dépôt absent du fichier'}
    ], recursive := true)
)

select
    md5(warehouse_id) as warehouse_key,
    warehouse_id,
    name,
    is_main,
    is_active,
    not is_main and warehouse_id in (select warehouse_id from vans) as is_van,
    zipcode,
    city,
    country_code,
    {{ location_key('country_code', 'zipcode', 'city') }} as location_key,
    cast(latitude as double) as latitude,
    cast(longitude as double) as longitude
from warehouses
union all by name
select
    md5(member) as warehouse_key,
    '(' || member || ')' as warehouse_id,
    label as name,
    false as is_main,
    false as is_active,
    false as is_van,
    {{ member_key('unknown') }} as location_key
from members
