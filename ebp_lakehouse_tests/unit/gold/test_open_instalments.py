"""gold.open_instalments: what was open on a day, whatever was settled since, worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from ebp_lakehouse.gold.cash.open_instalments import OPEN_INSTALMENTS
from ebp_lakehouse_tests.unit.gold.silver_rows import computed, silver

D = "2026-04-05"


def row(key: str, commitment: str, balance: int, assigned: int = 0, **more: Any) -> dict[str, Any]:
    """One row of fact_payments: an assignment, or what is open today."""
    return {
        "payment_key": key, "commitment_id": commitment, "side": "customer", "third_id": "C", "amount": 100,
        "balance": balance, "assigned_amount": assigned, "financial_discount_amount": 0, "due_date": date(2026, 4, 1),
        "document_date": date(2026, 1, 1), "is_rejected": False, "is_doubtful": False, **more,
    }  # fmt: skip


def balances(*payments: dict[str, Any]) -> dict[str, tuple[int, int]]:
    made = computed(OPEN_INSTALMENTS, silver({"fact_payments": payments}), D)
    return {r["commitment_id"]: (int(r["balance"]), r["days_overdue"]) for r in made}


def test_what_was_settled_later_was_open_and_a_rejected_payment_settled_nothing() -> None:
    later, before = {"settlement_date": date(2026, 4, 6)}, {"settlement_date": date(2026, 4, 5)}
    assert balances(
        row("a1", "later", 0, 100, **later),
        row("b1", "that day", 0, 100, **before),
        # Paid on the 6th and sent back: EBP's balance never went down, nothing is to be put back.
        row("c1", "rejected", 0, 100, **later, is_rejected=True),
        row("c2", "rejected", 100),
        row("d1", "in parts", 0, 30, **before),
        row("d2", "in parts", 0, 20, **later),
        row("d3", "in parts", 50),
        row("e1", "discount", 0, 98, **later, financial_discount_amount=2),
    ) == {"later": (100, 4), "rejected": (100, 4), "in parts": (70, 4), "discount": (100, 4)}


def test_documents_after_the_day_wait_and_an_opening_balance_has_no_document() -> None:
    assert balances(
        row("a", "tomorrow", 100, document_date=date(2026, 4, 6)),
        row("b", "opening", 100, document_date=None, due_date=None),
        row("c", "not due", 100, due_date=date(2026, 4, 9)),
    ) == {"opening": (100, 0), "not due": (100, -4)}
