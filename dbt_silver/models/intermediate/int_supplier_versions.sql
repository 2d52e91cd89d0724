{{ type_two_versions(ref('stg_supplier'), [
    'name', 'type_code', 'family_code', 'settlement_mode_code', 'is_active', 'street', 'city', 'zipcode', 'country_code',
    'contact_name', 'phone', 'email',
]) }}
