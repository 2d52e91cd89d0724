"""gold.sales_daily_kpi on a dozen facts, every figure worked out by hand in the comments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pytest

from ebp_lakehouse.gold.audit import findings
from ebp_lakehouse.gold.compute import rows_of
from ebp_lakehouse.gold.sales.sales_daily_kpi import SALES_DAILY_KPI

DAY_1, DAY_2, DAY_3 = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 4)
DAY_5 = date(2026, 3, 6)

# document, kind, day, customer, product, origin, net, incl tax, cost, cost missing, escompte, quote, last rev., converted
FACTS: list[tuple[Any, ...]] = [
    # day 1: one invoice of two lines and a shipping row to a new customer
    ("F1", "Invoice", DAY_1, "A", "P1", "line", "100.00", "120.00", "60.00", False, "0", None, None, None),
    ("F1", "Invoice", DAY_1, "A", "P2", "line", "50.00", "60.00", "0.00", True, "0", None, None, None),
    ("F1", "Invoice", DAY_1, "A", "PORT", "header", "10.00", "12.00", "0.00", False, "0", None, None, None),
    # day 1: a quote in two revisions, the last one converted on day 3; and a quote that is lost
    ("D1", "Quote", DAY_1, "A", "P1", "line", "80.00", "96.00", "0", False, "0", "Q1", False, None),
    ("D2", "Quote", DAY_1, "A", "P1", "line", "90.00", "108.00", "0", False, "0", "Q1", True, DAY_3),
    ("D3", "Quote", DAY_1, "B", "P1", "line", "40.00", "48.00", "0", False, "0", "D3", True, None),
    # day 2: the same customer again, a new one, and a credit note; an order, a delivery and a deposit are not revenue
    ("F2", "Invoice", DAY_2, "A", "P1", "line", "30.00", "36.00", "18.00", False, "2.00", None, None, None),
    ("F3", "Invoice", DAY_2, "B", "P1", "line", "70.00", "84.00", "42.00", False, "0", None, None, None),
    ("V1", "CreditNote", DAY_2, "A", "P2", "line", "-50.00", "-60.00", "0.00", False, "0", None, None, None),
    ("C1", "Order", DAY_2, "B", "P1", "line", "500.00", "600.00", "300.00", False, "0", None, None, None),
    ("L1", "Delivery", DAY_2, "B", "P1", "line", "500.00", "600.00", "300.00", False, "0", None, None, None),
    ("AC", "DepositInvoice", DAY_2, "B", "P1", "line", "25.00", "30.00", "0", False, "0", None, None, None),
    # a quote whose last revision, dearer and of another day, a partition on day 2 does not know yet
    ("D4", "Quote", DAY_2, "B", "P1", "line", "60.00", "72.00", "0", False, "0", "Q2", False, None),
    ("D5", "Quote", DAY_3, "B", "P1", "line", "65.00", "78.00", "0", False, "0", "Q2", True, None),
    # day 3 is in the future of a partition on day 2
    ("F4", "Invoice", DAY_3, "C", "P1", "line", "999.00", "1198.80", "1.00", False, "0", None, None, None),
    # day 5: an invoice without a customer; and one of the year 2202, which is outside the calendar
    ("F5", "Invoice", DAY_5, None, "P1", "line", "20.00", "24.00", "0.00", False, "0", None, None, None),
    ("F6", "Invoice", date(2202, 3, 6), "A", "P1", "line", "5000.00", "6000.00", "0.00", False, "0", None, None, None),
]


def silver() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA silver")
    connection.execute("CREATE TABLE silver.dim_product (product_key VARCHAR, is_commercial_product BOOLEAN)")
    connection.execute("INSERT INTO silver.dim_product VALUES ('P1', true), ('P2', true), ('PORT', false)")
    connection.execute(
        """CREATE TABLE silver.dim_date AS SELECT strftime(d, '%Y%m%d')::INTEGER AS date_id, d::DATE AS date_value
        FROM generate_series(DATE '2026-01-01', DATE '2026-12-31', INTERVAL 1 DAY) t(d)
        UNION ALL SELECT -3, NULL"""
    )
    connection.execute(
        """CREATE TABLE silver.fact_sales (document_id VARCHAR, document_type VARCHAR, day DATE, customer_id VARCHAR,
        product_id VARCHAR, row_origin VARCHAR, net_amount_excl_tax DECIMAL(28,8), net_amount_incl_tax DECIMAL(28,8),
        cost_amount DECIMAL(28,8), is_cost_missing BOOLEAN, financial_discount_amount DECIMAL(28,8), quote_id VARCHAR,
        is_last_revision BOOLEAN, converted_date DATE)"""
    )
    connection.executemany(f"INSERT INTO silver.fact_sales VALUES ({', '.join('?' * 14)})", FACTS)
    connection.execute("ALTER TABLE silver.fact_sales ADD COLUMN product_key VARCHAR")
    connection.execute("ALTER TABLE silver.fact_sales ADD COLUMN date_key INTEGER")
    connection.execute(
        "UPDATE silver.fact_sales SET product_key = product_id, "
        "date_key = CASE WHEN year(day) = 2026 THEN strftime(day, '%Y%m%d')::INTEGER ELSE -3 END"
    )
    return connection


def series(connection: duckdb.DuckDBPyConnection, as_of: date) -> pl.DataFrame:
    return rows_of(connection, SALES_DAILY_KPI, {"as_of": as_of})[1]


def problems(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame, as_of: date) -> list[str]:
    """What the identities say of a series."""
    connection.execute("ATTACH ':memory:' AS computed; CREATE TABLE computed.sales_daily_kpi AS FROM frame")
    found = findings(connection, SALES_DAILY_KPI, frame, {"as_of": as_of})
    assert found.contract == []
    return found.identities


def compute(as_of: date) -> dict[date, dict[str, Any]]:
    rows = series(silver(), as_of).to_dicts()
    return {
        date.fromisoformat(f"{str(r['date_id'])[:4]}-{str(r['date_id'])[4:6]}-{str(r['date_id'])[6:]}"): r for r in rows
    }


def test_the_day_of_the_first_invoice() -> None:
    day = compute(DAY_1)[DAY_1]
    assert day["total_orders_count"] == 1
    assert day["total_revenue_excl_tax"] == Decimal("160.00")  # 100 + 50 + 10 of shipping
    assert day["total_revenue_incl_tax"] == Decimal("192.00")
    assert day["total_cost"] == Decimal("60.00")
    assert day["total_margin"] == Decimal("100.00")
    assert day["margin_percent"] == pytest.approx(62.5)  # 100 / 160
    assert day["average_order_value"] == Decimal("160.00")
    assert (day["new_customers_count"], day["returning_customers_count"]) == (1, 0)
    assert day["products_sold_count"] == 2  # shipping is not a commercial product
    assert day["avg_items_per_order"] == pytest.approx(2.0)
    assert day["ancillary_revenue"] == Decimal("10.00")
    assert day["revenue_without_cost_percent"] == pytest.approx(31.25)  # 50 / 160
    assert (day["quotes_count"], day["quotes_amount"]) == (2, Decimal("130.00"))  # last revision 90, and 40
    assert day["conversion_rate"] == 0.0


def test_revenue_is_invoices_minus_credit_notes_and_nothing_else() -> None:
    day = compute(DAY_2)[DAY_2]
    assert day["total_orders_count"] == 2
    assert day["gross_invoiced"] == Decimal("100.00")
    assert day["credit_notes_amount"] == Decimal("-50.00")
    assert day["total_revenue_excl_tax"] == Decimal("50.00")
    assert day["total_revenue_incl_tax"] == Decimal("60.00")
    assert day["total_margin"] == Decimal("-10.00")  # 50 - (18 + 42)
    assert day["average_order_value"] == Decimal("25.00")
    assert (day["new_customers_count"], day["returning_customers_count"]) == (1, 1)
    assert (day["order_intake_count"], day["order_intake_excl_tax"]) == (1, Decimal("500.00"))
    assert day["deposits_invoiced"] == Decimal("30.00")
    assert day["financial_discount"] == Decimal("2.00")


def test_a_quote_of_day_1_is_converted_only_once_its_conversion_is_known() -> None:
    assert compute(DAY_2)[DAY_1]["conversion_rate"] == 0.0
    assert compute(DAY_3)[DAY_1]["conversion_rate"] == 0.5


def test_a_quote_is_shown_as_its_last_revision_that_the_day_knows() -> None:
    known_on_day_2 = compute(DAY_2)[DAY_2]
    assert (known_on_day_2["quotes_count"], known_on_day_2["quotes_amount"]) == (1, Decimal("60.00"))
    known_on_day_3 = compute(DAY_3)
    assert (known_on_day_3[DAY_2]["quotes_count"], known_on_day_3[DAY_2]["quotes_amount"]) == (0, Decimal(0))
    assert known_on_day_3[DAY_2]["conversion_rate"] is None  # no quote of that day is left
    assert (known_on_day_3[DAY_3]["quotes_count"], known_on_day_3[DAY_3]["quotes_amount"]) == (1, Decimal("65.00"))


def test_facts_after_the_partition_wait() -> None:
    assert DAY_3 not in compute(DAY_2)
    assert compute(DAY_3)[DAY_3]["total_revenue_excl_tax"] == Decimal("999.00")


def test_a_day_without_activity_has_counts_0_and_rates_null() -> None:
    quiet = compute(date(2026, 3, 5))[date(2026, 3, 5)]
    assert quiet["total_orders_count"] == 0
    assert quiet["total_revenue_excl_tax"] == Decimal(0)
    assert quiet["margin_percent"] is None
    assert quiet["average_order_value"] is None
    assert quiet["conversion_rate"] is None


def test_an_invoice_without_a_customer_is_revenue_of_nobody() -> None:
    day = compute(DAY_5)[DAY_5]
    assert (day["total_orders_count"], day["total_revenue_excl_tax"]) == (1, Decimal("20.00"))
    assert (day["new_customers_count"], day["returning_customers_count"]) == (0, 0)


def test_the_series_reconciles_with_facts_that_have_no_day_or_no_customer() -> None:
    connection = silver()
    assert problems(connection, series(connection, DAY_5), DAY_5) == []


def test_a_series_that_lost_an_invoice_or_a_customer_is_told_with_both_figures() -> None:
    connection = silver()
    frame = series(connection, DAY_5)
    # By hand, to day 5: 160 + 30 + 70 - 50 + 999 + 20 = 1229; A on day 1, A and B on day 2, C on day 3 = 4.
    connection.execute("DELETE FROM silver.fact_sales WHERE document_id = 'F3'")
    assert problems(connection, frame, DAY_5) == [
        "revenue is 1229.00 in the series, 1159.00 in the facts up to 2026-03-06",
        "customer-days are 4 in the series, 3 in the facts up to 2026-03-06",
    ]


def test_an_empty_series_has_nothing_to_reconcile() -> None:
    connection = silver()
    connection.execute("DELETE FROM silver.fact_sales")
    assert problems(connection, series(connection, DAY_5), DAY_5) == []
