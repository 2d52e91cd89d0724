{{ config(tags=['dimension']) }}
with versions as (select * from {{ ref('int_supplier_versions') }}),

performance as (select * from {{ ref('int_supplier_performance') }}),

captions as (select * from {{ ref('stg_captions') }}),

supplier_types as (select * from {{ ref('supplier_type') }}),

-- The last instalment decides: terms are as long as their longest part.
terms as (
    select
        settlement_mode_code,
        max(day_count) as payment_days,
        bool_or(day_count > case when is_end_of_month then 45 else 60 end) as is_over_legal_terms
    from {{ ref('stg_settlement_mode_line') }}
    group by all
),

suppliers as (
    select
        {{ version_key('versions.durable_id', 'versions.version_from') }} as supplier_key,
        versions.durable_id as supplier_id,
        versions.uid as supplier_uid,
        versions.former_ids,
        versions.name,
        coalesce(supplier_types.label, 'Fournisseur') as type,
        cast(versions.type_code as integer) as type_code,
        case
            when versions.family_code is not null then coalesce(families.caption, '(' || versions.family_code || ')')
        end as family_name,
        versions.contact_name,
        versions.phone,
        versions.email,
        nullif(concat_ws(
            ', ', versions.street, nullif(concat_ws(' ', versions.zipcode, versions.city), ''),
            case
                when versions.country_code <> 'FR' then coalesce(countries.caption, versions.country_code)
            end
        ), '') as address_full,
        versions.city,
        versions.zipcode,
        coalesce(countries.caption, versions.country_code) as country,
        versions.country_code,
        modes.caption as payment_terms,
        cast(terms.payment_days as integer) as payment_days,
        terms.is_over_legal_terms,
        case
            when performance.score >= {{ parameter('supplier_rating_a') }} then 'A'
            when performance.score >= {{ parameter('supplier_rating_b') }} then 'B'
            when performance.score is not null then 'C'
        end as rating,
        versions.is_active,
        versions.version_from as valid_from,
        versions.version_to as valid_to,
        versions.is_current
    from versions
    left join supplier_types on versions.type_code = supplier_types.supplier_type
    left join captions as families on families.list_name = 'supplier_family' and versions.family_code = families.code
    left join captions as countries on countries.list_name = 'country' and versions.country_code = countries.code
    left join captions as modes on modes.list_name = 'settlement_mode' and versions.settlement_mode_code = modes.code
    left join terms on versions.settlement_mode_code = terms.settlement_mode_code
    left join performance on versions.durable_id = performance.supplier_id
),

members as (
    select unnest(['unknown', 'orphan']) as member
)

select * from suppliers
union all by name
select
    md5(member) as supplier_key,
    '(' || member || ')' as supplier_id,
    false as is_active,
    timestamp '1900-01-01' as valid_from,
    true as is_current
from members
