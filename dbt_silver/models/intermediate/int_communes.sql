{#
    The communes reference by postcode: one row per commune and postcode, with the name that towns are compared by.
    Paris, Lyon and Marseille are their districts, never the whole town too: populations must not count twice.
-#}
with communes as {{ optional_file('EBP_DBT_COMMUNES', {
    'insee_code': 'varchar', 'name': 'varchar', 'postcodes': 'varchar', 'department_code': 'varchar',
    'department': 'varchar', 'region': 'varchar', 'population': 'integer', 'latitude': 'double', 'longitude': 'double',
    'coordinate_precision': 'varchar',
}) }},

areas as {{ optional_file('EBP_DBT_COMMUNE_AREA', {'insee_code': 'varchar', 'area_km2': 'double'}) }}

select
    communes.insee_code,
    {{ town_key('communes.name') }} as town,
    nullif(unnest(regexp_split_to_array(coalesce(communes.postcodes, ''), '[^0-9]+')), '') as zipcode,
    communes.department_code,
    communes.department,
    communes.region,
    communes.population,
    areas.area_km2,
    communes.latitude,
    communes.longitude,
    nullif(communes.coordinate_precision, 'none') as coordinate_precision
from communes
left join areas on communes.insee_code = areas.insee_code
where communes.insee_code not in ('75056', '69123', '13055')
