"""What every gold contract must say, and that it says the truth about its sources and its privacy."""

from __future__ import annotations

import re

import pytest

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import TableContract, contracts
from ebp_lakehouse.silver.manifest import load_manifest


@pytest.fixture(scope="module")
def silver() -> dict[str, TableContract]:
    return dict(contracts(load_manifest(Settings.from_environment().dbt_project_dir)))


@pytest.mark.parametrize("table", GOLD_TABLES, ids=lambda table: table.name)
def test_the_key_is_declared_and_never_null(table: GoldTable) -> None:
    assert set(table.key) <= table.columns.keys()
    assert [name for name in table.key if table.columns[name].nullable] == []
    assert table.kind != "daily" or "date_id" in table.key


@pytest.mark.parametrize("table", GOLD_TABLES, ids=lambda table: table.name)
def test_the_tables_it_reads_are_those_of_its_queries(table: GoldTable) -> None:
    if table.computation is not None:
        return
    text = table.sql + (table.identities or "")
    assert set(re.findall(r"silver\.(\w+)", text)) == set(table.silver)
    assert set(re.findall(r"computed\.(\w+)", text)) - {table.name} == {other.name for other in table.uses}


@pytest.mark.parametrize("table", GOLD_TABLES, ids=lambda table: table.name)
def test_a_table_used_comes_before(table: GoldTable) -> None:
    names = [other.name for other in GOLD_TABLES]
    assert all(names.index(used.name) < names.index(table.name) for used in table.uses)


@pytest.mark.parametrize("table", GOLD_TABLES, ids=lambda table: table.name)
def test_what_silver_keeps_private_is_in_no_table_for_everybody(
    table: GoldTable, silver: dict[str, TableContract]
) -> None:
    """Sums over all persons may leave the private part; a column that silver keeps apart may not."""
    personal = {column.name for name in table.silver for column in silver[name].columns if column.personal}
    assert table.private or not personal & table.columns.keys()


def test_every_source_of_a_kpi_is_a_column(silver: dict[str, TableContract]) -> None:
    known = {f"{table.name}.{column.name}" for table in silver.values() for column in table.columns}
    known |= {f"{table.name}.{column}" for table in GOLD_TABLES for column in table.columns}
    kpis = [kpi for table in GOLD_TABLES for c in table.columns if (kpi := table.metadata(c).get("kpi"))]
    assert {source for kpi in kpis for source in kpi.sources} - known == set()
    assert all(1 <= kpi.number <= 92 and kpi.sources and kpi.name and kpi.name_fr for kpi in kpis)


def test_the_catalogue_names_every_column_that_holds_a_kpi() -> None:
    catalogue = next(table for table in GOLD_TABLES if table.name == "kpi_catalogue")
    assert catalogue.computation is not None
    rows = catalogue.computation(None, {}).to_pylist()  # type: ignore[arg-type]  # made of contracts alone
    revenue = [row for row in rows if row["kpi_number"] == 1]
    assert [(row["table_name"], row["column_name"], row["name_fr"], row["unit"], row["grain"]) for row in revenue] == [
        ("sales_daily_kpi", "total_revenue_excl_tax", "Chiffre d'affaires HT", "EUR", "date_id")
    ]
    assert rows == sorted(rows, key=lambda row: (row["kpi_number"], row["table_name"], row["column_name"]))
