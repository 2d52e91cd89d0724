"""Lines of customers' orders: what was promised, what came, and who waits for it (semantics §9)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth import purchases
from ebp_lakehouse_tests.truth.saledocuments import counted_lines, documents
from ebp_lakehouse_tests.truth.values import Bronze, amount, code, day


def lines(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per line of an order by ``as_of``: customer, item, promise, quantity, and the day on which all had come."""
    headers = documents(bronze)
    promised = bronze["SaleDocument"].select(id="Id", promised_document=day("DeliveryDate"))
    counted = counted_lines(bronze["SaleDocumentLine"]).select(
        line="Id", id="DocumentId", item=code("ItemId"), promised_line=day("DeliveryDate"),
        quantity=pl.when(amount("RealQuantity") != 0).then(amount("RealQuantity")).otherwise(amount("Quantity")),
        remains=amount("RemainingQuantityToDeliver"),
    )  # fmt: skip
    ordered = (
        counted.join(headers.filter((pl.col("kind") == "Order") & (pl.col("day") <= as_of)), on="id")
        .join(promised, on="id")
        .filter(pl.col("quantity") > 0)
    )
    came = purchases.arrivals(bronze, counted, headers, ordered, "Delivery", as_of)
    return ordered.join(came, on="line", how="left").select(
        "line", "customer", "item", "quantity", "remains", "all_came",
        promise=pl.coalesce("promised_line", "promised_document"),
    )  # fmt: skip


def service(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Per month: order lines promised for it, up to the day, and the share delivered in full by the promised day."""
    due = lines(bronze, as_of).filter(pl.col("promise") <= as_of)
    return due.group_by(period=pl.col("promise").dt.strftime("%Y-%m")).agg(
        order_lines_due_count=pl.len(),
        customer_service_percent=100 * (pl.col("all_came") <= pl.col("promise")).fill_null(value=False).mean(),
    )


def waiting(bronze: Bronze, as_of: date, items: pl.Series) -> int:
    """Customers who had ordered one of the items and not got all: it came in full later, or EBP says that some is to come."""
    is_open = pl.when(pl.col("all_came").is_null()).then(pl.col("remains") > 0).otherwise(pl.col("all_came") > as_of)
    left = lines(bronze, as_of).filter(is_open & pl.col("item").is_in(items.implode()))
    return left["customer"].drop_nulls().n_unique()
