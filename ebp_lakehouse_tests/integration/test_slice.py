"""The slice through Dagster in process: real PostgreSQL, folder lake, gold equal to SQL on the source."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from dagster import AssetKey
from pydantic import SecretStr

from ebp_lakehouse.bronze import batch as batch_module
from ebp_lakehouse.bronze.reconcile import Difference
from ebp_lakehouse.demo.create import create_company
from ebp_lakehouse.demo.revenue import both_revenues, gold_revenue, months_before
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.gold import compute as compute_module
from ebp_lakehouse.gold.compute import Knowledge
from ebp_lakehouse.gold.contract import AS_KNOWN
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.orchestration.runs import RunSummary, instance_at, materialize
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import Build
from ebp_lakehouse.silver.profile import profile

pytestmark = pytest.mark.timeout(900)  # the fixture brings a whole company through every layer

BRONZE = 'key:"bronze/*"'


class Slice:
    def __init__(self, settings: Settings, home: Path) -> None:
        self.settings, self.instance = settings, instance_at(home)

    def run(self, selection: str = "*", **options: Any) -> RunSummary:
        return materialize(self.settings, self.instance, selection, **options)

    @property
    def record(self) -> publication.Record:
        return publication.latest(Lake.open(self.settings))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slice]:
    home = tmp_path_factory.mktemp("slice")
    with EmbeddedPostgres(home) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        create_company(server.url, 0.01, seed=7, as_of=today())
        slice_ = Slice(Settings(source_url=SecretStr(server.url), lake_url=str(home / "lake")), home / "dagster")
        first = slice_.run()
        assert first.ok, (first.failed_checks, first.error)
        yield slice_


def test_gold_equals_the_source(made: Slice) -> None:
    first, end = months_before(today(), 36), today() + timedelta(days=1)
    months = both_revenues(made.settings, first, end)
    assert sum(source != 0 for source, _ in months.values()) > 12  # at this scale many months have no document
    assert {month: source for month, (source, _) in months.items()} == {m: gold for m, (_, gold) in months.items()}


def test_nothing_changed_nothing_written(made: Slice) -> None:
    before = made.record.number
    again = made.run()
    assert again.ok
    assert sum(layer.bytes_written for layer in again.layers.values()) == 0
    assert made.record.number == before


def test_a_failed_check_keeps_that_table_and_publishes_the_others(made: Slice, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(made.settings.source()) as connection:
        connection.execute("""UPDATE "Customer" SET "sysModifiedDate" = now()""")
        connection.execute("""UPDATE "Item" SET "sysModifiedDate" = now()""")
    before = made.record
    honest = batch_module.reconcile

    def one_cent_off(batch: Any, writer: Any) -> list[Difference]:
        found = honest(batch, writer)
        wrong = Difference("Customer", "sum", {}, Decimal("1.00"), Decimal("1.01"))
        return [*found, wrong] if batch.spec.asset == "customer" else found

    with monkeypatch.context() as patch:
        patch.setattr(batch_module, "reconcile", one_cent_off)
        summary = made.run(BRONZE)
    assert list(summary.failed_checks) == ["bronze/customer:reconciliation"]
    assert "1.01 in the lake" in summary.failed_checks["bronze/customer:reconciliation"]
    after = made.record
    assert after.pins["bronze/customer"] == before.pins["bronze/customer"]
    assert after.pins["bronze/item"].version > before.pins["bronze/item"].version
    assert made.run(BRONZE).ok
    assert made.record.pins["bronze/customer"].version > before.pins["bronze/customer"].version


def test_first_load_is_carried_over(made: Slice) -> None:
    pins = {key: pin for key, pin in made.record.pins.items() if key.startswith("bronze/")}
    instants = {pin.position["first_loaded_at"] for pin in pins.values()}
    assert len(instants) == 1
    assert pins["bronze/item"].position["captured_at"] > instants.pop()


def test_some_tables_only_and_one_that_vanished(made: Slice, tmp_path: Path) -> None:
    settings = made.settings.model_copy(update={"tables": "Customer,Vat", "lake_url": str(tmp_path / "lake")})
    instance = instance_at(tmp_path / "dagster")
    first = materialize(settings, instance, BRONZE)
    assert first.ok
    assert set(first.layers["bronze"].rows) == {"customer", "vat"}
    before = publication.latest(Lake.open(settings))
    with psycopg.connect(settings.source(), autocommit=True) as connection:
        connection.execute('ALTER TABLE "Vat" RENAME TO "Vat_"')
        try:
            summary = materialize(settings, instance, BRONZE)
        finally:
            connection.execute('ALTER TABLE "Vat_" RENAME TO "Vat"')
    assert set(summary.failed_checks) == {"bronze/vat:contract", "bronze/vat:reconciliation"}
    assert 'no table "Vat"' in summary.failed_checks["bronze/vat:contract"]
    assert publication.latest(Lake.open(settings)).pins == before.pins


def test_past_days_first_give_no_silver_until_the_tables_were_read_whole(made: Slice, tmp_path: Path) -> None:
    settings = made.settings.model_copy(
        update={"tables": "AccountingYear,SaleDocument,PurchaseDocument,Incident", "lake_url": str(tmp_path / "lake")}
    )
    instance, yesterday = instance_at(tmp_path / "dagster"), today() - timedelta(days=1)
    assert materialize(settings, instance, BRONZE, yesterday).ok
    early = materialize(settings, instance, 'key:"silver/dim_date"', yesterday)
    assert not early.success
    assert "load today's partition first: ebp-lakehouse materialize" in early.error
    assert "silver/dim_date" not in publication.latest(Lake.open(settings)).pins
    assert materialize(settings, instance, BRONZE).ok
    pins = publication.latest(Lake.open(settings)).pins
    assert pins["bronze/incident"].rows == 0
    assert all(pin.position["horizon"] is not None for pin in pins.values()), "an empty table was read whole, too"
    assert materialize(settings, instance, 'key:"silver/dim_date"').ok
    assert publication.latest(Lake.open(settings)).pins["silver/dim_date"].rows > 366


def test_headers_that_contradict_themselves_are_a_warning_with_an_example(made: Slice) -> None:
    """One euro more to pay on every invoice than its total says (H5): told, shown, and the figures are published."""
    due = """UPDATE "SaleDocument" SET "TotalDueAmount" = "TotalDueAmount" + {} WHERE "DocumentType" = 2"""
    only = 'key:"bronze/sale_document" or key:"silver/fact_sales"'
    try:
        with psycopg.connect(made.settings.source(), autocommit=True) as connection:
            connection.execute(due.format(1))
        summary = made.run(only)
    finally:
        with psycopg.connect(made.settings.source(), autocommit=True) as connection:
            connection.execute(due.format(-1))
    assert summary.ok, (summary.failed_checks, summary.error)
    lines = summary.warnings["silver/fact_sales:header_identities"].splitlines()
    assert lines[0].startswith("Identities between a header's amounts that do not hold")
    told = next(line for line in lines if "identity=H5 due = incl. tax - deposit, kind=Invoice" in line)
    assert "largest_residual=1," in told
    assert "example=FA" in told
    event = made.instance.get_latest_materialization_event(AssetKey(["silver", "fact_sales"]))
    assert event is not None
    assert event.asset_materialization is not None
    assert "CreditNote" in str(event.asset_materialization.metadata["int_credit_note_sign"].value)


def test_the_profile_is_measured_on_what_is_published(made: Slice, tmp_path: Path) -> None:
    sections = {section.name: section for section in profile(made.settings)}
    assert sections["missing"].rows == ()
    with psycopg.connect(made.settings.source()) as connection:
        kinds = connection.execute(
            """SELECT "DocumentType", count(*) FROM "SaleDocument" GROUP BY 1 ORDER BY 1"""
        ).fetchall()
        undated = connection.execute("""SELECT count(*) FROM "Customer" WHERE "sysModifiedDate" IS NULL""").fetchone()
        custom = connection.execute("""SELECT count("xx_Regul_CA") FROM "SaleDocument" """).fetchone()
    assert [(row[1], row[4]) for row in sections["document_kinds"].rows if row[0] == "sale"] == kinds
    modified = {row[0]: row[2] for row in sections["modified_dates"].rows}
    assert (modified.get("customer", 0),) == undated
    assert ("sale_document", "xx_Regul_CA", *(custom or ()), "yes") in sections["custom_columns"].rows
    assert not any("mdp" in row[1] or "login" in row[1] for row in sections["custom_columns"].rows)
    assert sections["document_states"].rows
    monday = next(proposal.line for proposal in sections["schedule_days"].proposals)
    (tmp_path / "parameters.yaml").write_text(monday)
    told = made.settings.model_copy(update={"parameters_file": tmp_path / "parameters.yaml"})
    assert all(section.proposals == () for section in profile(told) if section.name == "schedule_days")


def test_a_change_of_shape_is_named_once_and_blocks_nothing(made: Slice) -> None:
    with psycopg.connect(made.settings.source(), autocommit=True) as connection:
        connection.execute('ALTER TABLE "Zipcode" ADD COLUMN "xx_Zone" text')
        connection.execute('ALTER TABLE "Zipcode" RENAME COLUMN "xx_Zone" TO "xx_Secteur"')
    only = 'key:"bronze/zipcode"'
    summary = made.run(only)
    assert summary.ok
    assert summary.warnings == {"bronze/zipcode:drift": 'column "xx_Secteur" was added (text)'}
    with psycopg.connect(made.settings.source(), autocommit=True) as connection:
        connection.execute('ALTER TABLE "Zipcode" RENAME COLUMN "xx_Secteur" TO "xx_Tournee"')
    renamed = made.run(only)
    assert 'column "xx_Secteur" was renamed to "xx_Tournee"' in renamed.warnings["bronze/zipcode:drift"]
    assert made.run(only).warnings == {}


def test_a_table_that_shrinks_is_kept_until_the_run_accepts_it(made: Slice) -> None:
    only, before = 'key:"bronze/zipcode"', made.record.pins["bronze/zipcode"]
    with psycopg.connect(made.settings.source(), autocommit=True) as connection:
        connection.execute('DELETE FROM "Zipcode" WHERE ctid NOT IN (SELECT ctid FROM "Zipcode" LIMIT 10)')
    refused = made.run(only)
    assert "accept_shrink: [Zipcode]" in refused.failed_checks["bronze/zipcode:contract"]
    assert made.record.pins["bronze/zipcode"] == before
    assert made.run(only, accept_shrink=["Zipcode"]).ok
    assert made.record.pins["bronze/zipcode"].rows == 10


def test_a_year_is_back_filled_as_one_run_and_again_without_losing_a_version(made: Slice) -> None:
    first, last = today() - timedelta(days=365), today() - timedelta(days=1)

    def versions() -> list[Any]:
        with connect(settings=made.settings) as connection:
            return connection.execute("SELECT * FROM bronze.customer ORDER BY ALL").fetchall()

    before = versions()
    for _ in range(2):
        summary = made.run('key:"bronze/customer"', first=first, last=last)
        assert summary.ok, summary.failed_checks
        assert versions() == before
    key = dg.AssetKey(["bronze", "customer"])
    wanted = {(first + timedelta(days=n)).isoformat() for n in range(365)}
    assert wanted <= set(made.instance.get_materialized_partitions(key))


def test_a_source_that_is_down_is_told_in_one_sentence(made: Slice, tmp_path: Path) -> None:
    settings = made.settings.model_copy(
        update={"source_url": SecretStr("postgresql://u:sEcReT@127.0.0.1:1/ebp"), "lake_url": str(tmp_path / "lake")}
    )
    summary = materialize(settings, instance_at(tmp_path / "dagster"), 'key:"bronze/vat"')
    assert not summary.success
    assert summary.error.startswith("The source 127.0.0.1:1/ebp does not answer.")
    assert "sEcReT" not in summary.error


def gold_tables(settings: Settings) -> dict[str, list[tuple[Any, ...]]]:
    """Every gold table as readers see it, clocks apart."""
    with connect(settings=settings, private=True) as connection:
        return {
            table.name: connection.execute(
                f"SELECT {', '.join(table.columns)} FROM gold.{table.name} ORDER BY ALL"
            ).fetchall()
            for table in GOLD_TABLES
        }


def test_a_day_as_it_was_known_is_reconciled_with_the_facts_of_then(
    made: Slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert made.run().ok
    first, end = months_before(today(), 120), today() + timedelta(days=1)
    before, known_at = gold_revenue(made.settings, first, end), datetime.now(UTC).replace(tzinfo=None)
    tables_before = gold_tables(made.settings)
    with psycopg.connect(made.settings.source(), autocommit=True) as connection:
        row = connection.execute(
            """UPDATE "SaleDocument" SET "DocumentType" = 1 WHERE "Id" = (
                 SELECT "Id" FROM "SaleDocument" WHERE "DocumentType" = 2 AND "DocumentDate" < now()
                   AND "AmountVatExcludedWithDiscountAndShipping" > 0 ORDER BY "DocumentDate" DESC LIMIT 1
               ) RETURNING "AmountVatExcludedWithDiscountAndShipping" """
        ).fetchone()
        connection.execute("""UPDATE "StockItem" SET "RealStock" = "RealStock" + 1, "MinStock" = 7""")
        connection.execute("""UPDATE "SupplierItem" SET "DeliveryDelay" = 99""")
        connection.execute("""UPDATE "SaleCommitment" SET "BalanceDue" = 0 WHERE "BalanceDue" <> 0""")
        connection.execute(
            """DELETE FROM "ScheduleEvent" WHERE "Id" = (
                 SELECT "Id" FROM "ScheduleEvent" WHERE "StartDateTime" < now() ORDER BY "StartDateTime" DESC LIMIT 1
               )"""
        )
    assert row is not None
    assert made.run().ok
    assert sum(before.values()) - sum(gold_revenue(made.settings, first, end).values()) == round(row[0], 2)
    then = Knowledge(AS_KNOWN, known_at, rebuild=True)
    monkeypatch.setattr(compute_module, "knowledge", lambda *_: then)
    summary = made.run('key:"gold/*"')
    assert summary.ok, summary.failed_checks
    assert gold_revenue(made.settings, first, end) == before
    tables_now = gold_tables(made.settings)
    assert {name for name, rows in tables_before.items() if rows != tables_now[name]} == set()


def test_a_day_whose_rebuilt_silver_is_refused_by_its_tests_keeps_what_is_published(
    made: Slice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a day without documents gold reads silver that is built for it: what silver would not publish must not come that way."""
    before, honest = made.record, compute_module.build

    def with_a_doubled_supplier(*arguments: Any, **options: Any) -> Build:
        built = honest(*arguments, **options)
        (test,) = (result for name, result in built.results.items() if "unique_dim_supplier_supplier_key" in name)
        assert test.status == "pass"
        return replace(built, results={**built.results, test.unique_id: replace(test, status="fail", failures=1)})

    monkeypatch.setattr(compute_module, "build", with_a_doubled_supplier)
    monkeypatch.setattr(compute_module, "published_day", lambda *_: today() - timedelta(days=1))
    summary = made.run('key:"gold/supplier_performance" or key:"gold/sales_daily_kpi"')
    told = f"gold/supplier_performance: silver rebuilt for {today()} is refused by unique_dim_supplier_supplier_key"
    assert told in str(summary)
    assert set(summary.layers["gold"].rows) == {"sales_daily_kpi"}
    assert made.record.pins["gold/supplier_performance"] == before.pins["gold/supplier_performance"]


