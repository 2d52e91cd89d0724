"""Figures of sales: per day, customer, product, and month and postcode (semantics §5). Not here: quotes (quotes.py)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.saledocuments import REVENUE, documents, rows
from ebp_lakehouse_tests.truth.values import Bronze, cents, code, ratio, total

MEMBERS = ["NO_ITEM", "PORT", "FRAIS", "ECOTAXE", "ECART"]


def _until(frame: pl.DataFrame, as_of: date) -> pl.DataFrame:
    return frame.filter(pl.col("day") <= as_of)


def _is(kind: str) -> pl.Expr:
    return pl.col("kind") == kind


def daily(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per day from the first document to ``as_of``. Revenue and tax from the headers, the rest from the rows."""
    headers = _until(documents(bronze), as_of)
    lines = _until(rows(bronze), as_of).with_columns(stocked=is_stocked(bronze), commercial=_is_commercial(bronze))
    calendar = pl.DataFrame({"day": pl.date_range(headers.select(pl.col("day").min()).item(), as_of, "1d", eager=True)})
    net, revenue = pl.col("net"), headers.filter(pl.col("kind").is_in(REVENUE))
    by_header = revenue.group_by("day").agg(
        total_revenue_excl_tax=total(net),
        total_revenue_incl_tax=total(pl.col("total")),
        gross_invoiced=total(net.filter(_is("Invoice"))),
        credit_notes_amount=total(net.filter(_is("CreditNote"))),
        financial_discount=total(pl.col("financial_discount")),
        total_orders_count=_is("Invoice").sum(),
    )
    counted = lines.filter(pl.col("kind").is_in(REVENUE))
    by_row = counted.group_by("day").agg(
        total_cost=total(pl.col("cost")),
        ancillary_revenue=total(net.filter(pl.col("origin") == "header")),
        without_cost=total(net.filter(pl.col("stocked") & (pl.col("unit_cost") == 0))),
        products_sold_count=pl.col("product").filter(_is("Invoice") & pl.col("commercial")).n_unique(),
        invoice_lines=(_is("Invoice") & (pl.col("origin") == "line")).sum(),
    )
    orders = headers.filter(_is("Order")).group_by("day").agg(
        order_intake_count=pl.len(), order_intake_excl_tax=total(net)
    )  # fmt: skip
    deposits = headers.filter(pl.col("kind").is_in(["DepositInvoice", "DepositCreditNote"]))
    frame = calendar
    for part in (
        by_header,
        by_row,
        orders,
        _newcomers(headers),
        deposits.group_by("day").agg(deposits_invoiced=total(pl.col("total"))),
    ):
        frame = frame.join(part, on="day", how="left")
    frame = frame.with_columns(pl.selectors.numeric().fill_null(0)).sort("day")
    money = [name for name, kind in frame.schema.items() if isinstance(kind, pl.Decimal)]
    frame = frame.with_columns(cents(pl.col(name)) for name in money)
    sold = pl.col("total_revenue_excl_tax")
    margin = (sold - pl.col("total_cost")).round(2)
    return frame.with_columns(
        total_margin=margin,
        margin_percent=ratio(margin, sold, 100),
        average_order_value=cents(ratio(sold, pl.col("total_orders_count"))),
        avg_items_per_order=ratio(pl.col("invoice_lines"), pl.col("total_orders_count")),
        revenue_without_cost_percent=ratio(pl.col("without_cost"), sold, 100),
    ).drop("without_cost", "invoice_lines")


def _newcomers(headers: pl.DataFrame) -> pl.DataFrame:
    """Customers of each day's invoices: those whose first it is, and the others."""
    met = headers.filter(_is("Invoice")).drop_nulls("customer").select("customer", "day").unique()
    first = pl.col("day") == pl.col("day").min().over("customer")
    return met.with_columns(first=first).group_by("day").agg(
        new_customers_count=pl.col("first").sum(), returning_customers_count=(~pl.col("first")).sum()
    )  # fmt: skip


def is_stocked(bronze: Bronze) -> pl.Expr:
    managed = bronze["Item"].filter(pl.col("ManageStock")).select(code("Id"))["Id"].implode()
    return pl.col("product").is_in(managed)


def _is_commercial(bronze: Bronze) -> pl.Expr:
    return pl.col("product").is_in(bronze["Item"].select(code("Id"))["Id"].implode())


def period_start(as_of: date, months: int) -> date:
    """First day of the months that end on ``as_of``, both included."""
    start: date = pl.Series([as_of]).dt.offset_by(f"-{months}mo").dt.offset_by("1d").item()
    return start


