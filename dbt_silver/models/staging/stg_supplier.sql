{# Every version of every supplier, cleaned: the tracked attributes of dim_supplier are compared after cleaning. -#}
with source as (
    select
        *,
        coalesce({{ match_code('"MainInvoicingAddress_CountryIsoCode"') }}, 'FR') as raw_country
    from {{ from_bronze('supplier', history=true) }} as bronze
),

country_codes as (select * from {{ ref('country_code') }}),

with_country as (
    select
        source.*,
        coalesce(country_codes.country_code, source.raw_country) as country_code,
        coalesce(country_codes.phone_prefix, '33') as phone_prefix
    from source
    left join country_codes on source.raw_country = country_codes.raw_code
)

select
    {{ clean_code('"Id"') }} as code,
    {{ match_code('"Id"') }} as code_match,
    {{ clean_uuid('"UniqueId"') }} as uid,
    {{ clean_text('"Name"') }} as name,
    "SupplierType" as type_code,
    {{ match_code('"FamilyId"') }} as family_code,
    {{ match_code('"SettlementModeId"') }} as settlement_mode_code,
    coalesce("ActiveState", 0) = 0 as is_active,
    {{ join_address([
        clean_text('"MainInvoicingAddress_Address1"'), clean_text('"MainInvoicingAddress_Address2"'),
        clean_text('"MainInvoicingAddress_Address3"'), clean_text('"MainInvoicingAddress_Address4"')]) }} as street,
    {{ clean_city('"MainInvoicingAddress_City"') }} as city,
    {{ clean_postcode('"MainInvoicingAddress_ZipCode"', 'country_code') }} as zipcode,
    country_code,
    coalesce(
        case
            when {{ clean_text('"MainInvoicingContact_Name"') }} is not null
                then {{ join_words([
                    '"MainInvoicingContact_Civility"', '"MainInvoicingContact_FirstName"',
                    '"MainInvoicingContact_Name"']) }}
        end,
        case
            when {{ clean_text('"MainDeliveryContact_Name"') }} is not null
                then {{ join_words([
                    '"MainDeliveryContact_Civility"', '"MainDeliveryContact_FirstName"',
                    '"MainDeliveryContact_Name"']) }}
        end
    ) as contact_name,
    coalesce(
        {%- for role in ['Invoicing', 'Delivery'] %}{% for column in ['Phone', 'CellPhone'] %}
        {{ clean_phone('"Main' ~ role ~ 'Contact_' ~ column ~ '"', 'country_code', 'phone_prefix') }}
        {{- ',' if not (loop.last and role == 'Delivery') }}
        {%- endfor %}{% endfor %}
    ) as phone,
    coalesce({{ clean_email('"MainInvoicingContact_Email"') }}, {{ clean_email('"MainDeliveryContact_Email"') }})
        as email,
    {{ checked_values([
        {'column': 'MainInvoicingContact_Phone', 'rule': 'phone', 'personal': true,
            'cleaned': clean_phone('"MainInvoicingContact_Phone"', 'country_code', 'phone_prefix')},
        {'column': 'MainInvoicingContact_CellPhone', 'rule': 'phone', 'personal': true,
            'cleaned': clean_phone('"MainInvoicingContact_CellPhone"', 'country_code', 'phone_prefix')},
        {'column': 'MainDeliveryContact_Phone', 'rule': 'phone', 'personal': true,
            'cleaned': clean_phone('"MainDeliveryContact_Phone"', 'country_code', 'phone_prefix')},
        {'column': 'MainDeliveryContact_CellPhone', 'rule': 'phone', 'personal': true,
            'cleaned': clean_phone('"MainDeliveryContact_CellPhone"', 'country_code', 'phone_prefix')},
        {'column': 'MainInvoicingContact_Email', 'rule': 'email', 'personal': true,
            'cleaned': clean_email('"MainInvoicingContact_Email"')},
        {'column': 'MainDeliveryContact_Email', 'rule': 'email', 'personal': true,
            'cleaned': clean_email('"MainDeliveryContact_Email"')},
        {'column': 'MainInvoicingAddress_ZipCode', 'rule': 'postcode',
            'cleaned': checked_postcode(clean_postcode('"MainInvoicingAddress_ZipCode"', 'country_code'), 'country_code')},
    ]) }} as checked,
    _bronze_valid_from as valid_from,
    _bronze_is_deleted as is_deleted
from with_country
where {{ clean_code('"Id"') }} is not null
