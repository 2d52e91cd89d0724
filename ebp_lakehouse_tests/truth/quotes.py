"""Quotes: one per chain of revisions, how it ended, and the quotes of each day (semantics §5, §7)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.chain import document_edges, reached
from ebp_lakehouse_tests.truth.saledocuments import documents
from ebp_lakehouse_tests.truth.values import Bronze, cents, day


def quotes(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per quote that ``as_of`` knows: number, day and amount of its last revision, when it was converted, status."""
    all_documents = documents(bronze)
    extension = bronze["SaleDocumentEx"]
    accepted = [day(name) for name in ("AcceptanceDate", "SignatureDate") if name in extension.columns]
    signed = (
        extension.select("Id", accepted=pl.min_horizontal(accepted))
        if accepted
        else extension.select("Id", accepted=None)
    )
    validity = bronze["SaleDocument"].select("Id", valid_until=day("ValidityDate"))
    later = all_documents.filter(pl.col("kind").is_in(["Order", "Delivery", "Invoice"])).select(end="id", reached="day")
    converted = reached(document_edges(bronze)).join(later, on="end").group_by("start").agg(pl.col("reached").min())
    frame = (
        all_documents.filter((pl.col("kind") == "Quote") & (pl.col("day") <= as_of))
        .join(converted, left_on="id", right_on="start", how="left")
        .join(signed, left_on="id", right_on="Id", how="left")
        .join(validity, left_on="id", right_on="Id", how="left")
        .with_columns(converted_date=pl.min_horizontal("reached", pl.col("accepted").cast(pl.Date)))
        .with_columns(converted_date=pl.when(pl.col("converted_date") <= as_of).then("converted_date"))
    )
    revised = pl.col("deal").is_not_null() & pl.col("revision").fill_null("").str.strip_chars().ne("")
    chain = pl.when(revised).then(pl.format("{}|{}", pl.col("customer").fill_null(""), "deal")).otherwise("id")
    last = pl.col("day", "number", "net", "valid_until").last()
    frame = (
        frame.with_columns(chain=chain)
        .sort("day", "revision", "id")
        .group_by("chain", maintain_order=True)
        .agg(last, revisions_count=pl.len(), converted_date=pl.col("converted_date").min())
    )
    expired = (pl.col("valid_until") < as_of).fill_null(value=False)
    return frame.select(
        document_number="number",
        quote_date="day",
        amount_excl_tax=cents(pl.col("net")),
        revisions_count="revisions_count",
        converted_date="converted_date",
        days_to_conversion=(pl.col("converted_date") - pl.col("day")).dt.total_days(),
        status=pl.when(pl.col("converted_date").is_not_null()).then(pl.lit("converted"))
        .when(expired).then(pl.lit("expired")).otherwise(pl.lit("open")),
    )  # fmt: skip


def daily_quotes(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Quotes of each day that has some: count, amount and the share converted by ``as_of``."""
    return quotes(bronze, as_of).group_by(day="quote_date").agg(
        quotes_count=pl.len(),
        quotes_amount=pl.col("amount_excl_tax").sum().round(2),
        conversion_rate=pl.col("converted_date").is_not_null().mean(),
    )  # fmt: skip
