"""gold.receivables_ageing: bounds of the buckets, what the day did not know, days of sales; worked out by hand."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.cash.receivables_ageing import RECEIVABLES_AGEING
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, computed, day_key, silver

D = "2026-03-31"
DAY = date.fromisoformat(D)


def owed(number: str, age: int, balance: int, **more: Any) -> dict[str, Any]:
    """An instalment that fell due ``age`` days before D."""
    return {
        "payment_key": number, "commitment_id": number, "side": "customer", "third_id": "C", "balance": balance,
        "amount": balance, "assigned_amount": 0, "financial_discount_amount": 0, "due_date": DAY - timedelta(days=age),
        "document_date": date(2025, 1, 1), "is_rejected": False, "is_set_off": False, "is_doubtful": False, **more,
    }  # fmt: skip


def sold(document: str, day: str, amount: int, buyer: str = "C", payer: str | None = None) -> dict[str, Any]:
    return {
        "document_id": document, "document_type": "Invoice", "date_key": day_key(day), "customer_id": buyer,
        "payer_id": payer or buyer, "net_amount_incl_tax": amount,
    }  # fmt: skip


def ageing(payments: Rows, sales: Rows = ()) -> dict[str, dict[str, Any]]:
    customers = [{"customer_key": c, "customer_id": c, "is_current": True} for c in ("C", "PAYER")]
    connection = silver(
        {
            "dim_date": calendar("2023-01-01", "2026-12-31"), "dim_customer": customers, "fact_payments": payments,
            "fact_settlements": (), "fact_sales": sales,
        }
    )  # fmt: skip
    return {row["debtor_id"]: row for row in computed(RECEIVABLES_AGEING, connection, D)}


def test_each_day_of_age_falls_into_one_bucket() -> None:
    ages = {0: 1, 1: 2, 30: 4, 31: 8, 60: 16, 61: 32, 90: 64, 91: 128}
    row = ageing([owed(str(age), age, balance) for age, balance in ages.items()])["C"]
    names = ("not_due", "days_1_30", "days_31_60", "days_61_90", "days_over_90")
    assert [row[name] for name in names] == [1, 6, 24, 96, 128]  # 2 + 4, 8 + 16, 32 + 64
    assert (row["overdue"], row["receivables"], row["oldest_overdue_days"]) == (254, 255, 91)


def test_what_was_settled_after_the_day_was_open_on_it_but_a_rejected_payment_settled_nothing() -> None:
    after = {"settlement_date": date(2026, 4, 1)}
    row = ageing(
        [
            owed("A", 10, 0, **after | {"assigned_amount": 100, "financial_discount_amount": 2}),
            owed("B", 10, 40),  # the balance, of which
            owed("B", 10, 0, payment_key="B2", **after | {"assigned_amount": 40, "is_rejected": True}),  # 40 came back
            owed("E", 10, 0, **after | {"assigned_amount": 7, "settlement_date": DAY}),  # settled on the day itself
        ]
    )["C"]
    assert row["days_1_30"] == 142  # 100 + 2 of discount, 40


def test_days_of_sales_are_those_of_twelve_months_and_of_who_pays() -> None:
    # Owed 300. Sold in the year to D: 1000 + 200, so 300 / 1200 x 365 = 91.25 days. Backwards 200 of 20 March, then the 1000
    # of 1 March absorb the 300: 31 days, D counted. The 500 of 31 March 2025 are a year old; PAYER owes what it pays for C.
    sales = [sold("F1", "2025-03-31", 500), sold("F2", "2026-03-01", 1000), sold("F3", "2026-03-20", 200)]
    sales += [sold("F4", "2026-03-25", 400, payer="PAYER")]
    rows = ageing([owed("A", 10, 300), owed("P", 5, 100, third_id="PAYER")], sales)
    assert rows["C"]["revenue_incl_tax_12_months"] == Decimal(1200)
    assert rows["C"]["dso_days"] == pytest.approx(91.25)
    assert rows["C"]["dso_count_back_days"] == 31
    assert rows["PAYER"]["dso_count_back_days"] == 7  # 25 to 31 March
