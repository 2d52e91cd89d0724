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
    French numbers of the overseas departments carry their own calling code, also when they were typed with +33; Italian ones
    keep their zero. Lengths are checked where the numbering plan is in `plans`. The lists of one are names for what is used
    often: digits, nine digits of a French number, number with its calling code.
#}
{% macro clean_phone(value, country, prefix) -%}
    {%- set plans = {
        '1': '10', '31': '9', '32': '8,9', '33': '9', '34': '9', '351': '9', '352': '4,11', '376': '6', '377': '8,9', '39': '6,11',
        '41': '9', '44': '9,10', '49': '6,13', '212': '9', '213': '8,9', '216': '8', '262': '9', '590': '9', '594': '9', '596': '9',
    } -%}
    {%- set overseas = {
        '590': '590|690|691', '594': '594|694', '596': '596|696|697', '262': '262|263|269|639|692|693',
    } -%}
    list_transform(list_transform(list_transform(
        [regexp_replace(regexp_replace(coalesce({{ value }}, ''), '\(0\)', ''), '[^0-9+]', '', 'g')],
        lambda digits: {
            digits: digits,
            french: case
                when {{ country }} = 'FR' or regexp_matches(digits, '^(\+|00)33')
                    then nullif(regexp_extract(digits, '^(?:(?:\+|00)330?|33|0)?([1-9]\d{8})$', 1), '')
            end
        }),
        lambda typed: case
            {%- for code, starts in overseas.items() %}
            when regexp_matches(typed.french, '^({{ starts }})') then '+{{ code }}' || typed.french
            {%- endfor %}
            when typed.french is not null then '+33' || typed.french
            when typed.digits like '+%' then typed.digits
            when typed.digits like '00%' then '+' || typed.digits[3:]
            when typed.digits like '0%' and {{ prefix }} <> '39' then '+' || {{ prefix }} || typed.digits[2:]
            else '+' || {{ prefix }} || typed.digits
        end),
        lambda number: nullif(case
            when regexp_matches(number, '^\+({{ plans | join('|') }})')
                then regexp_extract(number, '^\+({% for code, lengths in plans.items() %}{{ code }}[0-9]{{ '{' ~ lengths ~ '}' }}{{ '|' if not loop.last }}{% endfor %})$')
            else regexp_extract(number, '^\+[1-9]\d{6,13}$')
        end, ''))[1]
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

{# Where the postcodes are those of the communes list: EBP may name the overseas departments by codes of their own. #}
{% macro has_french_postcodes(country) -%}
    {{ country }} in ('FR', 'GP', 'MQ', 'GF', 'RE', 'YT')
{%- endmacro %}

{# What town names are compared by: no accents, hyphens or apostrophes, SAINT spelt out, no district number. #}
{% macro town_key(value) -%}
    trim(regexp_replace(regexp_replace(regexp_replace(
        regexp_replace(strip_accents(upper(coalesce({{ value }}, ''))), '[^A-Z0-9]+', ' ', 'g'),
        '\bSTE\b', 'SAINTE', 'g'), '\bST\b', 'SAINT', 'g'), '^(PARIS|LYON|MARSEILLE)\b.*$', '\1'))
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
