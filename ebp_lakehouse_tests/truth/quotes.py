"""Quotes: one per chain of revisions, how it ended, and the quotes of each day (semantics §5, §7)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.chain import document_edges, reached, transfers
from ebp_lakehouse_tests.truth.saledocuments import documents, rows
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
        .join(_shares(bronze, all_documents, converted), on="id", how="left")
    )
    share = pl.when(pl.col("converted_date").is_not_null()).then(pl.col("share").fill_null(1.0))
    # Of the revisions that were converted first, the last one: what was signed.
    first = pl.col("converted_date") == pl.col("converted_date").min()
    last = pl.col("day", "number", "net", "valid_until").last()
    frame = (
        _in_chains(frame)
        .group_by("chain", maintain_order=True)
        .agg(
            last,
            signed_day=pl.col("day").filter(first).max(),
            revisions_count=pl.len(),
            share=share.max(),
            converted_date=pl.col("converted_date").min(),
        )
    )
    expired = (pl.col("valid_until") < as_of).fill_null(value=False)
    return frame.select(
        document_number="number",
        quote_date="day",
        amount_excl_tax=cents(pl.col("net")),
        converted_amount=cents(cents(pl.col("net")) * pl.col("share").fill_null(0)),
        revisions_count="revisions_count",
        converted_date="converted_date",
        days_to_conversion=(pl.col("converted_date") - pl.col("signed_day")).dt.total_days().clip(lower_bound=0),
        status=pl.when(pl.col("converted_date").is_not_null()).then(pl.lit("converted"))
        .when(expired).then(pl.lit("expired")).otherwise(pl.lit("open")),
    )  # fmt: skip


def _shares(bronze: Bronze, headers: pl.DataFrame, converted: pl.DataFrame) -> pl.DataFrame:
    """How much of a quote went on, by the quantities of its lines weighted by their amounts; no row where no line tells.

    A line that went into another quote has gone on only if that one was converted.
    """
    of = bronze["SaleDocumentLine"].select(target="Id", into="DocumentId")
    went_on = pl.concat(
        [
            headers.filter(pl.col("kind").is_in(["Order", "Delivery", "Invoice"])).select(into="id"),
            converted.select(into="start"),
        ]
    ).unique()
    moved = (
        transfers(bronze).join(of, on="target").join(went_on, on="into", how="semi")
        .group_by(line="origin").agg(moved=pl.col("quantity").sum().cast(pl.Float64))
    )  # fmt: skip
    lines = rows(bronze).filter((pl.col("kind") == "Quote") & pl.col("line").is_not_null()).join(
        moved, on="line", how="left"
    )  # fmt: skip
    weight, quantity = (pl.col(name).cast(pl.Float64).abs() for name in ("net", "quantity"))
    part = pl.when(quantity != 0).then((pl.col("moved").abs() / quantity).clip(upper_bound=1)).fill_null(0)
    return lines.group_by("id").agg(
        told=pl.col("moved").is_not_null().any(),
        share=pl.when(weight.sum() > 0).then((weight * part).sum() / weight.sum()).round(9),
    ).filter("told").drop("told")  # fmt: skip


def _in_chains(frame: pl.DataFrame) -> pl.DataFrame:
    """``frame`` in time, with ``chain``: revisions on a deal of a customer until their marks begin again; others alone."""
    mark = pl.col("revision").fill_null("").str.strip_chars().str.to_uppercase()
    frame = frame.with_columns(mark=mark, length=mark.str.len_chars()).sort("day", "length", "mark", "id")
    chains: list[str] = []
    newest: dict[tuple[str, str], tuple[int, int, str]] = {}  # number of the quote, then its last mark
    for id_, customer, deal, length, text in frame.select("id", "customer", "deal", "length", "mark").iter_rows():
        if deal is None or not text:
            chains.append(id_)
            continue
        number, *before = newest.get((customer, deal), (0, 0, ""))
        number += [length, text] < before
        newest[customer, deal] = (number, length, text)
        chains.append(f"{customer}|{deal}|{number}")
    return frame.with_columns(chain=pl.Series(chains, dtype=pl.String))


def daily_quotes(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Quotes of each day that has some: count, amount and the share converted by ``as_of``."""
    return quotes(bronze, as_of).group_by(day="quote_date").agg(
        quotes_count=pl.len(),
        quotes_amount=pl.col("amount_excl_tax").sum().round(2),
        conversion_rate=pl.col("converted_date").is_not_null().mean(),
    )  # fmt: skip
