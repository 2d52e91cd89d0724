{# A user parameter: `parameters` (EBP_PARAMETERS_FILE) over the defaults of dbt_project.yml. An unknown name is a mistake. #}
{% macro parameter(name) -%}
    {%- set defaults = var('default_parameters') -%}
    {%- if name not in defaults -%}
        {{ exceptions.raise_compiler_error("Parameter '" ~ name ~ "' has no default in dbt_project.yml (vars: default_parameters).") }}
    {%- endif -%}
    {{ return(var('parameters').get(name, defaults[name])) }}
{%- endmacro %}