def test_a_column_that_ebp_drops_keeps_what_needs_it_as_it_was(made: Slice) -> None:
    """Bronze keeps the column, empty from then on: computed with it, every customer would have become a company."""
    natural = """SELECT count(*) FILTER (WHERE type = 'Particulier') FROM silver.dim_customer WHERE is_current"""

    def individuals() -> Any:
        with connect(settings=made.settings) as connection:
            return connection.execute(natural).fetchall()[0][0]

    before, pin = individuals(), made.record.pins["silver/dim_customer"]
    assert before > 0
    with psycopg.connect(made.settings.source(), autocommit=True) as connection:
        connection.execute('ALTER TABLE "Customer" RENAME COLUMN "NaturalPerson" TO "Natural"')
    summary = made.run(f'{BRONZE} or key:"silver/dim_customer" or key:"silver/fact_sales" or key:"silver/dim_supplier"')
    for table in ("dim_customer", "fact_sales"):  # the second one through the first
        assert f'{table} needs "NaturalPerson" of bronze/customer, which EBP no longer has' in str(summary)
    assert "dim_supplier" in summary.layers["silver"].rows
    assert (individuals(), made.record.pins["silver/dim_customer"]) == (before, pin)
    with psycopg.connect(made.settings.source(), autocommit=True) as connection:
        connection.execute('ALTER TABLE "Customer" RENAME COLUMN "Natural" TO "NaturalPerson"')
    assert made.run(f'{BRONZE} or key:"silver/dim_customer"').ok
    assert individuals() == before
