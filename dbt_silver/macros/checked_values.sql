{#
    checked_values(checks): what a staging model gave to the cleaning, as a list of structs in its column `checked`.

    One check is {column: EBP's name, rule, raw: expression as text, cleaned: expression that is NULL when the value was refused,
    personal: true, or an expression that is, when the value may not be shown}. Blank values are no findings. int_checked_values unfolds the lists.
#}
{% macro checked_values(checks) -%}
    list_filter([
        {%- for check in checks %}
        {
            source_column: '{{ check.column }}', rule: '{{ check.rule }}', is_personal: {{ check.get('personal', false) }},
            raw: {{ clean_code('cast(' ~ check.get('raw', '"' ~ check.column ~ '"') ~ ' as varchar)') }},
            is_rejected: ({{ check.cleaned }}) is null
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ], lambda finding: finding.raw is not null)
{%- endmacro %}

{# A cleaned postcode as a check sees it: French ones of other than five digits are kept as typed, and reported. #}
{% macro checked_postcode(postcode, country) -%}
    case when {{ country }} in ('FR', 'MC') then nullif(regexp_extract({{ postcode }}, '^\d{5}$'), '') else {{ postcode }} end
{%- endmacro %}

{# A GPS pair as typed, and NULL when has_point does not believe it. #}
{% macro typed_point(latitude, longitude) -%}
    nullif(concat_ws(' ', cast({{ latitude }} as double), cast({{ longitude }} as double)), '')
{%- endmacro %}
