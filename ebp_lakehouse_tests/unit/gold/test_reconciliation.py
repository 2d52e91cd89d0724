"""gold.reconciliation: what the rows of the facts lack or add against EBP's headers is seen, per trade, kind and year."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from ebp_lakehouse.gold.company.reconciliation import RECONCILIATION
from ebp_lakehouse_tests.unit.gold.silver_rows import computed, silver


def total(side: str, kind: str, year: int, documents: int, net: int, vat: int) -> dict[str, Any]:
    return {
        "total_key": f"{side}{kind}{year}", "side": side, "document_type": kind, "document_year": year,
        "documents_count": documents, "amount_excl_tax": net, "vat_amount": vat,
    }  # fmt: skip


def fact(kind: str, date_key: int, net: int, tax: int, origin: str = "line") -> dict[str, Any]:
    return {
        "document_type": kind, "date_key": date_key, "net_amount_excl_tax": net, "tax_amount": tax, "row_origin": origin,
    }  # fmt: skip


def test_every_difference_is_shown_where_it_lies() -> None:
    sales = [
        fact("Invoice", 20250101, 60, 12), fact("Invoice", 20251231, 40, 7), fact("Invoice", 20260101, 10, 2),
        fact("Invoice", 20250601, 5, 0, "correction"),  # a correction of the management, not of EBP's documents
        fact("CreditNote", 20250601, -20, -4), fact("Quote", -1, 8, 1), fact("Quote", -3, 2, 1),
    ]  # fmt: skip
    stored = [
        total("customer", "Invoice", 2025, 2, 100, 20),  # a unit of VAT is missing in the rows
        total("customer", "CreditNote", 2025, 1, -20, -4),
        total("customer", "Quote", 0, 2, 10, 2),
        total("supplier", "Invoice", 2025, 1, 50, 10),  # no row at all
    ]  # the invoices of 2026 have no header
    tables = {"fact_sales": sales, "fact_purchases": [], "source_totals": stored}
    rows = computed(RECONCILIATION, silver(tables), "2026-03-31")
    names = ("side", "document_type", "document_year", "documents_count", "reconciliation_gap", "vat_gap")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("customer", "CreditNote", 2025, 1, 0, 0),
        ("customer", "Invoice", 2025, 2, 0, -1),
        ("customer", "Invoice", 2026, 0, 10, 2),
        ("customer", "Quote", 0, 2, 0, 0),
        ("supplier", "Invoice", 2025, 1, -50, -10),
    ]
    assert (rows[1]["source_excl_tax"], rows[1]["warehouse_excl_tax"]) == (Decimal(100), Decimal(100))
