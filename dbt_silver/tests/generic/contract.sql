{#
    contract: every rule of every column of a published model, checked in one scan.

    Reads the columns' `meta.rules` (not_null, min, max, accepted, pattern; `unique` is a test of its own) and returns one row
    per violated rule: column, rule, number of rows. Pandera checks the same rules from the same yml on the Python side.
#}
{% test contract(model) %}
    {%- set checks = [] -%}
    {%- if execute -%}
        {%- set tested = graph.nodes.values() | selectattr('resource_type', 'equalto', 'model')
            | selectattr('alias', 'equalto', model.identifier) | first -%}
        {%- for column in tested.columns.values() -%}
            {%- set rules = (column.config.meta or column.meta or {}).get('rules', {}) -%}
            {%- if rules.not_null -%}
                {%- do checks.append((column.name, 'not_null', column.name ~ ' is null')) -%}
            {%- endif -%}
            {%- for name, operator in {'min': '<', 'max': '>'}.items() -%}
                {%- if name in rules -%}
                    {%- do checks.append((column.name, name, column.name ~ ' ' ~ operator ~ " '" ~ rules[name] ~ "'")) -%}
                {%- endif -%}
            {%- endfor -%}
            {%- if 'accepted' in rules -%}
                {%- do checks.append((column.name, 'accepted', column.name ~ " not in ('" ~ rules.accepted | join("', '") ~ "')")) -%}
            {%- endif -%}
            {%- if 'pattern' in rules -%}
                {%- do checks.append((column.name, 'pattern',
                    'not regexp_matches(' ~ column.name ~ ", '" ~ rules.pattern | replace("'", "''") ~ "')")) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if checks | length == 0 %}
    select 1 as nothing_to_check where false
    {%- else %}
    with counted as (
        select
        {%- for column, rule, condition in checks %}
            count(*) filter (where {{ condition }}) as "{{ column }} {{ rule }}"{{ ',' if not loop.last }}
        {%- endfor %}
        from {{ model }}
    )

    select
        broken_rule,
        broken_rows
    from (unpivot counted on * into name broken_rule value broken_rows)
    where broken_rows > 0
    {%- endif %}
{% endtest %}
