{{ type_two_versions(ref('stg_customer'), [
    'name', 'is_individual', 'type_code', 'family_code', 'subfamily_code', 'group1_id', 'group2_id', 'salesperson_id',
    'settlement_mode_code', 'is_active', 'is_delivered_at_billing', 'billing_street', 'billing_city', 'billing_zipcode',
    'billing_country_code', 'delivery_street', 'delivery_city', 'delivery_zipcode', 'delivery_country_code',
    'delivery_insee_code', 'delivery_latitude', 'delivery_longitude',
    'billing_contact_full', 'delivery_contact_full', 'phone', 'email',
]) }}
