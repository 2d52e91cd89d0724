"""gold.sales_by_product: what sold, rotation, ABC and the profile of demand; figures worked out in comments."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from ebp_lakehouse.gold.sales.sales_by_product import SALES_BY_PRODUCT
from ebp_lakehouse_tests.unit.gold.sales_facts import Product, Sale, by, company, compute, judge

D = date(2026, 3, 10)  # so the window is 11 March 2025 to 10 March 2026
START = date(2025, 3, 11)


def warehouse(
    sales: Sequence[Sale],
    products: Sequence[Product] = (),
    movements: Sequence[tuple[Any, ...]] = (),
    stock: Sequence[tuple[Any, ...]] = (),
    components: Sequence[tuple[Any, ...]] = (),
) -> duckdb.DuckDBPyConnection:
    """Sales beside what moved, what was in stock and what bundles contained.

    Args:
        sales: as ever.
        products: those that no sale names, or that are special.
        movements: day, product, kind, is demand, quantity, cost.
        stock: evening, product, quantity, value.
        components: day, kind of document, product, quantity.
    """
    connection = company(sales, products)
    connection.execute(
        """CREATE TABLE silver.fact_stock_movements (date_key INTEGER, product_id VARCHAR, movement_kind VARCHAR,
        is_demand BOOLEAN, quantity DECIMAL(28,8), cost_amount DECIMAL(28,8));
        CREATE TABLE silver.fact_inventory (date_key INTEGER, product_id VARCHAR, quantity_on_hand DECIMAL(28,8),
        stock_value DECIMAL(28,8));
        CREATE TABLE silver.fact_sale_components (date_key INTEGER, document_type VARCHAR,
        product_key VARCHAR, quantity DECIMAL(28,8))"""
    )
    for table, rows in (("stock_movements", movements), ("inventory", stock), ("sale_components", components)):
        for row in rows:
            values = [int(f"{v:%Y%m%d}") if isinstance(v, date) else v for v in row]
            connection.execute(f"INSERT INTO silver.fact_{table} VALUES ({', '.join('?' * len(row))})", values)
    return connection


def test_quantities_margins_and_what_is_no_product() -> None:
    sales = [
        Sale("F0", date(2025, 3, 10), "A", "P", "1000", quantity="100"),  # the day before the window
        Sale("F1", START, "A", "P", "60", cost="20", quantity="6"),
        Sale("F2", D, "B", "P", "40", cost="30", quantity="4"),
        Sale("V1", D, "B", "P", "-20", cost="-10", quantity="-2", document_type="CreditNote"),
        Sale("F2", D, "B", "PORT", "9", row_origin="header"),
        Sale("B1", D, "B", "P", "500", quantity="50", document_type="Delivery"),
    ]
    frame, found = compute(warehouse(sales), SALES_BY_PRODUCT, D)
    assert not found
    assert frame["product_id"].to_list() == ["P"]  # shipping is none
    row = by(frame, "product_id")["P"]
    assert row["total_quantity_sold"] == Decimal(8)  # 6 + 4 - 2
    assert (row["total_revenue"], row["total_margin"]) == (Decimal(80), Decimal(40))  # cost 20 + 30 - 10
    assert row["margin_percent"] == pytest.approx(50.0)
    assert row["markup_percent"] == pytest.approx(100.0)
    assert row["units_per_order_avg"] == pytest.approx(5.0)  # 10 invoiced on two invoices


def test_which_products_have_a_row() -> None:
    products = [Product("NEW"), Product("OLD", is_active=False), Product("STOCKED", is_active=False)]
    sales = [Sale("F1", date(2023, 1, 5), "A", "PAST", "5"), Sale("F2", D, "A", "PORT", "1", row_origin="header")]
    products += [Product("PAST", is_active=False)]
    frame, found = compute(warehouse(sales, products, stock=[(D, "STOCKED", 3, 30)]), SALES_BY_PRODUCT, D)
    assert not found
    assert frame["product_id"].to_list() == ["NEW", "PAST", "STOCKED"]  # active, sold once, in stock; not OLD


def test_sell_through_and_rotation() -> None:
    # Sold 8 of 5 on the evening of 10 March 2025 and 15 received: 0.4. Issues cost 30 + 20 = 50; thirteen stock values: 100
    # on each of the twelve month-ends (March 2025 to February 2026), 60 on the day: 1260 / 13 = 96.92...
    month_ends = [date(2025, m, d) for m, d in ((3, 31), (4, 30), (5, 31), (6, 30), (7, 31), (8, 31), (9, 30))]
    month_ends += [date(2025, 10, 31), date(2025, 11, 30), date(2025, 12, 31), date(2026, 1, 31), date(2026, 2, 28)]
    stock = [(date(2025, 3, 10), "P", 5, 7777), *((day, "P", 10, 100) for day in month_ends), (D, "P", 6, 60)]
    stock += [(date(2025, 6, 15), "P", 1, 5555)]  # no evening that counts
    movements = [
        (date(2025, 3, 10), "P", "Purchase", False, 99, 99),  # before the window
        (date(2025, 5, 2), "P", "Purchase", False, 15, 150),
        (date(2025, 5, 3), "P", "Purchase", False, -1, -10),  # sent back: neither received nor issued
        (date(2025, 7, 1), "P", "Sale", True, -6, -30),
        (date(2025, 8, 1), "P", "Consumption", True, -2, -20),
        (date(2025, 8, 2), "P", "Sale", True, 1, 5),  # a customer's return is not taken off
        (date(2025, 9, 1), "P", "Transfer", False, -3, -40),
    ]
    service = Product("S", type="Service", is_stock_managed=False)
    sales = [Sale("F1", date(2025, 7, 1), "A", "P", "80", quantity="8"), Sale("F1", date(2025, 7, 1), "A", "S", "1")]
    rows = by(compute(warehouse(sales, [service], movements, stock), SALES_BY_PRODUCT, D)[0], "product_id")
    assert rows["P"]["sell_through_rate"] == pytest.approx(0.4)
    assert rows["P"]["mean_stock_value"] == Decimal("96.92")
    assert rows["P"]["stock_turnover_ratio"] == pytest.approx(50 / (1260 / 13))
    assert rows["P"]["stock_coverage_days"] == pytest.approx(365 * 1260 / 13 / 50)
    assert [rows["S"][name] for name in ("sell_through_rate", "mean_stock_value", "stock_turnover_ratio")] == [None] * 3


def test_sell_through_stays_within_its_bounds() -> None:
    """Sold more than EBP knows to have been there: 1. Came back more than was sold: 0. Nothing there: NULL."""
    stock = [(date(2025, 3, 10), "MORE", 2, 2), (date(2025, 3, 10), "BACK", 2, 2)]
    sales = [
        Sale("F1", D, "A", "MORE", "9", quantity="9"),
        Sale("V1", D, "A", "BACK", "-1", quantity="-1", document_type="CreditNote"),
        Sale("F2", D, "A", "NONE", "1"),
    ]
    rows = by(compute(warehouse(sales, stock=stock), SALES_BY_PRODUCT, D)[0], "product_id")
    assert [rows[name]["sell_through_rate"] for name in ("MORE", "BACK", "NONE")] == [1.0, 0.0, None]


def test_components_of_bundles_are_counted_beside() -> None:
    components = [(D, "Invoice", "P", 10), (D, "CreditNote", "P", -2), (D, "Delivery", "P", 5)]
    components += [(date(2025, 3, 10), "Invoice", "P", 7)]  # before the window
    connection = warehouse([Sale("F1", D, "A", "LOT", "50", quantity="2")], [Product("P")], components=components)
    rows = by(compute(connection, SALES_BY_PRODUCT, D)[0], "product_id")
    assert (rows["P"]["total_quantity_sold"], rows["P"]["quantity_in_bundles"]) == (Decimal(0), Decimal(8))


def test_abc_by_revenue_and_by_margin() -> None:
    """Revenue 80, 15, 5: before each 0, 80, 95 %: A, B, C. Margins 1, 14, 5 of 20: BIG comes last, 95 % before it: C."""
    sales = [
        Sale("F1", D, "A", "BIG", "80", cost="79"),
        Sale("F2", D, "A", "MID", "15", cost="1"),
        Sale("F3", D, "A", "LOW", "5"),
    ]
    rows = by(compute(warehouse(sales), SALES_BY_PRODUCT, D)[0], "product_id")
    assert [rows[name]["abc_classification"] for name in ("BIG", "MID", "LOW")] == ["A", "B", "C"]
    assert [rows[name]["abc_margin"] for name in ("BIG", "MID", "LOW")] == ["C", "A", "A"]  # 0, 70, 95 % before


def monthly(product: str, *quantities: int) -> list[Sale]:
    """An invoice on the 11th of each month of the window, that is on the first day of its n-th month; 0 for none."""
    days = [date(2025 + (2 + n) // 12, (2 + n) % 12 + 1, 11) for n in range(len(quantities))]
    return [
        Sale(f"{product}{n}", day, "A", product, "1", quantity=str(quantity))
        for n, (day, quantity) in enumerate(zip(days, quantities, strict=True))
        if quantity
    ]


def test_a_month_of_which_all_was_taken_back_is_no_month_of_demand() -> None:
    # Nine months with 5 pieces, a tenth with 5 and a correcting invoice of -5: ADI is 12 / 9 = 1.33, not 12 / 10.
    sales = monthly("P", *[5] * 9)
    sales += [Sale("X1", date(2025, 12, 12), "A", "P", "1", quantity="5")]
    sales += [Sale("X2", date(2025, 12, 13), "A", "P", "-1", quantity="-5")]
    row = by(compute(warehouse(sales), SALES_BY_PRODUCT, D)[0], "product_id")["P"]
    assert row["demand_class"] == "intermittent"


def test_the_profile_of_demand() -> None:
    # EVEN: no variation. ODD: 1 and 19 by turns, mean 10, deviation 9: 0.9 is Y; CV² 0.81 is erratic. RARE: 6 in four
    # months of twelve: mean 2, mean square 12, deviation sqrt(8): 1.41 is Z; ADI 3, CV² 0: intermittent. LUMPY: 1 and 19
    # in two months: ADI 6, CV² 0.81. Nothing invoiced: NULL.
    sales = monthly("EVEN", *[5] * 12) + monthly("ODD", *[1, 19] * 6) + monthly("RARE", 6, 0, 0, 6, 0, 0, 6, 0, 0, 6)
    sales += monthly("LUMPY", 0, 1, 0, 0, 19)
    rows = by(compute(warehouse(sales, [Product("NONE")]), SALES_BY_PRODUCT, D)[0], "product_id")
    profile = {name: (row["xyz_classification"], row["demand_class"]) for name, row in rows.items()}
    assert profile == {
        "EVEN": ("X", "smooth"),
        "ODD": ("Y", "erratic"),
        "RARE": ("Z", "intermittent"),
        "LUMPY": ("Z", "lumpy"),
        "NONE": (None, None),
    }


def test_a_lost_product_is_told_with_the_figures() -> None:
    sales = [Sale("F1", D, "A", "P", "80"), Sale("F1", D, "A", "PORT", "9", row_origin="header")]
    connection = warehouse(sales)
    compute(connection, SALES_BY_PRODUCT, D)
    connection.execute("UPDATE computed.sales_by_product SET total_revenue = 70")
    assert judge(connection, SALES_BY_PRODUCT, D) == [
        "revenue of the period is 70.00 by product and 9.00 of what is none, 89.00 in the facts up to 2026-03-10"
    ]
