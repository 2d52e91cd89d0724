{#
    table, without dbt's swap: it builds under another name, renames, and drops what was there before, so that readers
    of a living database see no gap. Nobody reads the scratch database while it is built, and those steps and their look-ups
    cost more than the SQL of most models.
#}
{% materialization table, adapter='duckdb' %}
    {%- set target = this.incorporate(type='table') -%}
    {%- call statement('main') -%}
        drop table if exists {{ target }};
        {{ create_table_as(false, target, compiled_code) }}
    {%- endcall -%}
    {{ adapter.commit() }}
    {{ return({'relations': [target]}) }}
{% endmaterialization %}
