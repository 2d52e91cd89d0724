{# An hour of parameter business_hours as minutes of the day; YAML reads an unquoted 13:30 as 810, which is just that. #}
{% macro minute_of(hour) -%}
    {%- if hour is number -%}
        {{ return(hour) }}
    {%- endif -%}
    {%- set parts = (hour | string).split(':') -%}
    {%- if parts | length != 2 or parts[0] | int(-1) < 0 or parts[1] | int(-1) < 0 -%}
        {{ exceptions.raise_compiler_error("Parameter business_hours: '" ~ hour ~ "' is no hour such as \"13:30\".") }}
    {%- endif -%}
    {{ return(parts[0] | int * 60 + parts[1] | int) }}
{%- endmacro %}
