"""gold.vat_due: goods on the invoice's date, services as they are paid, worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from ebp_lakehouse.gold.cash.vat_due import VAT_DUE
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, computed, day_key, silver

D = "2026-03-31"


def sale(document: str, kind: str, day: str, tax: int, waiting: int) -> dict[str, Any]:
    return {
        "document_id": document, "document_type": kind, "date_key": day_key(day), "tax_amount": tax,
        "tax_on_collection_amount": waiting,
    }  # fmt: skip


def payment(
    document: str | None, number: str, amount: int, paid: str | None, assigned: int, **more: Any
) -> dict[str, Any]:
    return {
        "side": "customer", "document_id": document, "commitment_id": number, "amount": amount,
        "settlement_date": date.fromisoformat(paid) if paid else None, "assigned_amount": assigned,
        "financial_discount_amount": 0, "is_rejected": False, **more,
    }  # fmt: skip


def months(**tables: Rows) -> dict[str, tuple[float, ...]]:
    """On debit, on collection, deductible and due, per month."""
    needed = dict.fromkeys(VAT_DUE.silver_read, ())
    connection = silver({**needed, "dim_date": calendar("2026-01-01", "2026-12-31"), **tables})
    names = ("vat_on_debit", "vat_on_collection", "vat_deductible", "vat_due_estimate")
    return {row["period"]: tuple(float(row[name]) for name in names) for row in computed(VAT_DUE, connection, D)}


def test_goods_are_due_on_the_invoice_and_services_by_the_share_that_was_paid() -> None:
    # 200 of VAT, 120 of it on services. Of 1,200 due, 300 came in January with a discount of 60, 240 in March; 480 came back
    # from the bank and 120 come after the day. January: 80 + 120 x 360 / 1200 = 116; March: 120 x 240 / 1200 = 24.
    paid = [
        payment("F1", "I1", 600, "2026-01-20", 300, financial_discount_amount=60),
        payment("F1", "I1", 600, "2026-03-10", 240),
        payment("F1", "I2", 600, "2026-03-12", 480, is_rejected=True),
        payment("F1", "I2", 600, "2026-04-01", 120),
        payment("F1", "I2", 600, None, 0),
        payment(None, "I3", 500, "2026-03-01", 500),  # an opening balance
    ]
    sold = [sale("F1", "Invoice", "2026-01-10", 200, 120)]
    assert months(fact_sales=sold, fact_payments=paid) == {"2026-01": (80, 36, 0, 116), "2026-03": (0, 24, 0, 24)}


def test_a_payment_before_its_invoice_counts_in_its_own_month() -> None:
    sold = [sale("F1", "Invoice", "2026-03-10", 20, 20)]
    paid = [payment("F1", "I1", 120, "2026-02-20", 120)]
    assert months(fact_sales=sold, fact_payments=paid) == {"2026-02": (0, 20, 0, 20), "2026-03": (0, 0, 0, 0)}


def test_a_credit_note_takes_back_what_it_was_set_off_for() -> None:
    sold = [sale("V1", "CreditNote", "2026-02-10", -20, -8)]
    paid = [payment("V1", "I1", -120, "2026-03-05", -60, is_set_off=True), payment("V1", "I1", -120, None, 0)]
    assert months(fact_sales=sold, fact_payments=paid) == {"2026-02": (-12, 0, 0, -12), "2026-03": (0, -4, 0, -4)}


def test_an_invoice_that_deposits_cover_is_due_on_its_date() -> None:
    sold = [sale("F1", "Invoice", "2026-02-10", 20, 20), sale("F2", "Invoice", "2026-03-10", 30, 10)]
    assert months(fact_sales=sold, fact_payments=[payment("F2", "I1", 0, None, 0)]) == {
        "2026-02": (0, 20, 0, 20), "2026-03": (20, 10, 0, 30),
    }  # fmt: skip


def test_only_invoices_and_credit_notes_up_to_the_day_count() -> None:
    sold = [sale(kind, kind, "2026-03-10", 99, 50) for kind in ("Quote", "Order", "Delivery", "DepositInvoice")]
    late = [*sold, sale("F1", "Invoice", "2026-04-01", 20, 5), sale("F2", "Invoice", "2026-03-31", 10, 0)]
    paid = [payment("F1", "I1", 120, "2026-03-20", 120), payment("DepositInvoice", "I2", 120, "2026-03-20", 120)]
    bought = [
        {"document_id": kind, "document_type": kind, "date_key": day_key(day), "tax_amount": tax}
        for kind, day, tax in (
            ("Invoice", "2026-03-02", 40), ("CreditNote", "2026-03-03", -5), ("Order", "2026-03-04", 7),
            ("Invoice", "2026-04-02", 9),
        )
    ]  # fmt: skip
    assert months(fact_sales=late, fact_payments=paid, fact_purchases=bought) == {"2026-03": (10, 0, 35, -25)}
