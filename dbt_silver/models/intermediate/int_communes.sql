{#
    The communes reference by postcode: one row per commune and postcode, with the name that towns are compared by.
    Paris, Lyon and Marseille are their districts, never the whole town too: populations must not count twice.
-#}
with communes as {{ optional_file('EBP_DBT_COMMUNES', {
    'insee_code': 'varchar', 'name': 'varchar', 'postcodes': 'varchar', 'department_code': 'varchar',
    'department': 'varchar', 'region': 'varchar', 'population': 'integer', 'latitude': 'double', 'longitude': 'double',
    'coordinate_precision': 'varchar',
}) }},

areas as {{ user_file('commune_area') }},

market_sizes as {{ user_file('market_size') }},

commune_markets as (
    select
        insee_code,
        max(potential_customers) as potential
    from market_sizes
    where insee_code is not null
    group by all
),

department_markets as (
    select
        department_code,
        max(potential_customers) as potential
    from market_sizes
    where insee_code is null and department_code is not null
    group by all
),

counted as (
    select
        *,
        sum(population) over (partition by department_code) as department_population
    from communes
    where insee_code not in ('75056', '69123', '13055')
)

select
    counted.insee_code,
    {{ town_key('counted.name') }} as town,
    nullif(unnest(regexp_split_to_array(coalesce(counted.postcodes, ''), '[^0-9]+')), '') as zipcode,
    counted.department_code,
    counted.department,
    counted.region,
    counted.population,
    areas.area_km2,
    {# A department's potential is shared out by inhabitants: sales are counted by commune. -#}
    coalesce(
        commune_markets.potential,
        department_markets.potential * counted.population / nullif(counted.department_population, 0)
    ) as potential_customers,
    counted.latitude,
    counted.longitude,
    nullif(counted.coordinate_precision, 'none') as coordinate_precision
from counted
left join areas on counted.insee_code = areas.insee_code
left join commune_markets on counted.insee_code = commune_markets.insee_code
left join department_markets on counted.department_code = department_markets.department_code
