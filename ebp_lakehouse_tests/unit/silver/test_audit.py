"""What silver's audit says: warnings with examples, what a build needs, references to rows that nobody publishes.

The mini company is built once, by the package's own build with a file of parameters, on a mock bronze catalog.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ebp_lakehouse.lake.publication import Pin, Record
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver import audit
from ebp_lakehouse.silver import build as building
from ebp_lakehouse.silver.audit import SilverOutcome, _dangling, _judge, run_silver
from ebp_lakehouse.silver.build import Build, NodeResult
from ebp_lakehouse.silver.contract import TableContract, contracts
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse.silver.verdicts import Verdict, verdict
from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, declared_tables, write_catalog

# Delivered in a street without a town; billed in Paris.
STREET_ONLY = {
    "Id": "C900",
    "Name": "Sans ville",
    "MainInvoicingAddress_ZipCode": "75001",
    "MainInvoicingAddress_City": "PARIS",
    "MainDeliveryAddress_Address1": "12 RUE DES LILAS",
    "UseInvoicingAddressAsDeliveryAddress": False,
}


def pin(**position: Any) -> Pin:
    return Pin(0, position, "passed", "2026-03-31", "2026-03-31T00:00:00+00:00", 1, {})


@pytest.fixture(scope="module")
def tables() -> dict[str, TableContract]:
    return contracts(load_manifest(DBT_PROJECT))


@pytest.fixture(scope="module")
def record(tables: dict[str, TableContract]) -> Record:
    bronze = {f"bronze/{name}": pin(horizon="1") for table in tables.values() for name in table.bronze}
    return Record(1, "2026-03-31T00:00:00+00:00", pins=bronze)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("audit")
    (folder / "parameters.yaml").write_text(
        "cost_fallback: purchase_price\ncompany_closings: [[2026-03-02, 2026-03-03]]\n"
    )
    return Settings(lake_url=str(folder / "lake"), parameters_file=folder / "parameters.yaml")


@pytest.fixture(scope="module")
def built(
    settings: Settings, record: Record, tables: dict[str, TableContract], tmp_path_factory: pytest.TempPathFactory
) -> Build:
    folder = tmp_path_factory.mktemp("build")
    rows = catalog_rows(declared_tables())
    rows["customer"] = [*rows["customer"], STREET_ONLY]
    catalog = write_catalog(folder / "mock.duckdb", rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(building, "local_catalog", lambda *_, **__: catalog)
        wanted = ("int_sale_documents", "int_sale_amounts")
        return building.build(settings, record, list(tables.values()), folder, models=wanted)


@pytest.fixture
def connection(built: Build, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """The built database; what a test does to it is undone."""
    with built.connect(settings) as connection:
        connection.execute("BEGIN")
        yield connection
        connection.execute("ROLLBACK")


def result_of(built: Build, test: str) -> NodeResult:
    return next(result for result in built.results.values() if result.name.startswith(test))


def test_the_users_parameters_reach_the_models(connection: duckdb.DuckDBPyConnection) -> None:
    # FA260009, line 2: net 100, no cost, purchase price 55.
    row = connection.execute(
        "SELECT margin_amount FROM silver.fact_sales WHERE document_number = 'FA260009' AND line_number = 2"
    ).fetchone()
    assert row == (Decimal(45),)


def test_one_rule_says_where_a_customer_is_delivered(connection: duckdb.DuckDBPyConnection) -> None:
    row = connection.execute(
        """SELECT delivery_address_full, delivery_city, delivery_latitude, coordinate_source
        FROM silver.dim_customer WHERE customer_id = 'C900'"""
    ).fetchone()
    assert row == ("12 RUE DES LILAS", None, None, None)


def test_a_document_lost_from_the_facts_is_found(built: Build, connection: duckdb.DuckDBPyConnection) -> None:
    sql = result_of(built, "reconciles_with_headers_fact_sales").sql
    assert connection.execute(sql).fetchall() == []
    connection.execute("DELETE FROM silver.fact_sales WHERE document_number = 'FA220001'")
    assert [row[0] for row in connection.execute(sql).fetchall()] == ["FA220001"]
    # Lost one step earlier, it is the header alone that tells.
    connection.execute(
        """DELETE FROM intermediate.int_sale_amounts WHERE document_id IN (
            SELECT document_id FROM intermediate.int_sale_documents WHERE document_number = 'FA220001')"""
    )
    assert [row[0] for row in connection.execute(sql).fetchall()] == ["FA220001"]


def test_a_warning_says_what_it_means_with_examples_and_blocks_nothing(
    built: Build, connection: duckdb.DuckDBPyConnection
) -> None:
    warned = replace(result_of(built, "unexplained_gaps_fact_sales"), status="warn", failures=7)
    connection.execute(
        """UPDATE silver.fact_sales SET product_id = 'ECART', row_origin = 'header', net_amount_excl_tax = 12.5
        WHERE document_number = 'FA220001'"""
    )
    found = verdict(connection, warned, personal=())
    assert found.is_warning
    assert not found.blocks
    lines = found.text.splitlines()
    assert lines[0] == "Amounts of documents whose lines do not reach their header's total (rows ECART). Found: 7"
    assert any("document_number=FA220001" in line and "gap=12.5" in line for line in lines[1:])


def test_examples_are_few_and_never_personal() -> None:
    sql = "SELECT 'FA' || i AS document_number, 'Dupont' AS name, NULL AS empty FROM range(9) t(i) ORDER BY i"
    failed = NodeResult("test.p.rule.1", "fail", 0.1, 9, "Got 9 results", sql=sql)
    found = verdict(duckdb.connect(), failed, personal={"name"})
    assert found == Verdict(
        "Rows that break the rule. Found: 9\n" + "\n".join(f"  document_number=FA{i}" for i in range(5))
    )
    assert found.blocks
    of_a_personal_column = replace(failed, column="name", sql="SELECT 'Dupont' AS unique_field")
    assert verdict(duckdb.connect(), of_a_personal_column, {"name"}).text == "Rows that break the rule. Found: 9"


def test_a_test_that_could_not_run_keeps_the_words_of_dbt() -> None:
    broken = NodeResult("test.p.rule.1", "error", 0.1, 0, "Runtime Error: no such table")
    assert verdict(duckdb.connect(), broken, ()) == Verdict("Runtime Error: no such table")


def test_a_skipped_fact_names_the_test_that_stopped_it(
    built: Build, connection: duckdb.DuckDBPyConnection, tables: dict[str, TableContract]
) -> None:
    unique = result_of(built, "unique_dim_customer_customer_key")
    twice = "SELECT 'k1' AS unique_field, 2 AS n_records"
    results = {
        **built.results,
        unique.unique_id: replace(unique, status="fail", failures=1, sql=twice),
        tables["fact_sales"].unique_id: replace(built.results[tables["fact_sales"].unique_id], status="skipped"),
    }
    outcome = SilverOutcome(tables["fact_sales"])
    of_the_run = {unique.unique_id: {"name", "email"}}
    _judge(replace(built, results=results), connection, outcome, of_the_run)
    assert outcome.error == (
        "not built, because of: unique_dim_customer_customer_key: Rows that break the rule. Found: 1\n"
        "  unique_field=k1, n_records=2"
    )
    _judge(replace(built, results=results), connection, outcome, personal={})
    assert "k1" not in outcome.error, "of a table that was not selected it is not known what is personal"


def test_a_window_alone_publishes_no_silver(
    settings: Settings, record: Record, tables: dict[str, TableContract], monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = {key: pin(horizon=None) for key in record.pins}
    monkeypatch.setattr(audit.publication, "latest", lambda _: replace(record, pins=windows))
    result = run_silver(settings, [tables["dim_date"]], date(2026, 3, 1))
    assert result.outcomes["dim_date"].error == (
        "dim_date needs accounting_year and 2 more bronze tables, of which only past days were read: "
        "load today's partition first: ebp-lakehouse materialize"
    )


def test_references_to_rows_that_are_not_published(
    built: Build,
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    record: Record,
    tables: dict[str, TableContract],
    tmp_path: Path,
) -> None:
    fact = tables["fact_sales"]
    assert fact.references == {
        "date_key": ("dim_date", "date_id"),
        "customer_key": ("dim_customer", "customer_key"),
        "product_key": ("dim_product", "product_key"),
        "colleague_key": ("dim_colleague", "colleague_key"),
        "delivery_location_key": ("dim_location", "location_key"),
    }
    others = {"dim_date", "dim_product", "dim_colleague", "dim_location"}
    assert _dangling(connection, record, fact, {*others, "dim_customer"}) == []
    first_build = _dangling(connection, record, fact, others)
    assert len(first_build) == 1
    assert first_build[0].startswith("customer_key refers to silver/dim_customer, which is not published.")
    assert '+key:"silver/fact_sales"' in first_build[0]

    published = replace(record, pins={**record.pins, "silver/dim_customer": pin(record=1)})
    connection.execute("ROLLBACK")
    connection.execute("DETACH lake")
    connection.execute(f"ATTACH '{tmp_path / 'lake.duckdb'}' AS lake")
    connection.execute("CREATE SCHEMA lake.silver")
    connection.execute("CREATE TABLE lake.silver.dim_customer AS SELECT customer_key FROM silver.dim_customer")
    connection.execute("BEGIN")
    assert _dangling(connection, published, fact, others) == []
    # One version that a document points at exists in the scratch build only.
    connection.execute(
        """DELETE FROM lake.silver.dim_customer WHERE customer_key = (
            SELECT customer_key FROM silver.fact_sales WHERE document_number = 'FA220001' LIMIT 1)"""
    )
    problem = _dangling(connection, published, fact, others)
    assert len(problem) == 1
    assert problem[0].startswith("1 values of customer_key are not in the published silver/dim_customer.")


def test_the_audit_warns_shows_and_refuses(
    built: Build, settings: Settings, record: Record, tables: dict[str, TableContract], monkeypatch: pytest.MonkeyPatch
) -> None:
    """fact_sales alone on a first build: its dimensions are nowhere, so it is not published; its warnings are there."""
    monkeypatch.setattr(audit.publication, "latest", lambda _: record)
    monkeypatch.setattr(audit, "build", lambda *_, **__: built)
    monkeypatch.setattr(audit.catalog, "publish", lambda *_: record)
    result = run_silver(settings, [tables["fact_sales"]], date(2026, 3, 31))
    outcome = result.outcomes["fact_sales"]
    assert outcome.error is None
    assert len(outcome.problems) == 5
    assert outcome.difference is None
    signs = outcome.shown["int_credit_note_sign"]
    assert {"kind", "measured_documents", "negative_share", "stored_sign"} <= set(signs.columns)
    assert "CreditNote" in signs["kind"].to_list()
    assert result.origins["fact_sales"]["document_number"] == [("bronze/sale_document", "DocumentNumber")]
    outcome.problems.clear()
    outcome.tests["test.p.gaps.1"] = Verdict("a gap", is_warning=True)
    assert outcome.healthy
