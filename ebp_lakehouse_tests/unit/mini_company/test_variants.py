"""The mini company at another moment, under other parameters, and in installations that lack tables or columns."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest

from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.unit.silver.mock_bronze import declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import COMMUNES, SilverRun, run_silver

OPTIONAL_TABLES = (
    "sale_document_ex", "sale_credit_memo_origin", "periodic_invoicing", "customer_family", "customer_sub_family", "contact",
    "country", "settlement_mode", "item_family", "item_sub_family", "item_component", "unit", "classification_group",
    "supplier_item", "third_reference", "colleague_family", "storehouse", "accounting_year", "stock_item",
    "stock_movement", "zipcode", "states", "schedule_event", "schedule_event_type", "schedule_event_customer_product",
    "activity", "incident", "incident_template", "incident_customer_product", "customer_product", "maintenance_contract",
    "maintenance_contract_customer_product", "construction_site", "colleague_competence",
)  # fmt: skip
REVENUE = "select sum(net_amount_excl_tax) from silver.fact_sales where document_type in ('Invoice', 'CreditNote')"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("mini") / "catalog.duckdb", catalog_rows(declared_tables()))


def test_known_at_shows_what_was_known_then(tmp_path: Path, catalog: Path) -> None:
    february = run_silver(tmp_path / "run", catalog, known_at="2026-02-10 00:00:00")
    assert february.failures() == {}
    documents = "select distinct document_number, is_paid, payment_date_key from silver.fact_sales order by 1"
    assert february.query(documents) == [
        ("BL260001", None, None), ("BL260002", None, None), ("CM260001", None, None), ("DE260001", None, None),
        ("FA260001", False, -2),
    ]  # fmt: skip
    # Neither the move of 15 February nor the renaming was known.
    customers = (
        "select customer_id, family_name, former_ids from silver.dim_customer where customer_id like 'C0%' order by 1"
    )
    assert february.query(customers) == [("C001", "Grands comptes", None), ("C003", None, None)]


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory, catalog: Path) -> SilverRun:
    """Silver under parameters and a file of the user's own."""
    parameters = {
        "use_custom_revenue": True, "cost_fallback": "purchase_price", "segment_cut_a": 0.1,
        "business_hours": [["09:00", 13 * 60 + 30]], "inventory_daily_days": 3, "inventory_month_ends": 2,
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("managed")
    (folder / "market_size.csv").write_text("insee_code,department_code,potential_customers\n01053,,200\n,71,1000\n")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EBP_DBT_MARKET_SIZE", str(folder / "market_size.csv"))
        run = run_silver(folder, catalog, parameters=parameters)
    assert run.failures() == {}
    return run


def test_the_potential_of_a_department_is_shared_out_by_inhabitants(managed: SilverRun) -> None:
    with COMMUNES.open(encoding="utf-8", newline="") as file:
        inhabitants = [int(row["population"] or 0) for row in csv.DictReader(file) if row["department_code"] == "71"]
    towns = "select city, potential_customers from silver.dim_location where city in ('BOURG-EN-BRESSE', 'MÂCON', 'ANNECY') order by 1"
    assert managed.query(towns) == [
        ("ANNECY", None),
        ("BOURG-EN-BRESSE", 200.0),
        ("MÂCON", pytest.approx(1000 * 35177 / sum(inhabitants))),
    ]


def test_parameters_change_cost_and_corrections(managed: SilverRun) -> None:
    rows = "select line_number, row_origin, net_amount_excl_tax, margin_amount from silver.fact_sales where document_number = '{}' order by 1 desc"
    assert managed.query(rows.format("FA220001")) == [
        (1, "line", Decimal(100), Decimal(40)),
        (-10, "correction", Decimal(5), Decimal(2)),
    ]
    # The radiator without a cost takes its purchase price of 55.
    assert managed.query(rows.format("FA260009")) == [
        (2, "line", Decimal(100), Decimal(45)),
        (1, "line", Decimal(240), Decimal(240)),
    ]
    # C001 begins at 66.9 % and is no longer below the first cut; C002 (88.1 %) stays B, C003B (98.8 %) stays C.
    segments = (
        "select customer_id, segment from silver.dim_customer where is_current and segment is not null order by 1"
    )
    assert managed.query(segments) == [("C001", "B"), ("C002", "B"), ("C003B", "C"), ("C004", "A")]


def test_parameters_change_hours_and_days_of_stock(managed: SilverRun) -> None:
    # YAML reads an unquoted 13:30 as 810.
    hours = "select min(time_key), max(time_key), count(*) from silver.dim_time where business_hours_flag"
    assert managed.query(hours) == [(90000, 132900, 270)]
    days = "select distinct date_key from silver.fact_inventory order by 1"
    assert managed.query(days) == [(20260131,), (20260228,), (20260329,), (20260330,), (20260331,)]


def test_an_installation_without_custom_columns_nor_support_tables(tmp_path: Path) -> None:
    some = {table: rows for table, rows in catalog_rows(declared_tables()).items() if table not in OPTIONAL_TABLES}
    bare = write_catalog(
        tmp_path / "catalog.duckdb",
        some,
        without_tables=OPTIONAL_TABLES,
        without_columns=("xx_Regul_CA", "xx_Regul_Marge", "xx_Ref_Fabricant"),
    )
    run = run_silver(tmp_path / "run", bare)
    assert run.failures() == {}
    # 2022, 2024, the twelve months and 2031: 100 + 200 + 2165.98 + 30; nothing says any more that MO260001 is a model (77)
    # and TI260001 a held ticket (999).
    assert run.query(REVENUE) == [(Decimal("3571.98"),)]
    families = "select distinct family_name from silver.dim_customer where customer_id = 'C001' order by 1"
    assert run.query(families) == [("(GC)",), ("(PME)",)]


def test_an_empty_source_gives_the_members_only(tmp_path: Path) -> None:
    run = run_silver(tmp_path / "run", write_catalog(tmp_path / "catalog.duckdb"))
    assert run.failures() == {}
    counts = ", ".join(
        f"(select count(*) from silver.{table})"
        for table in ("fact_sales", "fact_inventory", "rejects", "dim_customer", "dim_warehouse", "dim_location")
    )
    assert run.query(f"select {counts}") == [(0, 0, 0, 2, 2, 1)]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    without_table = write_catalog(tmp_path / "table.duckdb", without_tables=("vat",))
    run = run_silver(tmp_path / "a", without_table, command=("run", "--select", "stg_vat"))
    assert "bronze/vat" in run.messages["stg_vat"]
    without_column = write_catalog(tmp_path / "column.duckdb", without_columns=("SettlementDate",))
    run = run_silver(tmp_path / "b", without_column, command=("run", "--select", "stg_sale_settlement"))
    assert "sale_settlement" in run.messages["stg_sale_settlement"]
    assert '"SettlementDate"' in run.messages["stg_sale_settlement"]


def test_optional_tables_are_those_of_the_registry_that_silver_declares() -> None:
    assert set(OPTIONAL_TABLES) <= set(declared_tables())


def test_unit_tests_of_the_rules_pass(managed: SilverRun, catalog: Path) -> None:
    """The rules one by one, in dbt: models/intermediate/unit_tests*.yml; they need built models for their types only."""
    run = run_silver(managed.database.parent, catalog, command=("test", "--select", "test_type:unit"))
    assert run.failures() == {}
    assert len(run.statuses) >= 11
