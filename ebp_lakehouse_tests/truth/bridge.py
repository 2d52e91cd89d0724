"""From the revenue of one period to that of another, family by family: customers, products, volume, price (semantics §7)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.saledocuments import REVENUE, rows
from ebp_lakehouse_tests.truth.sales import period_start
from ebp_lakehouse_tests.truth.values import Bronze, cents, code

OTHERS, NO_FAMILY = "Hors articles", "Sans famille"


def revenue(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per family for twelve months against those before, and the running month against the same days a year ago."""
    year_ago = pl.Series([as_of]).dt.offset_by("-1y").item()
    first = as_of.replace(day=1)
    month_ago = pl.Series([first]).dt.offset_by("-1y").item()
    periods = {
        "rolling_12_months": (period_start(as_of, 24), _before(period_start(as_of, 12)), period_start(as_of, 12)),
        "month": (month_ago, year_ago, first),
    }
    return pl.concat(
        _bridge(bronze, before, until, start, as_of).with_columns(comparison=pl.lit(name))
        for name, (before, until, start) in periods.items()
    )


def _before(on: date) -> date:
    day: date = pl.Series([on]).dt.offset_by("-1d").item()
    return day


def _sold(bronze: Bronze) -> pl.DataFrame:
    """Lines of invoices and credit notes with their customer (nobody and unknown codes are one each), family and unit."""
    captions = bronze["ItemFamily"].select(family=code("Id"), caption="Caption")
    items = bronze["Item"].select(
        product=code("Id"), family=code("FamilyId"), unit=code("UnitId"), is_product=pl.lit(value=True)
    ).join(captions, on="family", how="left")  # fmt: skip
    masters = bronze["Customer"].select(code("Id"))["Id"].implode()
    who = (
        pl.when(pl.col("customer").is_null())
        .then(pl.lit("(unknown)"))
        .otherwise(pl.when(pl.col("customer").is_in(masters)).then("customer").otherwise(pl.lit("(orphan)")))
    )
    named = pl.coalesce("caption", pl.format("({})", "family"), pl.lit(NO_FAMILY))
    return (
        rows(bronze)
        .filter(pl.col("kind").is_in(REVENUE))
        .join(items, on="product", how="left")
        .select(
            "day", "product", "unit", customer=who, is_product=pl.col("is_product").fill_null(value=False),
            family_name=pl.when(pl.col("is_product")).then(named).otherwise(pl.lit(OTHERS)),
            is_invoice=pl.col("kind") == "Invoice", quantity=pl.col("quantity").cast(pl.Float64),
            net=pl.col("net").cast(pl.Float64),
        )
    )  # fmt: skip


def _bridge(bronze: Bronze, before: date, until: date, start: date, end: date) -> pl.DataFrame:
    sold = _sold(bronze)
    earlier = sold.filter(pl.col("day").is_between(before, until)).with_columns(later=pl.lit(value=False))
    both = pl.concat(
        [earlier, sold.filter(pl.col("day").is_between(start, end)).with_columns(later=pl.lit(value=True))]
    )
    invoiced = pl.col("is_invoice")
    both = both.with_columns(
        bought_later=(invoiced & pl.col("later")).any().over("customer"),
        bought_before=(invoiced & ~pl.col("later")).any().over("customer"),
    )
    net, later = pl.col("net"), pl.col("later")
    whole = both.group_by("family_name").agg(
        opening_revenue=net.filter(~later).sum(),
        closing_revenue=net.filter(later).sum(),
        new_customers_effect=net.filter(invoiced & ~pl.col("bought_before")).sum(),
        lost_customers_effect=-net.filter(invoiced & ~pl.col("bought_later")).sum(),
        credit_notes_effect=net.filter(~invoiced & later).sum() - net.filter(~invoiced & ~later).sum(),
    )
    kept = (
        both.filter(invoiced & pl.col("is_product") & pl.col("bought_later") & pl.col("bought_before"))
        .group_by("family_name", "product", "unit")
        .agg(
            was=(~later).any(), is_now=later.any(),
            q0=pl.col("quantity").filter(~later).sum(), q1=pl.col("quantity").filter(later).sum(),
            n0=net.filter(~later).sum(), n1=net.filter(later).sum(),
        )
    )  # fmt: skip
    exchanged = kept.group_by("family_name").agg(
        new_products_effect=pl.col("n1").filter(~pl.col("was")).sum(),
        lost_products_effect=-pl.col("n0").filter(~pl.col("is_now")).sum(),
    )
    comparable = kept.filter(pl.col("was") & pl.col("is_now") & (pl.col("q0") > 0) & (pl.col("q1") > 0))
    price = pl.col("n0") / pl.col("q0")
    effects = (
        comparable.group_by("family_name", "unit")
        .agg(
            volume_effect=(pl.col("q1").sum() - pl.col("q0").sum()) * pl.col("n0").sum() / pl.col("q0").sum(),
            price_effect=(pl.col("n1") - pl.col("q1") * price).sum(),
            moved=((pl.col("q1") - pl.col("q0")) * price).sum(),
        )
        .group_by("family_name")
        .agg(pl.col("volume_effect", "price_effect", "moved").sum())
        .with_columns(mix_effect=pl.col("moved") - pl.col("volume_effect"))
        .drop("moved")
    )
    frame = whole.join(exchanged, on="family_name", how="left").join(effects, on="family_name", how="left")
    money = [name for name in frame.columns if name != "family_name"]
    return frame.with_columns(cents(pl.col(name).fill_null(0).round(6)) for name in money)
