"""gold.sales_cube: totals are rows, NULL means all, and what has no value has a name; figures worked out in comments."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import combinations
from typing import Any

import duckdb
import polars as pl

from ebp_lakehouse.gold.sales.sales_cube import SALES_CUBE
from ebp_lakehouse_tests.unit.gold.sales_facts import Product, Sale, company, compute, judge

D = date(2026, 3, 31)
FEBRUARY, MARCH = date(2026, 2, 10), date(2026, 3, 10)
DIMENSIONS = ("year_month", "product_family", "customer_abc", "customer_family", "region", "colleague_id")
SALES = [
    Sale("F1", FEBRUARY, "A", "P", "60", cost="40", quantity="6"),
    Sale("F1", FEBRUARY, "A", "H", "40", quantity="1", colleague_id=None),
    Sale("F1", FEBRUARY, "A", "PORT", "5", row_origin="header"),
    Sale("F2", MARCH, "A", "P", "30", cost="20", quantity="3", place="L2"),
    Sale("F3", MARCH, "B", "P", "20", cost="10", quantity="2"),
    Sale("V1", MARCH, "B", "P", "-10", cost="-5", quantity="-1", document_type="CreditNote"),
    Sale("F4", MARCH, None, "P", "1", place="NOWHERE"),
    Sale("C1", MARCH, "B", "P", "999", document_type="Order"),
    Sale("F5", date(2026, 4, 1), "B", "P", "999"),  # waits
]
PRODUCTS = [Product("P", "Pompes"), Product("H", None, "Service", "Heure")]


def sold() -> duckdb.DuckDBPyConnection:
    connection = company(SALES, PRODUCTS, families={"A": "PME"})
    connection.execute(
        """CREATE TABLE silver.dim_location AS FROM (VALUES ('L1', 'Bretagne'), ('L2', 'Corse'), ('NOWHERE', NULL))
        t(location_key, region)"""
    )
    return connection


def cube() -> pl.DataFrame:
    frame, found = compute(sold(), SALES_CUBE, D)
    assert not found
    return frame


def cell(frame: pl.DataFrame, **values: str) -> dict[str, Any]:
    """The one row in which these dimensions have these values and all others are all."""
    where = [pl.col(name).is_null() if name not in values else pl.col(name) == values[name] for name in DIMENSIONS]
    (row,) = frame.filter(*where).to_dicts()
    return row


def test_the_grand_total() -> None:
    row = cell(cube())
    assert (row["grouping_id"], row["grouping_name"]) == (63, "total")
    assert (row["revenue"], row["cost"], row["margin"]) == (
        Decimal(146),
        Decimal(65),
        Decimal(81),
    )  # 105 + 30 + 20 - 10 + 1
    assert (row["invoices"], row["customers"]) == (4, 2)  # F4 is nobody's
    assert (row["quantity"], row["unit"]) == (None, None)  # pieces and an hour


def test_one_and_two_dimensions() -> None:
    frame = cube()
    march = cell(frame, year_month="2026-03")
    assert (march["revenue"], march["invoices"], march["customers"]) == (Decimal(41), 3, 2)
    pumps = cell(frame, product_family="Pompes")
    assert (pumps["revenue"], pumps["quantity"], pumps["unit"]) == (
        Decimal(101),
        Decimal(11),
        "Pièce",
    )  # 6 + 3 + 2 - 1 + 1
    assert cell(frame, year_month="2026-03", region="Corse", customer_family="PME")["revenue"] == Decimal(30)
    assert cell(frame, product_family="Hors articles")["quantity"] is None
    durand = cell(frame, colleague_id="JD")  # the same pieces, beside shipping that has no unit
    assert (durand["revenue"], durand["quantity"]) == (Decimal(106), Decimal(11))


def test_a_missing_value_has_a_name_and_null_is_left_to_totals() -> None:
    frame = cube()
    none = "Non renseigné"
    assert cell(frame, region=none)["revenue"] == Decimal(1)
    assert cell(frame, product_family=none)["revenue"] == Decimal(40)
    assert cell(frame, customer_family=none)["revenue"] == Decimal(11)  # B and nobody
    assert cell(frame, colleague_id=none)["revenue"] == Decimal(40)
    for position, name in enumerate(DIMENSIONS):  # the bit of a dimension is set where it is all
        bit = 32 >> position
        assert frame.select(((pl.col("grouping_id") // bit % 2 == 1) == pl.col(name).is_null()).all()).item(), name


def test_every_pair_of_dimensions_by_month_and_over_all_months() -> None:
    wanted = [set(names) for size in range(3) for names in combinations(DIMENSIONS[1:], size)]
    wanted += [{"year_month", *names} for names in wanted]
    found = Counter(frozenset(name.split(", ")) - {"total"} for name in cube()["grouping_name"].unique())
    assert found == Counter(map(frozenset, wanted))


def test_every_grouping_adds_up_to_the_total() -> None:
    sums = cube().group_by("grouping_id").agg(pl.col("revenue").sum(), pl.col("cost").sum())
    assert (sums.height, sums["revenue"].unique().to_list(), sums["cost"].unique().to_list()) == (32, [146], [65])


def test_a_grouping_that_lost_a_cell_is_told_with_both_figures() -> None:
    connection = sold()
    compute(connection, SALES_CUBE, D)
    connection.execute("DELETE FROM computed.sales_cube WHERE grouping_name = 'region' AND region = 'Corse'")
    assert judge(connection, SALES_CUBE, D) == ["grouping 61: revenue is 116.00, 146.00 in the facts up to 2026-03-31"]
