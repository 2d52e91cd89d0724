"""Bugs that others published, each with a test named after it: history, loading, reading. Dagster's are in unit/orchestration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ebp_lakehouse.lake.session import session
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.validation import problems_of
from ebp_lakehouse_tests.integration.bronze.conftest import House

HISTORY = "SELECT _bronze_is_deleted, amount, note FROM versions WHERE \"Id\" = '{}' ORDER BY _bronze_valid_from"


def test_dlt_4244_keys_joined_without_a_separator_retire_no_other_row(new_house: Callable[..., House]) -> None:
    house = new_house(key=["a", "b"])
    house.run(
        'CREATE TABLE "T" (a text, b text, v int, PRIMARY KEY (a, b))',
        """INSERT INTO "T" VALUES ('1', '11', 1), ('11', '1', 2), ('', '111', 3)""",
    )
    house.ingest()
    house.run("""DELETE FROM "T" WHERE a = '1'""")
    assert house.ingest().deleted == 1
    assert house.query("SELECT a, b, v FROM live ORDER BY v") == [("11", "1", 2), ("", "111", 3)]


def test_dbt_11949_a_deletion_keeps_the_rows_last_values(house: House) -> None:
    house.ingest()
    house.run("""DELETE FROM "T" WHERE "Id" = 'r7'""")
    house.ingest()
    assert house.query(HISTORY.format("r7")) == [
        (False, Decimal("7.01000000"), "note 7"),
        (True, Decimal("7.01000000"), "note 7"),
    ]


def test_dbt_11269_a_restored_row_is_live_again(house: House) -> None:
    house.ingest()
    house.run("""CREATE TABLE bin AS SELECT * FROM "T" WHERE "Id" = 'r7'""", """DELETE FROM "T" WHERE "Id" = 'r7'""")
    house.ingest()
    house.run("""INSERT INTO "T" SELECT * FROM bin""")
    house.ingest()
    assert [row[0] for row in house.query(HISTORY.format("r7"))] == [False, True, False]
    assert house.query("SELECT count(*) FROM live WHERE \"Id\" = 'r7'") == [(1,)]


def test_posthog_64417_a_commit_that_comes_late_is_not_behind_any_watermark(house: House) -> None:
    """Rows that are dated before the last batch, and committed after it; random ones are in test_schedules.py."""
    house.run('ALTER TABLE "T" ADD COLUMN "sysModifiedDate" timestamp DEFAULT \'2026-11-23 12:00\'')
    house.ingest()
    house.run("""UPDATE "T" SET note = 'late', "sysModifiedDate" = '2020-01-01' WHERE "Id" = 'r1'""")
    assert house.ingest().updated == 1


def test_duckrun_61_unchanged_rows_write_no_file(house: House) -> None:
    house.ingest()
    before = sorted(Path(house.lake.url).rglob("*"))
    house.run("""UPDATE "T" SET note = note""")
    batch = house.ingest()
    assert (batch.scanned_rows, batch.commit) == (30, None)
    assert sorted(Path(house.lake.url).rglob("*")) == before


def test_dbt_duckdb_external_an_empty_table_has_no_row(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.run('CREATE TABLE "T" ("Id" text PRIMARY KEY, amount numeric)')
    house.ingest()
    assert house.query("FROM live") == house.query("FROM versions") == []


def test_numeric_without_precision_is_no_double(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.run(
        'CREATE TABLE "T" ("Id" text PRIMARY KEY, amount numeric)',
        """INSERT INTO "T" VALUES ('a', 9007199254740993.00000001), ('b', 0.1), ('c', -0.00000001)""",
    )
    house.ingest()
    assert house.query('SELECT typeof(amount), amount FROM live ORDER BY "Id"') == [
        ("DECIMAL(28,8)", Decimal("9007199254740993.00000001")),
        ("DECIMAL(28,8)", Decimal("0.10000000")),
        ("DECIMAL(28,8)", Decimal("-0.00000001")),
    ]


def test_timestamps_do_not_move_with_the_readers_time_zone(
    new_house: Callable[..., House], monkeypatch: pytest.MonkeyPatch
) -> None:
    house = new_house()
    house.run(
        'CREATE TABLE "T" ("Id" text PRIMARY KEY, at timestamp)',
        """INSERT INTO "T" VALUES ('a', '2026-10-25 02:30:00.123456')""",
    )
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    house.ingest()
    wall_clock = datetime(2026, 10, 25, 2, 30, 0, 123456)  # noqa: DTZ001
    assert house.query('SELECT "at", typeof("at") FROM live') == [(wall_clock, "TIMESTAMP")]


def test_pandera_1534_data_is_checked_not_only_the_schema() -> None:
    import pandera.polars as pa  # noqa: PLC0415 - a second to import, for one test

    schema = pa.DataFrameSchema({"x": pa.Column(pl.Int64, pa.Check.ge(0))})
    assert problems_of(schema, pl.DataFrame({"x": [1, -1]})) == ["x: greater_than_or_equal_to(0) (1 cases)"]


def test_duckdb_sessions_are_not_shared_between_threads(tmp_path: Path) -> None:
    settings = Settings(lake_url=str(tmp_path))
    one, other = session(settings), session(settings)
    one.execute("CREATE TABLE only_here AS SELECT 1 AS x")
    with pytest.raises(duckdb.CatalogException):
        other.execute("FROM only_here")
