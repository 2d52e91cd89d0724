"""What gold says of the demo company's contracts, against a sum over the documents that the generator made."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.gold.company.monthly_kpi import MONTHLY_KPI
from ebp_lakehouse.gold.field.contract_profitability import CONTRACT_PROFITABILITY
from ebp_lakehouse_tests.truth.companies import GENERATED_ON, Company, prepare

INVOICE = 2
DEMO = Company("contracts", 0.05, 7, CompanyOptions(), (GENERATED_ON,))


def test_contract_revenue_is_what_the_invoices_say(tmp_path: Path) -> None:
    frames = generate(DEMO.scale, DEMO.seed, GENERATED_ON, DEMO.options)
    c = pl.col
    invoices = frames["SaleDocument"].filter((c("DocumentType") == INVOICE) & c("MaintenanceContractId").is_not_null())
    amount, month = c("AmountVatExcludedWithDiscountAndShipping"), c("DocumentDate").dt.strftime("%Y-%m")
    by_contract = dict(invoices.group_by("MaintenanceContractId").agg(amount.sum()).iter_rows())
    by_month = invoices.group_by(period=month).agg(recurring=amount.sum().cast(pl.Float64))
    assert sum(by_contract.values()) > 0
    with prepare(DEMO, tmp_path).day(GENERATED_ON) as day:
        contracts, findings = day.table(CONTRACT_PROFITABILITY)
        assert contracts is not None, findings
        months, findings = day.table(MONTHLY_KPI)
        assert months is not None, findings
    invoiced = contracts.group_by("contract_id").agg(c("invoiced").sum()).filter(c("invoiced") != 0)
    assert dict(invoiced.iter_rows()) == by_contract
    assert 0 < contracts["recognised_revenue"].sum() <= contracts["invoiced"].sum()
    share, revenue = c("recurring_share_percent"), c("revenue_excl_tax").cast(pl.Float64)
    told = months.filter(share.is_not_null()).join(by_month, on="period", how="left")
    assert told["recurring"].sum() > 0
    assert told.filter((share * revenue / 100 - c("recurring").fill_null(0)).abs() > 0.01).is_empty()
