{#
    optional_file(variable, columns): a CSV whose path an environment variable gives, every column read as text.

    `columns` maps the expected names to types. No path, or a column that the file lacks: typed NULLs; never a failure,
    since all of these files are optional (semantics §1.7). A path that does not exist does fail: it is a mistake.
#}
{% macro optional_file(variable, columns) %}
    {%- set path = env_var(variable, '') -%}
    {%- if path == '' or not execute -%}
        (select {% for name, type in columns.items() %}cast(null as {{ type }}) as {{ name }}{{ ', ' if not loop.last }}{% endfor %} where false)
    {%- else -%}
        {%- set reader = "read_csv(" ~ marked(variable, path) ~ ", header = true, all_varchar = true)" -%}
        {%- set present = run_query("describe select * from " ~ reader).columns[0].values() | list -%}
        (
            select
            {%- for name, type in columns.items() %}
                {{ 'cast(nullif(trim(' ~ name ~ "), '') as " ~ type ~ ')' if name in present else 'cast(null as ' ~ type ~ ')' }} as {{ name }}
                {{- ',' if not loop.last }}
            {%- endfor %}
            from {{ reader }}
        )
    {%- endif -%}
{% endmacro %}

{# One of the user's files, as dbt_project.yml declares it (vars: user_files). #}
{% macro user_file(name) -%}
    {{ optional_file('EBP_DBT_' ~ name | upper, var('user_files')[name]['columns']) }}
{%- endmacro %}
