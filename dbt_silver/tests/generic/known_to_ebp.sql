{# known_to_ebp: rows of one of the user's files about a code that the table does not have. A warning. #}
{% test known_to_ebp(model, file, column_name) %}
    with given as {{ user_file(file) }}

    select {{ column_name }}
    from given
    where {{ column_name }} is not null and upper({{ column_name }}) not in (
        select upper({{ column_name }}) from {{ model }}
        where {{ column_name }} is not null
    )
{% endtest %}
