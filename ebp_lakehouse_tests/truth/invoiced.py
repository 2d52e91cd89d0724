"""When the rows of a document were invoiced (semantics K6). Not here: how links are followed (chain.py)."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from ebp_lakehouse_tests.truth.chain import document_edges, first_reached, transfers
from ebp_lakehouse_tests.truth.saledocuments import documents, rows
from ebp_lakehouse_tests.truth.values import Bronze


def with_first_invoice(bronze: Bronze, kind: str, ends: Sequence[str]) -> pl.DataFrame:
    """The rows of documents of ``kind``, with ``invoiced``: the earliest day of a document of the kinds ``ends`` they reach.

    A line is reached by its own links; as its document is only where no line of the document has a link.
    """
    headers, lines = documents(bronze), bronze["SaleDocumentLine"].select(line="Id", id="DocumentId")
    by_line = transfers(bronze).select(start="origin", end="target")
    linked = lines.join(by_line, left_on="line", right_on="start", how="semi").select("id").unique()
    final = headers.filter(pl.col("kind").is_in(list(ends))).select("day", id="id")
    line_days = first_reached(by_line, final.join(lines, on="id").select("day", end="line"))
    document_days = first_reached(document_edges(bronze), final.select("day", end="id"))
    by_its_document = pl.col("line").is_null() | pl.col("is_linked").is_null()
    return (
        rows(bronze)
        .filter(pl.col("kind") == kind)
        .join(line_days.rename({"start": "line"}), on="line", how="left")
        .join(document_days.select(id="start", of_document="first"), on="id", how="left")
        .join(linked.with_columns(is_linked=True), on="id", how="left")
        .with_columns(invoiced=pl.coalesce("first", pl.when(by_its_document).then("of_document")))
    )
