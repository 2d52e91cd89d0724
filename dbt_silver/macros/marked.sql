{#
    A text that differs from run to run, as a literal with its name: a build that is run again without dbt puts its own there
    (silver/prepared.py). Every such value must come through here.
#}
{% macro marked(name, value) -%}
    '{{ value | string | replace("'", "''") }}' /* run: {{ name }} */
{%- endmacro %}
