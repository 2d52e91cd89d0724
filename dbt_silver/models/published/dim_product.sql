{{ config(tags=['dimension']) }}
with versions as (select * from {{ ref('int_item_versions') }}),

captions as (select * from {{ ref('stg_captions') }}),

item_types as (select * from {{ ref('item_type') }}),

vat_rates as (select * from {{ ref('stg_vat') }}),

bundles as (
    select distinct parent_match from {{ ref('stg_item_component') }}
),

supplier_codes as {{ code_map(ref('int_supplier_versions'), 'supplier_id') }},

supplier_items as (
    select * from {{ ref('stg_supplier_item') }}
    qualify row_number() over (partition by item_match, upper(supplier_id) order by not is_main, supplier_id) = 1
),

main_suppliers as (
    select
        item_match,
        arg_min(supplier_id, upper(supplier_id)) as supplier_id
    from supplier_items
    where is_main
    group by item_match
),

references_ as (select * from {{ ref('stg_third_reference') }}),

products as (
    select
        {{ version_key('versions.durable_id', 'versions.version_from') }} as product_key,
        versions.durable_id as product_id,
        versions.uid as product_uid,
        versions.former_ids,
        versions.name,
        coalesce(versions.manufacturer_reference, references_.reference, versions.durable_id) as reference,
        versions.barcode,
        case
            when versions.family_code is not null then coalesce(families.caption, '(' || versions.family_code || ')')
        end as family_name,
        case
            when
                versions.subfamily_code is not null
                then coalesce(subfamilies.caption, '(' || versions.subfamily_code || ')')
        end as subfamily_name,
        groups.caption as category_l3,
        case
            when item_types.type is not null then item_types.type
            when bundles.parent_match is not null then 'Bundle'
            when versions.is_service_flagged then 'Service'
            when versions.is_stock_managed then 'Good'
            else 'Unknown'
        end as type,
        units.caption as unit,
        {{ amount('versions.cost_price') }} as cost_price,
        {{ amount('versions.selling_price') }} as selling_price,
        case
            when versions.selling_price > 0
                then
                    cast(versions.selling_price - versions.cost_price as double)
                    / cast(versions.selling_price as double)
                    * 100
        end as margin_percent,
        {{ amount('versions.purchase_price') }} as purchase_price,
        {{ amount('versions.pump') }} as pump,
        versions.is_active,
        versions.is_stock_managed,
        coalesce(supplier_codes.supplier_id, main_suppliers.supplier_id, versions.supplier_id) as main_supplier_id,
        cast(supplier_items.lead_time_days as integer) as lead_time_days,
        {{ amount('supplier_items.order_minimum_quantity') }} as order_minimum_quantity,
        {{ amount('supplier_items.order_multiple_quantity') }} as order_multiple_quantity,
        versions.is_active
        and versions.is_stock_managed
        and not versions.is_ordered_per_sale
        and versions.replaced_by is null as is_replenished,
        cast(vat_rates.rate as double) as vat_rate,
        true as is_commercial_product,
        coalesce(versions.is_maintenance_contract, false) as is_maintenance_contract,
        versions.version_from as valid_from,
        versions.version_to as valid_to,
        versions.is_current
    from versions
    left join captions as families on families.list_name = 'item_family' and versions.family_code = families.code
    left join
        captions as subfamilies
        on subfamilies.list_name = 'item_sub_family' and versions.subfamily_code = subfamilies.code
    left join
        captions as groups
        on groups.list_name = 'classification_group' and versions.group1_id = lower(groups.code)
    left join captions as units on units.list_name = 'unit' and versions.unit_code = units.code
    left join item_types on versions.item_type = item_types.item_type
    left join vat_rates on versions.vat_id = vat_rates.vat_id
    left join bundles on upper(versions.durable_id) = bundles.parent_match
    left join main_suppliers on upper(versions.durable_id) = main_suppliers.item_match
    left join supplier_codes
        on upper(coalesce(main_suppliers.supplier_id, versions.supplier_id)) = supplier_codes.code_match
    -- What he asks for the item, whether he is marked as its main supplier there or named on the item.
    left join supplier_items
        on
            upper(versions.durable_id) = supplier_items.item_match
            and upper(coalesce(main_suppliers.supplier_id, versions.supplier_id)) = upper(supplier_items.supplier_id)
    left join references_ on supplier_items.reference_id = references_.reference_id
),

members as (
    select unnest([
        {member: 'unknown', label: 'Inconnu'},
        {member: 'orphan', label: 'Article absent du fichier'},
        {member: 'NO_ITEM', label: 'Ligne libre sans article'},
        {member: 'PORT', label: 'Port'},
        {member: 'FRAIS', label: 'Frais de facturation'},
        {member: 'ECOTAXE', label: 'Éco-contribution'},
        {member: 'ECART', label: 'Écart entre pièce et lignes'}
    ], recursive := true)
)

select
    product_key,
    product_id,
    product_uid,
    former_ids,
    name,
    reference,
    barcode,
    family_name,
    subfamily_name,
    family_name as category_l1,
    subfamily_name as category_l2,
    category_l3,
    type,
    unit,
    cost_price,
    selling_price,
    margin_percent,
    purchase_price,
    pump,
    is_active,
    is_stock_managed,
    main_supplier_id,
    lead_time_days,
    order_minimum_quantity,
    order_multiple_quantity,
    is_replenished,
    vat_rate,
    is_commercial_product,
    is_maintenance_contract,
    valid_from,
    valid_to,
    is_current
from products
union all by name
select
    md5(member) as product_key,
    case when member in ('unknown', 'orphan') then '(' || member || ')' else member end as product_id,
    label as name,
    'Unknown' as type,
    false as is_active,
    false as is_stock_managed,
    false as is_replenished,
    false as is_commercial_product,
    false as is_maintenance_contract,
    timestamp '1900-01-01' as valid_from,
    true as is_current
from members
