"""gold.supplier_performance: deliveries that end in another year, too much delivered, returns; worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.stock.supplier_performance import SUPPLIER_PERFORMANCE
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, computed, day_key, silver


def ordered(number: str, day: str, promised: str, quantity: int, complete: str | None) -> dict[str, Any]:
    return {
        "purchase_key": number, "document_id": number, "line_id": number, "document_type": "Order", "row_origin": "line",
        "product_id": "P", "supplier_id": "S", "date_key": day_key(day), "quantity": quantity,
        "quantity_stock_unit": quantity, "net_amount_excl_tax": quantity, "promised_date": promised,
        "first_receipt_date": complete, "complete_receipt_date": complete,
    }  # fmt: skip


def receipt(order: str, day: str, quantity: int) -> dict[str, Any]:
    return {"order_purchase_key": order, "date_key": day_key(day), "received_quantity": quantity}


def periods(
    as_of: str, *purchases: dict[str, Any], receipts: Rows = (), payments: Rows = ()
) -> dict[tuple[str, date], dict[str, Any]]:
    tables = {
        "dim_date": calendar("2023-01-01", "2026-12-31"), "fact_purchases": purchases, "fact_payments": payments,
        "fact_purchase_receipts": receipts,
        "dim_supplier": [{"supplier_key": "S", "supplier_id": "S", "is_current": True}],
    }  # fmt: skip
    rows = computed(SUPPLIER_PERFORMANCE, silver(tables), as_of)
    return {(row["period_type"], row["period_start"]): row for row in rows}


def test_a_line_that_came_after_the_year_was_not_complete_in_it() -> None:
    # Due in 2025: 10 pieces complete after 20 days, and 30 that were complete only in January 2026, after 50 days. 2025: one of
    # two in full, lead time 20; 12 for the 10 ordered fill it once, of the 30 nothing had come: 10 / 40. The rolling year has
    # both: (10 x 20 + 30 x 50) / 40 = 42.5 days, and all 40.
    rows = periods(
        "2026-03-31",
        ordered("1", "2025-11-01", "2025-11-30", 10, "2025-11-21"),
        ordered("2", "2025-12-01", "2025-12-20", 30, "2026-01-20"),
        receipts=[receipt("1", "2025-11-21", 12), receipt("2", "2026-01-20", 30)],
    )
    year = rows["fiscal_year", date(2025, 1, 1)]
    assert (year["due_lines_count"], year["in_full_rate"], year["on_time_delivery_rate"]) == (2, 0.5, 0.5)
    assert year["avg_lead_time_days"] == pytest.approx(20)
    assert year["line_fill_rate"] == pytest.approx(0.25)
    rolling = rows["rolling", date(2025, 4, 1)]
    assert (rolling["in_full_rate"], rolling["line_fill_rate"]) == (1.0, 1.0)
    assert rolling["avg_lead_time_days"] == pytest.approx(42.5)


def test_a_line_is_filled_by_what_had_come_by_the_end_of_the_period() -> None:
    # Due in December 2025: of 40, 10 came in December, 20 in February and 10 in April, after D. Of the same item on the next line
    # of the order, 60, came 5 in December. 2025: 15 / 100; the twelve months to D: 35 / 100.
    order = {**ordered("C", "2025-11-01", "2025-12-20", 40, "2026-04-10"), "first_receipt_date": "2025-12-19"}
    receipts = [
        receipt("C", "2025-12-19", 10), receipt("C", "2026-02-10", 20), receipt("C", "2026-04-10", 10),
        receipt("C2", "2025-12-19", 5),
    ]  # fmt: skip
    second = {**order, "purchase_key": "C2", "line_id": "C2", "quantity": 60, "complete_receipt_date": None}
    rows = periods("2026-03-31", order, second, receipts=receipts)
    assert rows["fiscal_year", date(2025, 1, 1)]["line_fill_rate"] == pytest.approx(0.15)
    assert rows["rolling", date(2025, 4, 1)]["line_fill_rate"] == pytest.approx(0.35)


def test_what_is_not_known_of_a_supplier_has_no_weight() -> None:
    # Three of five lines in time, all after 20 days; no receipt nor invoice tells of defects or prices. 40 x 0.6 for the OTIF
    # and 10 x 1 for a lead time that never varies, of 50: 68.
    lines = [ordered(str(n), "2025-11-01", "2025-11-21" if n < 3 else "2025-11-20", 10, "2025-11-21") for n in range(5)]
    row = periods("2026-03-31", *lines)["rolling", date(2025, 4, 1)]
    assert (row["quality_defect_rate"], row["price_variance_percent"]) == (None, None)
    assert row["lead_time_std_days"] == pytest.approx(0)
    assert row["supplier_score"] == pytest.approx(68)


def test_a_lead_time_that_is_not_known_has_no_spread() -> None:
    # Nothing came of five lines: only the OTIF of 0 is known.
    lines = [ordered(str(n), "2025-11-01", "2025-11-20", 10, None) for n in range(5)]
    row = periods("2026-03-31", *lines)["rolling", date(2025, 4, 1)]
    assert (row["avg_lead_time_days"], row["lead_time_std_days"]) == (None, None)
    assert row["supplier_score"] == pytest.approx(0)


def test_twelve_months_begin_where_they_begin_for_sales_too_after_a_leap_day() -> None:
    bill = {
        "purchase_key": "A", "document_id": "A", "line_id": "A", "document_type": "Invoice", "row_origin": "line",
        "product_id": "P", "supplier_id": "S", "date_key": day_key("2024-02-29"), "quantity": 1, "quantity_stock_unit": 1,
        "net_amount_excl_tax": 7,
    }  # fmt: skip
    rows = periods("2025-02-28", bill)
    assert rows["rolling", date(2024, 2, 29)]["total_amount"] == Decimal(7)


def test_an_order_typed_after_what_it_brought_tells_no_lead_time() -> None:
    # Four lines after 20 days; the fifth came five days before it was ordered. In time and in full, all five are.
    lines = [ordered(str(n), "2025-11-01", "2025-11-30", 10, "2025-11-21") for n in range(4)]
    row = periods("2026-03-31", *lines, ordered("5", "2025-11-10", "2025-11-30", 90, "2025-11-05"))[
        "rolling", date(2025, 4, 1)
    ]
    assert (row["avg_lead_time_days"], row["in_full_rate"]) == (pytest.approx(20), 1.0)
    assert row["lead_time_std_days"] == pytest.approx(0)
    row = periods("2026-03-31", ordered("5", "2025-11-10", "2025-11-30", 90, "2025-11-05"))["rolling", date(2025, 4, 1)]
    assert (row["avg_lead_time_days"], row["lead_time_std_days"]) == (None, None)
