{# Expressions that clean one source column. Each takes a SQL expression and returns one; none reads a table. #}

{# Trimmed, inner spaces collapsed, blank = NULL. #}
{% macro clean_text(value) -%}
    nullif(trim(regexp_replace({{ value }}, '\s+', ' ', 'g')), '')
{%- endmacro %}

{# A business code: trimmed, case kept, blank = NULL. #}
{% macro clean_code(value) -%}
    nullif(trim({{ value }}), '')
{%- endmacro %}

{# What codes are compared by: SQL Server ignored case and trailing spaces, PostgreSQL does not. #}
{% macro match_code(value) -%}
    nullif(upper(trim({{ value }})), '')
{%- endmacro %}

{# An EBP uuid as text; the nil uuid means "none". #}
{% macro clean_uuid(value) -%}
    nullif(nullif(lower(trim(cast({{ value }} as varchar))), '00000000-0000-0000-0000-000000000000'), '')
{%- endmacro %}

{# EBP timestamps are wall clock Europe/Paris (V6); parameter source_clock repairs a copy that was shifted to UTC. #}
{% macro wall_clock(value) -%}
    {%- if parameter('source_clock') == 'utc' -%}
        timezone('Europe/Paris', timezone('UTC', {{ value }}))
    {%- else -%}
        {{ value }}
    {%- endif -%}
{%- endmacro %}

{% macro wall_date(value) -%}
    cast({{ wall_clock(value) }} as date)
{%- endmacro %}

{# Lower case, first of several, NULL when it is not an address. #}
{% macro clean_email(value) -%}
    nullif(regexp_extract(
        lower(trim(regexp_split_to_array(coalesce({{ value }}, ''), '[;,]')[1])),
        '^[a-z0-9._%+''-]+@[a-z0-9-]+(\.[a-z0-9-]+)*\.[a-z]{2,}$'
    ), '')
{%- endmacro %}

{#
    E.164, or NULL when it cannot be a number of its country. `country` is an ISO-2 expression, `prefix` its calling code.
    French numbers of the overseas departments carry their own calling code.
#}
{% macro clean_phone(value, country, prefix) -%}
    {%- set digits -%}
        regexp_replace(regexp_replace(coalesce({{ value }}, ''), '\(0\)', ''), '[^0-9+]', '', 'g')
    {%- endset -%}
    {%- set plus -%}
        case
            when {{ digits }} like '+330%' then '+33' || {{ digits }}[5:]
            when {{ digits }} like '+%' then {{ digits }}
            when {{ digits }} like '00%' then '+' || {{ digits }}[3:]
            when {{ country }} = 'FR' and regexp_full_match({{ digits }}, '0(590|690|691)\d{6}') then '+590' || {{ digits }}[2:]
            when {{ country }} = 'FR' and regexp_full_match({{ digits }}, '0(594|694)\d{6}') then '+594' || {{ digits }}[2:]
            when {{ country }} = 'FR' and regexp_full_match({{ digits }}, '0(596|696|697)\d{6}') then '+596' || {{ digits }}[2:]
            when {{ country }} = 'FR' and regexp_full_match({{ digits }}, '0(262|263|269|639|692|693)\d{6}') then '+262' || {{ digits }}[2:]
            when {{ country }} = 'FR' and regexp_full_match({{ digits }}, '[1-9]\d{8}') then '+33' || {{ digits }}
            when {{ country }} = 'FR' and regexp_full_match({{ digits }}, '33[1-9]\d{8}') then '+' || {{ digits }}
            when {{ digits }} like '0%' then '+' || {{ prefix }} || {{ digits }}[2:]
            else '+' || {{ prefix }} || {{ digits }}
        end
    {%- endset -%}
    nullif(regexp_extract({{ plus }}, '^(\+33[1-9]\d{8}|\+(?:[124-9]\d|3[0-24-9])\d{5,12})$'), '')
{%- endmacro %}

{# Upper case, accents kept, CEDEX and its number removed. #}
{% macro clean_city(value) -%}
    nullif(trim(regexp_replace(upper(regexp_replace(coalesce({{ value }}, ''), '\s+', ' ', 'g')), '\s*\bCEDEX\b.*$', '')), '')
{%- endmacro %}

{% macro is_cedex(value) -%}
    regexp_matches(upper(coalesce({{ value }}, '')), '\bCEDEX\b')
{%- endmacro %}

{# French postcode: five digits, leading zero restored. Elsewhere: trimmed, upper case. #}
{% macro clean_postcode(value, country) -%}
    case
        when {{ country }} in ('FR', 'MC') and regexp_full_match(regexp_replace(coalesce({{ value }}, ''), '\s', '', 'g'), '\d{4,5}')
            then lpad(regexp_replace({{ value }}, '\s', '', 'g'), 5, '0')
        else nullif(upper(trim({{ value }})), '')
    end
{%- endmacro %}

{# What town names are compared by: no accents, hyphens or apostrophes, SAINT spelt out, no district number. #}
{% macro town_key(value) -%}
    trim(regexp_replace(regexp_replace(regexp_replace(
        regexp_replace(strip_accents(upper(coalesce({{ value }}, ''))), '[^A-Z0-9]+', ' ', 'g'),
        '\bSTE\b', 'SAINTE', 'g'), '\bST\b', 'SAINT', 'g'), '^(PARIS|LYON|MARSEILLE)\b.*$', '\1'))
{%- endmacro %}

{# Whether a customer is delivered at the billing address: the flag says so, or there is no delivery address. #}
{% macro is_same_address(customer) -%}
    ({{ customer }}.is_delivered_at_billing or ({{ customer }}.delivery_street is null and {{ customer }}.delivery_city is null))
{%- endmacro %}

{# A GPS pair is believed when both are in range and it is not the (0, 0) of an empty screen. #}
{% macro has_point(latitude, longitude) -%}
    ({{ latitude }} between -90 and 90 and {{ longitude }} between -180 and 180 and not ({{ latitude }} = 0 and {{ longitude }} = 0))
{%- endmacro %}

{# Blanks skipped, ", " between; NULL when nothing is left. #}
{% macro join_address(parts) -%}
    nullif(concat_ws(', ', {{ parts | join(', ') }}), '')
{%- endmacro %}

{# Civility, first name and name in one text. #}
{% macro join_words(parts) -%}
    {{ clean_text("concat_ws(' ', " ~ parts | join(', ') ~ ')') }}
{%- endmacro %}

{# Whether nine digits are a SIREN: every second one doubled, the digits add up to a multiple of ten (Luhn). #}
{% macro is_siren(siren) -%}
    list_sum([
        case when i % 2 = 1 then cast({{ siren }}[i] as integer)
            else cast({{ siren }}[i] as integer) * 2 - cast(cast({{ siren }}[i] as integer) > 4 as integer) * 9 end
        for i in range(1, 10)
    ]) % 10 = 0
{%- endmacro %}
