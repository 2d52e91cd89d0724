{#
    from_enrichment(table): the published rows of a table that models/enrichment declares.

    All of these are optional: never published, or published before a column was declared, is empty or NULL, typed.
-#}
{% macro from_enrichment(table) %}
    {%- set lineage = source('enrichment', table) -%}
    {%- if not execute -%}
        (select 1 as parsing)
    {%- else -%}
        {%- set relation = '"' ~ lineage.database ~ '"."' ~ lineage.schema ~ '"."' ~ table ~ '"' -%}
        {%- set present = bronze_columns(lineage.database, lineage.schema, table, relation) or [] -%}
        (
            select
            {%- for node in graph.sources.values() if node.source_name == 'enrichment' and node.name == table %}
                {%- for column in node.columns.values() %}
                cast({{ '"' ~ column.name ~ '"' if column.name in present else 'null' }} as {{ column.data_type }}) as "{{ column.name }}"
                {{- ',' if not loop.last }}
                {%- endfor %}
            {%- endfor %}
            {% if present -%} from {{ relation }} {%- else -%} where false {%- endif %}
        )
    {%- endif -%}
{% endmacro %}
