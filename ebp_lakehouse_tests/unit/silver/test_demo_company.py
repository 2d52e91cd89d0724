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
