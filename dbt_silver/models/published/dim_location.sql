{{ config(tags=['dimension']) }}
with communes as (select * from {{ ref('int_communes') }}),

states as (select * from {{ ref('stg_state') }}),

countries as (
    select
        coalesce(country_codes.country_code, captions.code) as country_code,
        min(captions.caption) as name
    from {{ ref('stg_captions') }} as captions
    left join {{ ref('country_code') }} as country_codes on captions.code = country_codes.raw_code
    where captions.list_name = 'country'
    group by all
),

listed as (
    select
        country_code,
        zipcode,
        city,
        min(state_id) as state_id,
        min(insee_code) as insee_code
    from {{ ref('stg_zipcode') }}
    where zipcode is not null or city is not null
    group by all
),

pairs as (
    select
        coalesce(listed.country_code, places.country_code) as country_code,
        coalesce(listed.zipcode, places.zipcode) as zipcode,
        coalesce(listed.city, places.city) as city,
        {{ town_key('coalesce(listed.city, places.city)') }} as town,
        coalesce(listed.insee_code, places.insee_code) as insee_code,
        listed.state_id,
        {{ has_french_postcodes('coalesce(listed.country_code, places.country_code)') }} as is_french,
        listed.country_code is null as is_inferred
    from listed
    full outer join {{ ref('int_places') }} as places
        on
            listed.country_code = places.country_code
            and listed.zipcode is not distinct from places.zipcode
            and listed.city is not distinct from places.city
),

by_insee as (
    select distinct insee_code from communes
),

-- Of two communes that share a name, the larger one is meant.
by_name_and_postcode as (
    select
        zipcode,
        town,
        arg_max(insee_code, coalesce(population, 0)) as insee_code
    from communes
    where zipcode is not null
    group by all
),

-- For the postcodes of CEDEX, which no commune has: a name that is the only one of its department.
by_name_and_department as (
    select
        department_code,
        town,
        min(insee_code) as insee_code
    from communes
    group by all
    having count(distinct insee_code) = 1
),

by_postcode as (
    select
        zipcode,
        avg(latitude) as latitude,
        avg(longitude) as longitude,
        if(count(distinct department_code) = 1, min(department_code), null) as department_code,
        if(count(distinct department_code) = 1, min(department), null) as department,
        if(count(distinct department_code) = 1, min(region), null) as region
    from communes
    where zipcode is not null
    group by all
),

found as (
    select
        pairs.*,
        coalesce(by_insee.insee_code, by_name_and_postcode.insee_code, by_name_and_department.insee_code)
            as commune_code,
        case
            when by_insee.insee_code is not null then 'insee_code'
            when by_name_and_postcode.insee_code is not null then 'name_and_postcode'
            when by_name_and_department.insee_code is not null then 'name_and_department'
            when by_postcode.zipcode is not null then 'postcode'
        end as commune_match,
        by_postcode.latitude as postcode_latitude,
        by_postcode.longitude as postcode_longitude,
        by_postcode.department_code as postcode_department_code,
        by_postcode.department as postcode_department,
        by_postcode.region as postcode_region
    from pairs
    -- What an outer join asks of its left side stands in the key: beside it, DuckDB would compare every pair of rows.
    left join by_insee on if(pairs.is_french, pairs.insee_code, null) = by_insee.insee_code
    left join by_name_and_postcode
        on
            if(pairs.is_french, pairs.zipcode, null) = by_name_and_postcode.zipcode
            and pairs.town = by_name_and_postcode.town
    left join by_postcode on if(pairs.is_french, pairs.zipcode, null) = by_postcode.zipcode
    -- Corsica's postcodes begin with 20 and its departments with 2A and 2B: a CEDEX there is left to the INSEE code.
    left join by_name_and_department
        on
            by_name_and_department.department_code
            = if(pairs.zipcode[:2] = '97', pairs.zipcode[:3], pairs.zipcode[:2])
            and if(pairs.is_french and by_postcode.zipcode is null, pairs.town, null) = by_name_and_department.town
),

described as (
    select
        insee_code,
        any_value(department_code) as department_code,
        any_value(department) as department,
        any_value(region) as region,
        any_value(population) as population,
        any_value(area_km2) as area_km2,
        any_value(potential_customers) as potential_customers,
        any_value(latitude) as latitude,
        any_value(longitude) as longitude,
        any_value(coordinate_precision) as coordinate_precision
    from communes
    group by all
)

select
    {{ location_key('found.country_code', 'found.zipcode', 'found.city') }} as location_key,
    found.zipcode,
    found.city,
    states.name as state,
    found.country_code,
    coalesce(countries.name, found.country_code) as country_name,
    found.commune_code as insee_code,
    coalesce(described.latitude, found.postcode_latitude) as latitude,
    coalesce(described.longitude, found.postcode_longitude) as longitude,
    case
        when described.latitude is not null then described.coordinate_precision
        when found.postcode_latitude is not null then 'postcode'
    end as coordinate_precision,
    found.commune_match,
    coalesce(described.region, found.postcode_region) as region,
    coalesce(described.department_code, found.postcode_department_code) as department_code,
    coalesce(described.department, found.postcode_department) as department,
    described.population,
    described.population / nullif(described.area_km2, 0) as density,
    described.potential_customers,
    case when described.population >= 2000 then 'Urbain' when described.population is not null then 'Rural' end
        as urban_rural_flag,
    found.is_inferred
from found
left join described on found.commune_code = described.insee_code
left join states on found.state_id = states.state_id
left join countries on found.country_code = countries.country_code
union all by name
select
    {{ member_key('unknown') }} as location_key,
    false as is_inferred