def by_customer(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per customer ever invoiced or credited: the year's figures, lifetime, RFM (from the headers and rows)."""
    masters = bronze["Customer"].select(code("Id"))["Id"].implode()
    who = (
        pl.when(pl.col("customer").is_null()).then(pl.lit("(unknown)"))
        .when(pl.col("customer").is_in(masters)).then("customer")
        .otherwise(pl.lit("(orphan)"))
    )  # fmt: skip
    headers = _until(documents(bronze), as_of).filter(pl.col("kind").is_in(REVENUE)).with_columns(customer=who)
    costs = rows(bronze).group_by("id").agg(cost=total(pl.col("cost")))
    headers = headers.join(costs, on="id", how="left").with_columns(pl.col("cost").fill_null(0))
    recent, rfm = (pl.col("day") >= period_start(as_of, months) for months in (12, 24))
    last = pl.col("day").filter(_is("Invoice")).max()
    frame = headers.group_by("customer").agg(
        total_orders=(_is("Invoice") & recent).sum(),
        total_revenue=total(pl.col("net").filter(recent)),
        period_cost=total(pl.col("cost").filter(recent)),
        days_since_last_order=(pl.lit(as_of) - last).dt.total_days(),
        first_order_date=pl.col("day").filter(_is("Invoice")).min(),
        lifetime_value=total(pl.col("net")),
        lifetime_margin=total(pl.col("net") - pl.col("cost")),
        rfm_orders=(_is("Invoice") & rfm).sum(),
        rfm_revenue=total(pl.col("net").filter(rfm)),
    )
    frame = frame.with_columns(
        [cents(pl.col(name)) for name in ("total_revenue", "period_cost", "lifetime_value", "lifetime_margin")]
    ).with_columns(total_margin=(pl.col("total_revenue") - pl.col("period_cost")).round(2))
    real = ~pl.col("customer").str.starts_with("(")
    judged = pl.col("first_order_date").is_not_null() & real
    frame = frame.with_columns(
        pl.when(judged).then(pl.col(name)).alias(name) for name in ("lifetime_value", "lifetime_margin")
    )
    scored = _scored(frame, real).drop("period_cost", "rfm_orders", "rfm_revenue")
    graded = with_abc(scored.filter(real), "total_revenue", "customer", "abc_classification")
    return pl.concat([graded, scored.filter(~real)], how="diagonal")  # nobody has no class


def _scored(frame: pl.DataFrame, real: pl.Expr) -> pl.DataFrame:
    """RFM: quintiles of the percent rank, ties together, among those with an invoice in 24 months; the others 1."""
    ranked = real & (pl.col("rfm_orders") > 0)
    best_last = {
        "rfm_recency": -pl.col("days_since_last_order"),
        "rfm_frequency": pl.col("rfm_orders").cast(pl.Int64),
        "rfm_monetary": pl.col("rfm_revenue"),
    }
    inside, outside = frame.filter(ranked), frame.filter(~ranked)
    below = inside.height - 1
    scores = {
        name: (1 + (5 * (value.rank("min").cast(pl.Int64) - 1)).floordiv(max(below, 1))).clip(upper_bound=5)
        for name, value in best_last.items()
    }
    ones = {name: pl.lit(1, dtype=pl.Int64) for name in best_last}
    return pl.concat([inside.with_columns(**scores), outside.with_columns(**ones)])


def with_abc(frame: pl.DataFrame, value: str, key: str, name: str) -> pl.DataFrame:
    """A, B, C by the share of all positive value cumulated before the row; no value, C. Ties by key."""
    ordered = frame.sort(pl.col(value), pl.col(key), descending=[True, False])
    positive = pl.col(value).clip(lower_bound=0)
    before = (positive.cum_sum() - positive) * 100
    whole = positive.sum()
    grade = (
        pl.when(pl.col(value) <= 0).then(pl.lit("C"))
        .when((before - 80 * whole).round(4) < 0).then(pl.lit("A"))
        .when((before - 95 * whole).round(4) < 0).then(pl.lit("B"))
        .otherwise(pl.lit("C"))
    )  # fmt: skip
    return ordered.with_columns(grade.alias(name))


def by_product(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per item with sales in the year to ``as_of``: quantity, revenue, margin, units per invoice, ABC."""
    lines = _until(rows(bronze), as_of).filter(pl.col("kind").is_in(REVENUE) & _is_commercial(bronze))
    recent = pl.col("day") >= period_start(as_of, 12)
    frame = lines.group_by("product").agg(
        total_quantity_sold=total(pl.col("quantity").filter(recent)),
        total_revenue=total(pl.col("net").filter(recent)),
        cost=total(pl.col("cost").filter(recent)),
        invoiced=total(pl.col("quantity").filter(recent & _is("Invoice"))),
        invoices=pl.col("id").filter(recent & _is("Invoice")).n_unique(),
    )
    frame = frame.with_columns(
        cents(pl.col("total_revenue")),
        cents(pl.col("cost")),
        total_quantity_sold=pl.col("total_quantity_sold").round(3, mode="half_away_from_zero").cast(pl.Float64),
        units_per_order_avg=ratio(pl.col("invoiced"), pl.col("invoices")),
    ).with_columns(total_margin=(pl.col("total_revenue") - pl.col("cost")).round(2))
    frame = frame.with_columns(markup_percent=ratio(pl.col("total_margin"), pl.col("cost"), 100))
    frame = with_abc(frame, "total_revenue", "product", "abc_classification")
    return with_abc(frame, "total_margin", "product", "abc_margin").drop("cost", "invoiced", "invoices")


def by_postcode(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Per month and postcode of the document's own delivery address (its invoicing one where there is none)."""
    headers = _until(documents(bronze), as_of).filter(pl.col("kind").is_in(REVENUE))
    place = pl.col("zipcode").str.strip_chars()
    place = pl.when(place.str.contains(r"^\d{4}$") & pl.col("is_french")).then(place.str.zfill(5)).otherwise(place)
    costs = rows(bronze).group_by("id").agg(cost=total(pl.col("cost")))
    frame = headers.join(costs, on="id", how="left").group_by(
        period=pl.col("day").dt.strftime("%Y-%m"), zipcode=place.fill_null("")
    ).agg(
        total_orders=_is("Invoice").sum(), total_revenue=total(pl.col("net")), cost=total(pl.col("cost")),
    )  # fmt: skip
    return frame.with_columns(cents(pl.col("total_revenue")), cents(pl.col("cost"))).with_columns(
        total_margin=(pl.col("total_revenue") - pl.col("cost")).round(2)
    ).drop("cost")  # fmt: skip
