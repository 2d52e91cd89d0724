"""What was made from what (K6): transfers between lines, of either trade. Not here: what follows from them."""

from __future__ import annotations

import polars as pl

from ebp_lakehouse_tests.truth.values import Bronze, amount

LONGEST = 12  # documents in a row that are followed


def transfers(bronze: Bronze) -> pl.DataFrame:
    """origin, target (lines) and quantity; supplier orders made for a customer's are no transfers."""
    links = bronze["DocumentLineAssociation"].filter(~pl.col("IsCountermark").fill_null(value=False))
    quantity = pl.when(amount("RealQuantity") != 0).then(amount("RealQuantity")).otherwise(amount("Quantity"))
    return links.select(origin="OriginLineId", target="TransferedLineId", quantity=quantity)


def reached(edges: pl.DataFrame) -> pl.DataFrame:
    """Every (start, end) that a path of ``edges`` (start, end) joins."""
    found, ends = edges.unique(), edges.unique()
    for _ in range(LONGEST):
        ends = ends.join(edges, left_on="end", right_on="start").select("start", end="end_right").unique()
        if ends.is_empty():
            break
        found = pl.concat([found, ends]).unique()
    return found


def first_reached(edges: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    """start, first: the earliest day of ``days`` (end, day) that a path of ``edges`` leads to."""
    return reached(edges).join(days, on="end").group_by("start").agg(first=pl.col("day").min())


def document_edges(bronze: Bronze) -> pl.DataFrame:
    """start, end: sale documents joined by their lines; by the header's one target where no line tells."""
    of = bronze["SaleDocumentLine"].select("Id", document="DocumentId")
    by_line = (
        transfers(bronze)
        .join(of, left_on="origin", right_on="Id")
        .rename({"document": "start"})
        .join(of, left_on="target", right_on="Id")
        .select("start", end="document")
        .filter(pl.col("start") != pl.col("end"))
        .unique()
    )
    headers = bronze["SaleDocument"].select(start="Id", end="TransferedDocumentId").drop_nulls()
    return pl.concat([by_line, headers.join(by_line, on="start", how="anti")])
