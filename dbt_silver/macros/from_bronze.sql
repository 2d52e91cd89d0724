{#
    from_bronze(table, history=false): the only way staging reads the lake.

    Selects the columns declared in models/sources, cast to their declared types, from
      - `<table>_current` (live rows)                                   by default,
      - the versions valid at the instant of var `known_at`              when it is set,
      - every version up to `known_at`, deletes included                 with history=true.
    An optional column that this installation lacks is NULL, an optional table that does not exist is empty, both typed;
    anything else that is missing stops the run with its name. With history, the columns `_bronze_valid_from`,
    `_bronze_valid_to`, `_bronze_is_deleted` come along; `_bronze_ingestion_date` and `_bronze_valid_from` always do.
#}
{% macro from_bronze(table, history=false) %}
    {%- set lineage = source('bronze', table) -%}
    {%- if not execute -%}
        (select 1 as parsing)
    {%- else -%}
        {%- set declared = bronze_declaration(table) -%}
        {%- set known_at = var('known_at') -%}
        {%- set every_version = history or known_at is not none -%}
        {%- set identifier = table if every_version else table ~ '_current' -%}
        {%- set relation = '"' ~ lineage.database ~ '"."' ~ lineage.schema ~ '"."' ~ identifier ~ '"' -%}
        {%- set present = bronze_columns(lineage.database, lineage.schema, identifier, relation) -%}
        {%- if present is none and not declared.optional -%}
            {{ exceptions.raise_compiler_error(
                "Bronze table '" ~ table ~ "' is required by silver but the catalog does not hold " ~ relation
                ~ ". Materialise bronze/" ~ table ~ " first.") }}
        {%- endif -%}
        {%- set metadata = {'_bronze_ingestion_date': 'date', '_bronze_valid_from': 'timestamp'} -%}
        {%- if history -%}
            {%- do metadata.update({'_bronze_valid_to': 'timestamp', '_bronze_is_deleted': 'boolean'}) -%}
        {%- endif -%}
        (
            select
            {%- for column in declared.columns %}
                {% if present is not none and column.name in present -%}
                    cast("{{ column.name }}" as {{ column.data_type }}) as "{{ column.name }}"
                {%- elif present is none or column.optional -%}
                    cast(null as {{ column.data_type }}) as "{{ column.name }}"
                {%- else -%}
                    {{ exceptions.raise_compiler_error(
                        "Bronze table '" ~ table ~ "' has no column \"" ~ column.name ~ "\", which silver needs. "
                        ~ "Check that the copy of EBP is complete, or declare it optional in dbt_silver/models/sources/.") }}
                {%- endif -%},
            {%- endfor %}
            {%- for name, data_type in metadata.items() %}
                {{ name if present is not none else 'cast(null as ' ~ data_type ~ ') as ' ~ name }}{{ ',' if not loop.last }}
            {%- endfor %}
            {% if present is not none -%} from {{ relation }} {%- else -%} where false {%- endif %}
            {% if present is not none and known_at is not none -%}
            where _bronze_valid_from <= cast({{ marked('known_at', known_at) }} as timestamp)
                {%- if not history %}
                and (_bronze_valid_to > cast({{ marked('known_at', known_at) }} as timestamp) or _bronze_valid_to is null)
                and not _bronze_is_deleted
                {%- endif %}
            {%- endif %}
        )
    {%- endif -%}
{% endmacro %}

{# What models/sources declares for a table: {optional, columns: [{name, data_type, optional}]}. #}
{% macro bronze_declaration(table) %}
    {%- for node in graph.sources.values() if node.source_name == 'bronze' and node.name == table -%}
        {%- set columns = [] -%}
        {%- for column in node.columns.values() -%}
            {%- set flags = column.config.meta if column.config is defined and column.config.meta else column.meta -%}
            {%- do columns.append({
                'name': column.name, 'data_type': column.data_type, 'optional': flags.get('optional', false)}) -%}
        {%- endfor -%}
        {%- set flags = node.config.meta if node.config is defined and node.config.meta else node.meta -%}
        {{ return({'optional': flags.get('optional', false), 'columns': columns}) }}
    {%- endfor -%}
    {{ exceptions.raise_compiler_error("Source table bronze." ~ table ~ " is not declared in dbt_silver/models/sources/.") }}
{% endmacro %}

{# Names of the columns of a relation of the lake; none when it does not exist. DESCRIBE binds that one view only. #}
{% macro bronze_columns(database, schema, identifier, relation) %}
    {%- set found = run_query(
        "select 1 from duckdb_views() where database_name = '" ~ database ~ "' and schema_name = '" ~ schema
        ~ "' and view_name = '" ~ identifier ~ "' union all select 1 from duckdb_tables() where database_name = '"
        ~ database ~ "' and schema_name = '" ~ schema ~ "' and table_name = '" ~ identifier ~ "'") -%}
    {%- if found.rows | length == 0 -%}
        {{ return(none) }}
    {%- endif -%}
    {{ return(run_query("describe " ~ relation).columns[0].values() | list) }}
{% endmacro %}
