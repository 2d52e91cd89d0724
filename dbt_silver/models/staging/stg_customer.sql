{# Every version of every customer, cleaned: the tracked attributes of dim_customer are compared after cleaning. -#}
with source as (
    select
        *,
        coalesce({{ match_code('"MainInvoicingAddress_CountryIsoCode"') }}, 'FR') as invoicing_country,
        coalesce({{ match_code('"MainDeliveryAddress_CountryIsoCode"') }}, 'FR') as delivery_country
    from {{ from_bronze('customer', history=true) }} as bronze
),

country_codes as (select * from {{ ref('country_code') }}),

with_country as (
    select
        source.*,
        coalesce(invoicing.country_code, source.invoicing_country) as invoicing_country_code,
        coalesce(delivery.country_code, source.delivery_country) as delivery_country_code,
        coalesce(invoicing.phone_prefix, '33') as phone_prefix
    from source
    left join country_codes as invoicing on source.invoicing_country = invoicing.raw_code
    left join country_codes as delivery on source.delivery_country = delivery.raw_code
),

cleaned as (
    select
        *,
        {% for column in (
            'MainInvoicingContact_Phone', 'MainInvoicingContact_CellPhone', 'MainDeliveryContact_Phone',
        ) -%}
        {{ clean_phone('"' ~ column ~ '"', 'invoicing_country_code', 'phone_prefix') }} as "clean_{{ column }}",
        {% endfor -%}
        {% for column in ('MainInvoicingContact_Email', 'MainDeliveryContact_Email') -%}
        {{ clean_email('"' ~ column ~ '"') }} as "clean_{{ column }}",
        {% endfor -%}
        {{ clean_postcode('"MainInvoicingAddress_ZipCode"', 'invoicing_country_code') }} as billing_zipcode,
        {{ clean_postcode('"MainDeliveryAddress_ZipCode"', 'delivery_country_code') }} as delivery_zipcode,
        -- Of a SIRET the first nine digits; any other length is a slip of the keyboard.
        case
            when regexp_full_match(regexp_replace(coalesce("Siren", ''), '\s', '', 'g'), '\d{9}(\d{5})?')
                then regexp_replace("Siren", '\s', '', 'g')[:9]
        end as clean_siren
    from with_country
)

select
    {{ clean_code('"Id"') }} as code,
    {{ match_code('"Id"') }} as code_match,
    {{ clean_uuid('"UniqueId"') }} as uid,
    {{ clean_text('"Name"') }} as name,
    coalesce("NaturalPerson", false) as is_individual,
    "Type" as type_code,
    {{ clean_code('"BuyerReference"') }} as buyer_reference,
    {{ match_code('"FamilyId"') }} as family_code,
    {{ match_code('"SubFamilyId"') }} as subfamily_code,
    {{ clean_uuid('"Group1"') }} as group1_id,
    {{ clean_uuid('"Group2"') }} as group2_id,
    {{ clean_code('"ColleagueId"') }} as salesperson_id,
    {{ match_code('"SettlementModeId"') }} as settlement_mode_code,
    coalesce("ActiveState", 0) = 0 as is_active,
    "AllowedAmount" as credit_limit,
    clean_siren as siren,
    {{ clean_code('"NAF"') }} as naf,
    {{ wall_date('"sysCreatedDate"') }} as created_date,
    coalesce("UseInvoicingAddressAsDeliveryAddress", false) as is_delivered_at_billing,
    {% for role, prefix in {'billing': 'MainInvoicingAddress', 'delivery': 'MainDeliveryAddress'}.items() -%}
    {% set country = 'invoicing_country_code' if role == 'billing' else 'delivery_country_code' -%}
    {{ join_address([
        clean_text('"' ~ prefix ~ '_Address1"'), clean_text('"' ~ prefix ~ '_Address2"'),
        clean_text('"' ~ prefix ~ '_Address3"'), clean_text('"' ~ prefix ~ '_Address4"')]) }} as {{ role }}_street,
    {{ clean_city('"' ~ prefix ~ '_City"') }} as {{ role }}_city,
    {{ is_cedex('"' ~ prefix ~ '_City"') }} as {{ role }}_is_cedex,
    {{ role }}_zipcode,
    {{ country }} as {{ role }}_country_code,
    {{ clean_code('"' ~ prefix ~ '_CodeINSEE"') }} as {{ role }}_insee_code,
    {% endfor -%}
    "MainDeliveryAddress_Latitude" as delivery_latitude,
    "MainDeliveryAddress_Longitude" as delivery_longitude,
    {{ join_words([
        '"MainInvoicingContact_Civility"', '"MainInvoicingContact_FirstName"', '"MainInvoicingContact_Name"']) }}
        as billing_contact_full,
    {{ clean_text('"MainInvoicingContact_Name"') }} as billing_contact_name,
    {{ join_words([
        '"MainDeliveryContact_Civility"', '"MainDeliveryContact_FirstName"', '"MainDeliveryContact_Name"']) }}
        as delivery_contact_full,
    {{ clean_text('"MainDeliveryContact_Name"') }} as delivery_contact_name,
    coalesce(
        "clean_MainInvoicingContact_Phone", "clean_MainInvoicingContact_CellPhone", "clean_MainDeliveryContact_Phone"
    ) as phone,
    coalesce("clean_MainInvoicingContact_Email", "clean_MainDeliveryContact_Email") as email,
    {{ checked_values([
        {'column': 'MainInvoicingContact_Phone', 'rule': 'phone', 'cleaned': '"clean_MainInvoicingContact_Phone"', 'personal': true},
        {'column': 'MainInvoicingContact_CellPhone', 'rule': 'phone', 'cleaned': '"clean_MainInvoicingContact_CellPhone"', 'personal': true},
        {'column': 'MainDeliveryContact_Phone', 'rule': 'phone', 'cleaned': '"clean_MainDeliveryContact_Phone"', 'personal': true},
        {'column': 'MainInvoicingContact_Email', 'rule': 'email', 'cleaned': '"clean_MainInvoicingContact_Email"', 'personal': true},
        {'column': 'MainDeliveryContact_Email', 'rule': 'email', 'cleaned': '"clean_MainDeliveryContact_Email"', 'personal': true},
        {'column': 'MainInvoicingAddress_ZipCode', 'rule': 'postcode', 'cleaned': checked_postcode('billing_zipcode', 'invoicing_country_code')},
        {'column': 'MainDeliveryAddress_ZipCode', 'rule': 'postcode', 'cleaned': checked_postcode('delivery_zipcode', 'delivery_country_code')},
        {'column': 'MainDeliveryAddress_Latitude', 'rule': 'gps', 'personal': true,
            'raw': typed_point('"MainDeliveryAddress_Latitude"', '"MainDeliveryAddress_Longitude"'),
            'cleaned': 'nullif(' ~ has_point('"MainDeliveryAddress_Latitude"', '"MainDeliveryAddress_Longitude"') ~ ', false)'},
        {'column': 'Siren', 'rule': 'siren', 'personal': 'coalesce("NaturalPerson", false)', 'cleaned': 'nullif(' ~ is_siren('clean_siren') ~ ', false)'},
    ]) }} as checked,
    _bronze_valid_from as valid_from,
    _bronze_is_deleted as is_deleted
from cleaned
where {{ clean_code('"Id"') }} is not null
