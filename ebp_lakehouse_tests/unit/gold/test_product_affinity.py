"""gold.product_affinity: which goods are bought together; figures worked out in comments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.sales.product_affinity import PRODUCT_AFFINITY
from ebp_lakehouse_tests.unit.gold.sales_facts import Product, Sale, by, company, compute

D = date(2026, 3, 31)
LABOUR = Product("S", type="Service")


def invoice(number: str, *products: str, day: date = D, **changed: Any) -> list[Sale]:
    return [Sale(number, day, "A", product, "1", **changed) for product in products]


def pairs(sales: list[Sale], **changed: Any) -> dict[tuple[str, str], dict[str, Any]]:
    frame, found = compute(company(sales, [LABOUR]), PRODUCT_AFFINITY, D, **changed)
    assert not found
    return by(frame, "product_id_a", "product_id_b")


def test_ten_invoices_make_a_pair() -> None:
    # P and Q together on 10 of 20 invoices, P on 16, Q on 12: support 0.5, confidence 10/16 and 10/12, lift
    # 10 x 20 / (16 x 12) = 1.0417. P and R are together on 9 only.
    sales = [row for n in range(10) for row in invoice(f"PQ{n}", "Q", "P", "S", "PORT")]
    sales += [row for n in range(6) for row in invoice(f"P{n}", "P", "R")]
    sales += [row for n in range(2) for row in invoice(f"Q{n}", "Q")]
    sales += [row for n in range(2) for row in invoice(f"O{n}", "S")]
    sales += [row for n in range(3) for row in invoice(f"PQ{n}", "R")]  # R on three more of the invoices with P: 9
    rows = pairs(sales)
    assert list(rows) == [("P", "Q")]  # nor with labour and shipping, though those are on all ten
    row = rows["P", "Q"]
    assert [row[n] for n in ("invoices_together", "invoices_a", "invoices_b", "invoices_total")] == [10, 16, 12, 20]
    assert row["support"] == pytest.approx(0.5)
    assert (row["confidence_a_to_b"], row["confidence_b_to_a"]) == pytest.approx((10 / 16, 10 / 12))
    assert row["lift"] == pytest.approx(200 / 192)
    assert ("P", "R") in pairs(sales, affinity_minimum_invoices=9)


def test_an_invoice_counts_once_and_other_documents_never() -> None:
    sales = [row for n in range(9) for row in invoice(f"F{n}", "P", "Q", "P")]  # the same item on two lines
    sales += invoice("L1", "P", "Q", document_type="Delivery") + invoice("V1", "P", "Q", document_type="CreditNote")
    sales += invoice("OLD", "P", "Q", day=date(2024, 3, 31))  # the day before the 24 months
    assert pairs(sales) == {}
    assert pairs([*sales, *invoice("NEW", "P", "Q", day=date(2024, 4, 1))])["P", "Q"]["invoices_together"] == 10


def test_nothing_sold_gives_no_pair() -> None:
    assert pairs([Sale("F1", D, "A", "P", "1", quantity=str(Decimal(20)))]) == {}
