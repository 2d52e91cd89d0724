"""The star schema of a small demo company, against figures counted apart: revenue, stock and what was planted.

Under both sign conventions: credit notes stored positive go with movements of stock whose issues are stored positive.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Literal

import polars as pl
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.truth import GroundTruth
from ebp_lakehouse.source.registry import Registry
from ebp_lakehouse_tests.unit.silver.mock_bronze import write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import SilverRun, run_silver


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
def test_what_is_published_equals_what_was_generated(
    tmp_path: Path, stored: Literal["negative", "positive"], sign: int
) -> None:
    truth = GroundTruth()
    frames = generate(0.02, 11, date(2026, 3, 1), CompanyOptions(credit_note_sign=stored), truth)
    if stored == "positive":
        frames["StockMovement"] = frames["StockMovement"].with_columns(pl.col("Quantity").abs())
    tables = {spec.asset: frames[spec.name] for spec in Registry.load() if spec.name in frames}
    run = run_silver(tmp_path / "run", write_catalog(tmp_path / "catalog.duckdb", frames=tables))
    assert run.failures() == {}
    measured = run.query("select stored_sign from intermediate.int_credit_note_sign where kind = 'CreditNote'")
    assert measured[0][0] in (stored, "per_document")  # few credit notes, one of them planted with the other sign
    revenue = "select sum(net_amount_excl_tax) from silver.fact_sales where document_type in ('Invoice', 'CreditNote')"
    assert abs(run.query(revenue)[0][0] - revenue_of_headers(frames, sign)) <= Decimal("0.005")
    check_stock(run, frames, truth)
    check_rejects(run, truth)


def check_stock(run: SilverRun, frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    """Opening + movements = closing; today's stock is EBP's; the planted pair is the one that does not add up."""
    gaps = run.query(
        """
        with days as (
            select date_key, product_id, warehouse_id, quantity_on_hand, is_captured,
                quantity_on_hand - lag(quantity_on_hand) over (
                    partition by product_id, warehouse_id order by date_key) as step
            from silver.fact_inventory
        ), moved as (
            select product_id, warehouse_id, cast(strftime(moved_on, '%Y%m%d') as integer) as date_key, sum(quantity) as quantity
            from intermediate.int_stock_movements group by all
        )
        select count(*), count(*) filter (where coalesce(moved.quantity, 0) <> step)
        from days left join moved using (product_id, warehouse_id, date_key)
        where step is not null and date_key > 20250301
        """
    )
    assert gaps[0][0] > 1000
    assert gaps[0][1] == 0
    managed = frames["Item"].filter(pl.col("ManageStock"))["Id"]
    held = frames["StockItem"].filter(pl.col("StorageEnable") & pl.col("ItemId").is_in(managed.implode()))
    total = held.select(pl.col("RealStock").cast(pl.Decimal(38, 8)).sum()).item()
    stock = "select sum(quantity_on_hand) from silver.fact_inventory where date_key = (select max(date_key) from silver.fact_inventory)"
    assert run.query(stock) == [(total,)]
    (planted,) = truth.cases["movements that do not add up to the stock", "StockItem"].keys
    differing = """
        select product_id, warehouse_id
        from (select * from silver.fact_inventory qualify row_number() over (
            partition by product_id, warehouse_id order by date_key desc) = 1)
        left join (select product_id, warehouse_id, sum(quantity) as moved
            from intermediate.int_stock_movements group by all) using (product_id, warehouse_id)
        where quantity_on_hand <> coalesce(moved, 0)
    """
    assert ["/".join(pair) for pair in run.query(differing)] == [planted]
    told = run.results["movements_reach_stock_fact_inventory_"]
    assert (told.status, told.failures) == ("warn", 1)


def check_rejects(run: SilverRun, truth: GroundTruth) -> None:
    """Broken e-mails have no @, short phones six digits: all of them are refused, in these shapes only."""
    shapes = run.query(
        """
        select distinct rule, regexp_replace(value_class, '[a.\\-_9 ]+', 'a', 'g') from silver.rejects
        where source_table = 'Customer' and rule in ('phone', 'email') order by 1
        """
    )
    assert shapes == [("email", "a"), ("phone", "a")]
    short = "select count(*) from intermediate.int_checked_values where rule = 'phone' and (length(regexp_replace(raw, '[^0-9]', '', 'g')) < 9) <> is_rejected"
    assert run.query(short) == [(0,)]


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
    # Unallocated cash is EBP's own, debtor by debtor (codes of the demo have no spaces); what came back leaves none.
    kept = frames["SaleSettlement"].filter(~pl.col("IsUnpaid"))
    unassigned = "select third_id, sum(unassigned_amount) from silver.fact_settlements group by 1 having sum(unassigned_amount) <> 0"
    assert dict(run.query(unassigned)) == {
        debtor: total(frame, "RemainingAmount")
        for (debtor,), frame in kept.partition_by("ThirdId", as_dict=True).items()
        if total(frame, "RemainingAmount")
    }
    # Everything else is assigned, but for deposits on an order: their invoice asks for less instead.
    assigned = "select count(*), sum(assigned_amount + unassigned_amount) from silver.fact_settlements where not is_rejected and not is_deposit"
    paid = kept.filter(~pl.col("IsDeposit"))
    assert run.query(assigned) == [(paid.height, total(paid, "Amount"))]
    assert run.results["settlements_add_up_fact_settlements_"].status == "pass"
    # What was neither settled nor is due any more was written off.
    gone = """
        select commitment_id from silver.fact_payments group by 1
        having any_value(amount) - coalesce(sum(assigned_amount) filter (where not is_rejected), 0) <> sum(balance)
    """
    sales = frames["SaleCommitment"]
    assert {row[0] for row in run.query(gone)} == set(sales.filter(pl.col("LiquidationType") > 0)["Id"].cast(pl.String))
