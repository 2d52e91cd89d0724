"""Maintenance contracts of the demo company are invoiced: year by year, to their payer, at about their fee."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.truth import GroundTruth

AS_OF = date(2025, 10, 23)
TODAY = datetime.combine(AS_OF, datetime.min.time())
COMPANIES = ((0.05, 1), (0.05, 7), (0.05, 42), (1.0, 3))
Made = tuple[dict[str, pl.DataFrame], dict[str, Any]]
c = pl.col


@cache
def company(scale: float, seed: int) -> Made:
    truth = GroundTruth()
    return generate(scale, seed, AS_OF, CompanyOptions(), truth), truth.as_dict()


@pytest.fixture(params=COMPANIES, ids=str)
def made(request: pytest.FixtureRequest) -> Made:
    return company(*request.param)


def code(column: str) -> pl.Expr:
    return c(column).str.strip_chars().str.to_uppercase()


def invoices(made: Made) -> pl.DataFrame:
    """One row per invoice that names a contract, with what its contract says."""
    plans = made[0]["MaintenanceContract"].select(
        "Id", "StartDate", "TacitRenewal", "EndDate", "CancellationDate", "TotalInvoiceAmountVatExcluded",
        payer=pl.coalesce("InvoicingCustomerId", "CustomerId"), fee="PredictedPeriodicInvoicingAmount",
        last=pl.min_horizontal("CancellationDate", pl.when(~c("TacitRenewal")).then("EndDate")),
    )  # fmt: skip
    return made[0]["SaleDocument"].filter(c("MaintenanceContractId").is_not_null()).select(
        "DocumentType", "DocumentDate", document="Id", Id="MaintenanceContractId", customer=code("CustomerId"),
        amount="AmountVatExcludedWithDiscountAndShipping",
    ).join(plans, on="Id", how="left")  # fmt: skip


def test_a_contract_invoice_is_one_of_its_payer_while_the_contract_runs(made: Made) -> None:
    found = invoices(made)
    assert found.height > 0
    tickets = made[0]["SaleDocumentEx"].filter(c("IsHeldReceipt") | c("IsTemporary") | c("IsReferenceDocument"))
    assert found.filter(c("document").is_in(tickets["Id"].implode())).is_empty()
    assert found["payer"].null_count() == 0
    assert found["DocumentType"].unique().to_list() == [2]
    outside = (c("DocumentDate") < c("StartDate")) | (c("DocumentDate") > c("last")).fill_null(value=False)
    assert found.filter(outside | (c("DocumentDate") > TODAY)).is_empty()
    # An orphan code is dirt, planted on very few documents.
    assert found.filter(c("customer") != c("payer")).filter(~c("customer").str.starts_with("CLI9")).is_empty()


def test_every_contract_that_runs_for_a_year_was_invoiced_within_it(made: Made) -> None:
    rows = made[0]["MaintenanceContract"].filter(
        (c("StartDate") <= TODAY - timedelta(days=395))
        & (c("CancellationDate").is_null() | (c("CancellationDate") > TODAY))
        & (c("TacitRenewal") | (c("EndDate") > TODAY))
    )
    assert rows.height > 0
    latest = invoices(made).group_by("Id").agg(latest=c("DocumentDate").max())
    late = rows.join(latest, on="Id", how="left").filter(
        c("latest").is_null() | (c("latest") < TODAY - timedelta(days=395))
    )
    assert late.is_empty(), late["Id"].to_list()


def test_a_year_is_invoiced_once_at_about_the_fee(made: Made) -> None:
    found = invoices(made).sort("Id", "DocumentDate")
    apart = found.select(days=(c("DocumentDate") - c("DocumentDate").shift()).over("Id").dt.total_days())["days"]
    assert apart.drop_nulls().min() >= 365 - 30  # type: ignore[operator]
    share = found.select(share=c("amount").cast(pl.Float64) / c("fee").cast(pl.Float64))["share"]
    assert share.min() >= 0.5  # type: ignore[operator]
    assert share.max() <= 1.0  # type: ignore[operator]  # the fee of today was raised with the prices
    totals = found.group_by("Id").agg(c("amount").sum(), c("TotalInvoiceAmountVatExcluded").first().alias("told"))
    assert totals.filter(c("amount") != c("told")).is_empty()


def test_a_contract_invoice_sells_a_contract_and_nothing_else(made: Made) -> None:
    items = made[0]["Item"].select(item="Id", contract="IsMaintenanceContract")
    lines = made[0]["SaleDocumentLine"].filter(
        c("LineType").is_in([2, 3, 10, 11, 12]) & (c("NomenclatureLevel") == 0) & ~c("NotIncluded")
    )
    found = invoices(made)
    sold = found.join(lines, left_on="document", right_on="DocumentId", how="left")
    assert sold.height == found.height
    assert sold.filter(c("RealNetAmountVatExcludedWithDiscount") != c("amount")).is_empty()
    known = sold.with_columns(item=code("ItemId")).join(items, on="item")
    assert known.height >= 0.9 * sold.height  # the others have a code that is dirt
    assert known["contract"].all()


def test_the_truth_says_which_invoice_belongs_to_which_contract(made: Made) -> None:
    told = made[1]["parameters"]["contract invoice"]
    found = invoices(made)
    assert {key: of["contract_id"] for key, of in told.items()} == dict(
        zip(found["document"], found["Id"], strict=True)
    )
    assert {key: of["day"] for key, of in told.items()} == {
        key: day.date().isoformat() for key, day in zip(found["document"], found["DocumentDate"], strict=True)
    }
    (case,) = [case for case in made[1]["cases"] if case["case"] == "invoice of a maintenance contract"]
    assert case["keys"] == sorted(told)


def test_recurring_revenue_is_some_percent_of_all() -> None:
    year = c("DocumentDate").dt.year() == AS_OF.year - 1
    revenue = company(1.0, 3)[0]["SaleDocument"].filter((c("DocumentType") == 2) & year)
    amount = c("AmountVatExcludedWithDiscountAndShipping")
    recurring = revenue.filter(c("MaintenanceContractId").is_not_null()).select(amount.sum()).item()
    assert 0.005 < recurring / revenue.select(amount.sum()).item() < 0.1


@pytest.mark.parametrize("seed", [1, 5, 303])
def test_the_smallest_company_invoices_what_it_has_room_for(seed: int) -> None:
    made = company(0.01, seed)
    found = invoices(made)
    assert found.height > 0
    assert found["payer"].null_count() == 0
    assert made[0]["SaleDocument"].height == round(0.01 * 23_837)
