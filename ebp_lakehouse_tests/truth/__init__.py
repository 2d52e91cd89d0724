"""The most important figures of gold, computed a second time: Polars, straight from EBP's rows, after semantics §1-§5.

Independent on purpose: nothing of ``ebp_lakehouse.silver`` or ``ebp_lakehouse.gold`` is imported, no SQL is read, and where a
figure can be had from another place (a document's header instead of its lines) it is taken from there. What may not be
shared are ideas: a rule misread in the SQL must not be misread here for the same reason.

A *bronze* is EBP table name -> frame, one version of each row. Tables are in ``comparison``'s order of domains: sales,
quotes, receivables, purchases, stock, field.
"""
