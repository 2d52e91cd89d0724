"""The figures of gold, computed a second time: Polars, straight from EBP's rows, after semantics §1-§5.

The computations import nothing of ``ebp_lakehouse.silver`` or ``ebp_lakehouse.gold`` and read no SQL; where a figure can be
had from another place (a document's header instead of its lines) it is taken from there. companies.py runs what is judged.
The limit: where the rules leave a choice open (which columns make revisions of a quote, what settles a set-off, what is an
answer to an incident) the choice is silver's, so that a doubtful choice is not found here; a wrong computation of it is.

A *bronze* is EBP table name -> frame, the version of each row that stands now; beside them the user's files, by their names.
"""
