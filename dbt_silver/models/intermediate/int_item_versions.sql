{{ type_two_versions(ref('stg_item'), [
    'name', 'family_code', 'subfamily_code', 'group1_id', 'item_type', 'unit_code', 'supplier_id', 'selling_price',
    'cost_price', 'is_active', 'is_stock_managed',
]) }}
