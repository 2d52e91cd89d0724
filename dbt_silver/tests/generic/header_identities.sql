{#
    header_identities(side): H1 to H7 of semantics §1.4, on the headers behind the model. One row per identity and kind that fails on
    more than 1 % of its documents, with an example. A warning: nothing is adapted silently. H8 has tests of its own.
#}
{% test header_identities(model, side='sale') %}
    select
        identity,
        kind,
        failing_documents,
        documents,
        largest_residual,
        example
    from {{ ref('int_' ~ side ~ '_header_identities') }}
    where identity not like 'H8%' and failing_documents > 0.01 * documents
{% endtest %}
