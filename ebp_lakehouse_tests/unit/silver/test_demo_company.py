"""The star schema of a small demo company, against revenue counted apart from the headers, under both sign conventions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.source.registry import Registry
from ebp_lakehouse_tests.unit.silver.mock_bronze import write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import run_silver


def revenue_of_headers(frames: dict[str, pl.DataFrame], sign: int) -> Decimal:
    """Invoices less credit notes by the headers alone: no held ticket, no model that was never due nor posted."""
    held = frames["SaleDocumentEx"].filter(pl.col("IsTemporary") | pl.col("IsHeldReceipt"))["Id"]
    models = frames["PeriodicInvoicing"]["ReferenceDocumentId"].drop_nulls()
    due = frames["SaleCommitment"]["DocumentId"].drop_nulls()
    documents = frames["SaleDocument"].filter(
        ~pl.col("Id").is_in(held.implode())
        & ~(
            pl.col("Id").is_in(models.implode())
            & ~pl.col("Id").is_in(due.implode())
            & (pl.col("ValidationState") != 3).fill_null(True)
        )
    )
    total = pl.col("AmountVatExcludedWithDiscountAndShipping").cast(pl.Decimal(38, 8)).sum()
    invoices, credit_notes = (documents.filter(pl.col("DocumentType") == kind).select(total).item() for kind in (2, 3))
    return Decimal(invoices) + sign * Decimal(credit_notes)


@pytest.mark.parametrize(("stored", "sign"), [("negative", 1), ("positive", -1)])
def test_revenue_equals_the_headers(tmp_path: Path, stored: Literal["negative", "positive"], sign: int) -> None:
    frames = generate(0.02, 11, date(2026, 3, 1), CompanyOptions(credit_note_sign=stored))
    tables = {spec.asset: frames[spec.name] for spec in Registry.load() if spec.name in frames}
    run = run_silver(tmp_path / "run", write_catalog(tmp_path / "catalog.duckdb", frames=tables))
    assert run.failures() == {}
    measured = run.query("select stored_sign from intermediate.int_credit_note_sign where kind = 'CreditNote'")
    assert measured[0][0] in (stored, "per_document")  # few credit notes, one of them planted with the other sign
    revenue = "select sum(net_amount_excl_tax) from silver.fact_sales where document_type in ('Invoice', 'CreditNote')"
    assert abs(run.query(revenue)[0][0] - revenue_of_headers(frames, sign)) <= Decimal("0.005")


def total(frame: pl.DataFrame, column: str) -> Decimal:
    return Decimal(frame.select(pl.col(column).cast(pl.Decimal(38, 8)).sum()).item() or 0)


def test_purchases_and_payments_equal_the_headers(tmp_path: Path) -> None:
    frames = generate(0.02, 11, date(2026, 3, 1), CompanyOptions(credit_note_sign="negative"))
    tables = {spec.asset: frames[spec.name] for spec in Registry.load() if spec.name in frames}
    run = run_silver(tmp_path / "run", write_catalog(tmp_path / "catalog.duckdb", frames=tables))
    assert run.failures() == {}
    spend = "select document_type_code, sum(net_amount_excl_tax), sum(tax_amount) from silver.fact_purchases group by 1"
    headers = frames["PurchaseDocument"].partition_by("DocumentType", as_dict=True)  # stored negative: no sign to turn
    assert {kind: (net, tax) for kind, net, tax in run.query(spend)} == {
        kind: (total(frame, "AmountVatExcludedWithDiscountAndShipping"), total(frame, "VatAmount"))
        for (kind,), frame in headers.items()
    }
    open_orders = """
        select count(*) from silver.fact_purchases where document_type = 'Order' and row_origin = 'line'
        and (due_state is null or (due_state = 'Received') <> (received_quantity >= 0.98 * quantity))
    """
    assert run.query(open_orders) == [(0,)]

    balances = dict(run.query("select side, sum(balance) from silver.fact_payments group by 1"))
    for side, prefix in (("customer", "Sale"), ("supplier", "Purchase")):
        commitments = frames[f"{prefix}Commitment"]
        imported = total(commitments.filter(pl.col("DocumentId").is_null()), "BalanceDue")
        assert balances[side] == total(frames[f"{prefix}Document"], "CommitmentsBalanceDue") + imported
    # What was neither settled nor is due any more was written off.
    gone = """
        select commitment_id from silver.fact_payments group by 1
        having any_value(amount) - coalesce(sum(assigned_amount) filter (where not is_rejected), 0) <> sum(balance)
    """
    sales = frames["SaleCommitment"]
    assert {row[0] for row in run.query(gone)} == set(sales.filter(pl.col("LiquidationType") > 0)["Id"].cast(pl.String))
