"""Columns that change their type or name, and tables that change their key: through ``connect()``, old months included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ebp_lakehouse.bronze.batch import TableOutcome, run_batch
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.bronze.conftest import declared

MONTHS = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1), date(2027, 2, 1)]


class Company:
    """One table ``T``, captured month after month."""

    def __init__(self, db: psycopg.Connection[Any], settings: Settings) -> None:
        self.db, self.settings = db, settings
        self.spec = declared(key=())
        self.months = iter(MONTHS)

    def run(self, *statements: str) -> TableOutcome:
        for statement in statements:
            self.db.execute(statement)  # type: ignore[arg-type]
        day = next(self.months)
        outcome = run_batch(self.settings, [self.spec], [day], day).outcomes["t"]
        assert outcome.healthy, outcome
        return outcome

    def ask(self, sql: str, record: int | None = None) -> list[tuple[Any, ...]]:
        with connect(record, self.settings) as lake:
            return lake.execute(sql).fetchall()


@pytest.fixture
def company(database: str, tmp_path: Path) -> Iterator[Company]:
    settings = Settings.model_validate({"source_url": database, "lake_url": str(tmp_path / "lake")})
    with psycopg.connect(database, autocommit=True) as db:
        yield Company(db, settings)


def both(change: str) -> str:
    return f"{change}; the lake's holds both"


def words(outcome: TableOutcome) -> list[str]:
    assert outcome.batch is not None
    return [str(change) for change in outcome.batch.drift]


def counts(outcome: TableOutcome) -> tuple[int, int, int]:
    assert outcome.batch is not None
    return outcome.batch.inserted, outcome.batch.updated, outcome.batch.deleted


def test_widened_columns_are_one_query_over_all_months(company: Company) -> None:
    company.run(
        """CREATE TABLE "T" (k smallint PRIMARY KEY, n numeric(10,2), s varchar(3), r real, d date, gone int)""",
        """INSERT INTO "T" VALUES (1, 1.50, 'abc', 0.1, '2026-01-01', 1), (2, 2, 'x', 1, 'infinity', 2)""",
    )
    quiet = company.run(
        """ALTER TABLE "T" ALTER k TYPE integer, ALTER n TYPE numeric(14,2), ALTER s TYPE varchar(40)""",
    )
    assert counts(quiet) == (0, 0, 0), "the rows' text is the same"
    assert not quiet.published
    assert words(quiet) == [
        both('column "k" was widened from smallint to integer'),
        both('column "n" was widened from numeric(10,2) to numeric(14,2)'),
        both('column "s" was widened from character varying(3) to character varying(40)'),
    ]
    later = company.run(
        """INSERT INTO "T" VALUES (70000, 123456789012.34, 'longer than three', 2, '-infinity', 3)""",
        """DELETE FROM "T" WHERE k = 2""",
    )
    assert later.batch is not None
    assert later.batch.choice.route == "batch", "the other shape is known since the last batch"
    assert counts(later) == (1, 0, 1)
    assert words(later) == []
    wide = company.run(
        """ALTER TABLE "T" ALTER k TYPE bigint, ALTER r TYPE double precision, ALTER d TYPE timestamp, DROP gone""",
        """INSERT INTO "T" VALUES (5000000000, 0, 's', 1e300, '2026-01-01 12:00')""",
    )
    assert both('column "r" was widened from real to double precision') in words(wide)
    assert company.ask("SELECT k, n, s, d::VARCHAR FROM bronze.t_current ORDER BY k") == [
        (1, Decimal("1.50"), "abc", "2026-01-01 00:00:00"),
        (70000, Decimal("123456789012.34"), "longer than three", "-infinity"),
        (5000000000, Decimal("0.00"), "s", "2026-01-01 12:00:00"),
    ]
    # the months of the narrow types: the deleted row with its values of then, in the types of now
    assert company.ask(
        "SELECT k, n, r, d::VARCHAR, gone, _bronze_ingestion_date FROM bronze.t WHERE k = 2 ORDER BY _bronze_valid_from"
    ) == [(2, Decimal("2.00"), 1.0, "infinity", 2, MONTHS[0]), (2, Decimal("2.00"), 1.0, "infinity", 2, MONTHS[2])]
    types = dict(company.ask("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 't'"))
    assert [types[c] for c in "knsrd"] == ["BIGINT", "DECIMAL(14,2)", "VARCHAR", "DOUBLE", "TIMESTAMP"]
    # what was published before is as it was
    assert company.ask("SELECT typeof(k), typeof(n), count(*) FROM bronze.t GROUP BY ALL", 1) == [
        ("SMALLINT", "DECIMAL(10,2)", 2)
    ]


def test_narrowed_columns_keep_the_wide_type(company: Company) -> None:
    company.run(
        """CREATE TABLE "T" (k bigint PRIMARY KEY, n numeric(14,4), s text)""",
        """INSERT INTO "T" VALUES (1, 1.5, 'abc'), (5000000000, 2, 'long')""",
    )
    outcome = company.run(
        """DELETE FROM "T" WHERE k > 1""",
        """ALTER TABLE "T" ALTER k TYPE smallint, ALTER n TYPE numeric(4,1), ALTER s TYPE varchar(3)""",
    )
    assert words(outcome) == [
        both('column "k" was narrowed from bigint to smallint'),
        both('column "n" was narrowed from numeric(14,4) to numeric(4,1)'),
        both('column "s" was narrowed from text to character varying(3)'),
    ]
    assert company.ask("SELECT k, n, s FROM bronze.t_current") == [(1, Decimal("1.5"), "abc")]
    assert company.ask("SELECT max(k), max(n) FROM bronze.t") == [(5000000000, Decimal(2))]


def test_a_retyped_column_becomes_text_and_holds_both(company: Company) -> None:
    company.run(
        "SET TimeZone = 'UTC'",
        """CREATE TABLE "T" (k int PRIMARY KEY, b boolean, n numeric(12,2), t timestamp, y bytea, f float, z timestamptz)""",
        """INSERT INTO "T" VALUES (1, true, 1.50, '0044-03-15 12:00:00.5 BC', '\\x00ff', 'NaN', '2026-01-01'),
            (2, false, 2, 'infinity', '\\x', 1, '-infinity')""",
    )
    before = company.db.execute('SELECT k, b::text, n::text, t::text, y::text, f::text FROM "T" ORDER BY k').fetchall()
    outcome = company.run(
        """ALTER TABLE "T" ALTER b TYPE text, ALTER n TYPE double precision, ALTER t TYPE text, ALTER y TYPE text,
            ALTER f TYPE text, ALTER z TYPE date""",
        """UPDATE "T" SET b = 'maybe', n = 0.1 WHERE k = 1""",
    )
    assert both('column "n" was retyped from numeric(12,2) to double precision') in words(outcome)
    old = "SELECT k, b, n, t, y, f FROM bronze.t WHERE _bronze_ingestion_date = '2026-10-31' ORDER BY k"
    assert company.ask(old) == before
    assert company.ask("SELECT b, n FROM bronze.t_current ORDER BY k") == [("maybe", "0.1"), ("false", "2")]
    assert company.ask("SELECT z FROM bronze.t ORDER BY k, _bronze_valid_from") == [
        ("2026-01-01 00:00:00+00",), ("2026-01-01",), ("-infinity",), ("-infinity",),
    ]  # fmt: skip
    # back again: the lake's column stays text, and says what PostgreSQL says
    back = company.run("""ALTER TABLE "T" ALTER b TYPE boolean USING b = 'maybe'""")
    assert words(back) == [both('column "b" was retyped from text to boolean')]
    assert company.ask("SELECT b FROM bronze.t_current ORDER BY k") == [("true",), ("false",)]


def test_sums_are_still_reconciled_when_a_measure_is_text_in_the_lake(company: Company) -> None:
    company.spec = declared(reconcile={"measures": ["n"]})
    company.run(
        'CREATE TABLE "T" ("Id" int PRIMARY KEY, n text)', """INSERT INTO "T" VALUES (1, '1.50'), (2, 'a lot')"""
    )
    outcome = company.run(
        """UPDATE "T" SET n = '2' WHERE n = 'a lot'""", 'ALTER TABLE "T" ALTER n TYPE numeric USING n::numeric'
    )
    assert outcome.batch is not None
    assert outcome.batch.source.sums == {(): (Decimal("3.50"),)}
    assert company.ask("SELECT n FROM bronze.t_current ORDER BY n") == [("1.50",), ("2",)]


def test_a_renamed_column_is_named_in_the_drift_and_both_names_stay(company: Company) -> None:
    company.run('CREATE TABLE "T" (k int PRIMARY KEY, name text)', """INSERT INTO "T" VALUES (1, 'é')""")
    outcome = company.run('ALTER TABLE "T" RENAME name TO "Name"')
    assert words(outcome) == ['column "name" was renamed to "Name"; the lake keeps both names']
    assert company.ask('SELECT name, "Name__2" FROM bronze.t ORDER BY _bronze_valid_from') == [("é", None), (None, "é")]


def test_another_key_ends_what_the_former_one_told_apart(company: Company) -> None:
    company.run(
        'CREATE TABLE "T" (a int PRIMARY KEY, b int NOT NULL, v text)',
        """INSERT INTO "T" VALUES (1, 10, 'x'), (2, 20, 'y')""",
    )
    company.run("""UPDATE "T" SET b = 11 WHERE a = 1""")
    outcome = company.run(
        'ALTER TABLE "T" DROP CONSTRAINT "T_pkey", ADD PRIMARY KEY (b)', """INSERT INTO "T" VALUES (1, 12, 'z')"""
    )
    assert words(outcome) == ["the key changed from a to b"]
    live = "SELECT a, b, v FROM bronze.t_current ORDER BY b"
    assert company.ask(live) == [(1, 11, "x"), (1, 12, "z"), (2, 20, "y")]
    none = company.run('ALTER TABLE "T" DROP CONSTRAINT "T_pkey"')
    assert words(none) == ["the key changed from b to the whole row"]
    assert company.ask(live) == [(1, 11, "x"), (1, 12, "z"), (2, 20, "y")]
    again = company.run("""INSERT INTO "T" VALUES (3, 30, 'new')""", 'ALTER TABLE "T" ADD PRIMARY KEY (a, b)')
    assert words(again) == ["the key changed from the whole row to a, b"]
    assert company.ask(live) == [(1, 11, "x"), (1, 12, "z"), (2, 20, "y"), (3, 30, "new")]


def test_a_shape_that_brought_no_version_is_told_once(company: Company) -> None:
    company.run('CREATE TABLE "T" (k int PRIMARY KEY)', 'INSERT INTO "T" VALUES (1)')
    assert words(company.run('ALTER TABLE "T" ADD COLUMN empty text')) == ['column "empty" was added (text)']
    number = publication.latest(Lake.open(company.settings)).number
    quiet = company.run()
    assert words(quiet) == []
    assert publication.latest(Lake.open(company.settings)).number == number
    assert company.run("UPDATE \"T\" SET empty = 'no more'").published
    assert company.ask("SELECT empty FROM bronze.t_current") == [("no more",)]
