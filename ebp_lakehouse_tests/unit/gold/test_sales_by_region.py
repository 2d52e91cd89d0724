"""gold.sales_by_region: months and places, growth, market penetration; figures worked out in comments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ebp_lakehouse.gold.sales.sales_by_region import SALES_BY_REGION
from ebp_lakehouse_tests.unit.gold.sales_facts import Sale, by, company, compute, judge

D = date(2026, 3, 10)


def country(
    sales: Sequence[Sale], places: Sequence[tuple[Any, ...]] = (("L1", 1000, None),)
) -> duckdb.DuckDBPyConnection:
    """Sales and their places: (key, inhabitants, potential customers by the user's file)."""
    connection = company(sales)
    connection.execute(
        "CREATE TABLE silver.dim_location (location_key VARCHAR, population INTEGER, potential_customers DOUBLE)"
    )
    connection.executemany("INSERT INTO silver.dim_location VALUES (?, ?, ?)", list(places))
    return connection


def test_a_month_is_compared_with_the_one_before_and_with_the_year_before() -> None:
    sales = [
        Sale("F1", date(2025, 2, 20), "A", "P", "50"),
        Sale("F2", date(2026, 1, 5), "A", "P", "80"),
        Sale("F3", date(2026, 2, 28), "A", "P", "60", cost="20"),
        Sale("F4", date(2026, 2, 1), "B", "P", "60"),
        Sale("V1", date(2026, 2, 3), "C", "P", "-20", document_type="CreditNote"),
        Sale("D1", date(2026, 2, 3), "Z", "P", "999", document_type="Order"),
        Sale("F5", date(2026, 4, 1), "A", "P", "7"),  # waits
    ]
    frame, found = compute(country(sales), SALES_BY_REGION, D)
    assert not found
    rows = by(frame, "period")
    assert list(rows) == ["2025-02", "2025-03", "2026-01", "2026-02", "2026-03"]  # one more after the last sale
    february = rows["2026-02"]
    assert (february["total_customers"], february["total_orders"]) == (
        2,
        2,
    )  # the credit note's customer is no more one
    assert (february["total_revenue"], february["total_margin"]) == (Decimal(100), Decimal(80))  # 60 + 60 - 20
    assert february["revenue_per_customer"] == Decimal(50)
    assert february["growth_rate_vs_previous_period"] == pytest.approx(0.25)  # (100 - 80) / 80
    assert february["growth_vs_previous_year"] == pytest.approx(1.0)  # (100 - 50) / 50
    march = rows["2026-03"]
    assert (march["total_revenue"], march["total_customers"], march["revenue_per_customer"]) == (Decimal(0), 0, None)
    assert march["growth_rate_vs_previous_period"] == -1.0
    assert rows["2026-01"]["growth_rate_vs_previous_period"] is None  # nothing the month before


def test_growth_has_no_base_in_a_month_of_credit_notes() -> None:
    sales = [
        Sale("V1", date(2026, 1, 5), "A", "P", "-5", document_type="CreditNote"),
        Sale("F1", date(2026, 2, 5), "A", "P", "5"),
    ]
    assert compute(country(sales), SALES_BY_REGION, D)[0]["growth_rate_vs_previous_period"].to_list() == [
        None,
        None,
        -1.0,
    ]


def test_penetration_counts_customers_of_twelve_months() -> None:
    """February: A and B of 1000 inhabitants. March, to the 10th: A's invoice of 9 March 2025 is a year old, B remains."""
    sales = [
        Sale("F1", date(2025, 3, 9), "A", "P", "1"),
        Sale("F2", date(2026, 2, 2), "B", "P", "1"),
        Sale("F3", date(2026, 2, 2), None, "P", "1"),  # nobody is no customer
        Sale("F4", date(2026, 3, 1), "B", "P", "1"),
    ]
    frame, found = compute(country(sales), SALES_BY_REGION, D)
    rows = by(frame, "period")
    assert not found
    assert list(rows)[-1] == "2026-03"  # no month after the running one
    assert rows["2026-02"]["market_penetration_rate"] == pytest.approx(2 / 1000)
    assert rows["2026-03"]["market_penetration_rate"] == pytest.approx(1 / 1000)
    assert rows["2026-03"]["potential_source"] == "inhabitants"


def test_the_potential_of_the_users_file_comes_before_inhabitants() -> None:
    places = [("FILE", 1000, 40.0), ("NONE", None, None), ("SMALL", 10, 0.5)]
    sales = [Sale(f"F{place}", D, "A", "P", "1", place=place) for place, *_ in places]
    frame, _ = compute(country(sales, places), SALES_BY_REGION, D)
    rows = by(frame, "location_key")
    assert (rows["FILE"]["potential_source"], rows["FILE"]["market_penetration_rate"]) == ("market_size", 1 / 40)
    assert (rows["NONE"]["potential_source"], rows["NONE"]["market_penetration_rate"]) == (None, None)
    assert rows["SMALL"]["market_penetration_rate"] == 1.0  # more customers than the file thought possible
    halved = by(
        compute(country(sales, [("FILE", 1000, None), *places[1:]]), SALES_BY_REGION, D, potential_per_inhabitant=0.5)[
            0
        ],
        "location_key",
    )
    assert halved["FILE"]["market_penetration_rate"] == pytest.approx(1 / 500)


def test_a_place_that_was_left_out_is_told_with_both_figures() -> None:
    sales = [Sale("F1", D, "A", "P", "5", place="L1"), Sale("F2", D, "A", "P", "7", place="L2")]
    connection = country(sales, [("L1", 1, None), ("L2", 1, None)])
    compute(connection, SALES_BY_REGION, D)
    connection.execute("DELETE FROM computed.sales_by_region WHERE location_key = 'L2'")
    assert judge(connection, SALES_BY_REGION, D) == ["2026-03: revenue is 5.00 by place, 12.00 in the facts"]


def test_half_a_cent_is_a_whole_one() -> None:
    # 0.29 of two customers is 0.145 each, half away from zero 0.15; divided as a double it is a little less.
    frame, _ = compute(
        country([Sale("F1", date(2026, 2, 20), "A", "P", "0.20"), Sale("F2", date(2026, 2, 20), "B", "P", "0.09")]),
        SALES_BY_REGION,
        D,
    )
    assert by(frame, "period")["2026-02"]["revenue_per_customer"] == Decimal("0.15")
