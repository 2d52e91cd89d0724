{#
    order_arrivals(kind): CTEs from arrivals to arrived: of each row of `order_lines` when and how much of it arrived, by
    documents of `kind`, line to line; an invoice counts only where the order line has none of those. A line has arrived in
    full on the day its arrivals first reach parameter in_full_share of what was ordered. One rule for both trades.

    Wants `order_lines` (line_id, quantity), `documents`, `lines` (the counted ones) and `edges` before it.
#}
{% macro order_arrivals(kind) -%}
{{ arrivals(kind) }},

progress as (
    select
        *,
        sum(quantity) over (
            partition by line_id order by arrival_date, transferred_line_id
            rows between unbounded preceding and current row
        ) as arrived_so_far
    from arrivals
),

arrived as (
    select
        order_lines.line_id,
        sum(progress.quantity) as arrived_quantity,
        min(progress.arrival_date) as first_arrival_date,
        min(progress.arrival_date) filter (
            where progress.arrived_so_far >= {{ amount(parameter('in_full_share')) }} * order_lines.quantity
        ) as complete_arrival_date
    from order_lines
    inner join progress on order_lines.line_id = progress.line_id
    group by all
)
{%- endmacro %}

{# arrivals(kind): the first of these CTEs alone: one row per link, what it brought and when. #}
{% macro arrivals(kind) -%}
arrivals as (
    select
        edges.origin_line_id as line_id,
        edges.transferred_line_id,
        edges.quantity,
        documents.document_date as arrival_date
    from edges
    inner join lines on edges.transferred_line_id = lines.line_id
    inner join documents on lines.document_id = documents.document_id
    where documents.kind in ('{{ kind }}', 'Invoice')
    qualify
        documents.kind = '{{ kind }}'
        or not bool_or(documents.kind = '{{ kind }}') over (partition by edges.origin_line_id)
)
{%- endmacro %}
