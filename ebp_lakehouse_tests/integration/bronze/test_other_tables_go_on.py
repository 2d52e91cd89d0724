"""Whatever is wrong with the values of one table, it is told with the table's name, and the others are published."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import polars as pl
import psycopg
import pyarrow as pa
import pytest
from psycopg import sql

from ebp_lakehouse.bronze import batch
from ebp_lakehouse.bronze.batch import BatchResult, run_batch
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse_tests.integration.bronze.conftest import declared

DAY = date(2026, 11, 23)
BAD, GOOD = declared(reconcile={"measures": ["amount"]}), declared(name="U", asset="u")


def settings_of(url: str, tmp_path: Path) -> Settings:
    return Settings.model_validate({"source_url": url, "lake_url": str(tmp_path / "lake")})


def execute(settings: Settings, *statements: str) -> None:
    with psycopg.connect(settings.source(), autocommit=True) as db:
        for statement in statements:
            db.execute(statement)  # type: ignore[arg-type]


def run(settings: Settings, bad: TableSpec = BAD, **options: Any) -> BatchResult:
    return run_batch(settings, [bad, GOOD], [DAY], DAY, **options)


def error_beside_a_published_table(settings: Settings, result: BatchResult) -> str:
    assert result.outcomes["u"].healthy
    with connect(settings=settings) as lake:
        assert lake.execute("SELECT count(*) FROM bronze.u").fetchone() == (1,)
    return result.outcomes["t"].error or ""


@pytest.fixture
def unchecked(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[Settings]:
    """A database that checks no encoding."""
    name = f"t_{uuid4().hex[:12]}"
    named = sql.Identifier(name)
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(
            sql.SQL(
                "CREATE DATABASE {} ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
            ).format(named)
        )
        yield settings_of(postgres.url_of(name), tmp_path)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(named))


def test_bytes_that_are_not_utf_8(unchecked: Settings) -> None:
    execute(
        unchecked,
        'CREATE TABLE "T" ("Id" text PRIMARY KEY, note text)',
        r"""INSERT INTO "T" VALUES ('r1', convert_from('\x636166e9'::bytea, 'SQL_ASCII'))""",
        'CREATE TABLE "U" ("Id" int PRIMARY KEY)',
        'INSERT INTO "U" VALUES (1)',
    )
    error = error_beside_a_published_table(unchecked, run(unchecked))
    assert 'Table "T": a text is not UTF-8' in error
    assert "0xe9" in error


def test_a_value_that_the_lake_cannot_sum(database: str, tmp_path: Path) -> None:
    settings = settings_of(database, tmp_path)
    execute(
        settings,
        'CREATE TABLE "T" ("Id" int PRIMARY KEY, amount text)',
        """INSERT INTO "T" VALUES (1, '1.5')""",
        'CREATE TABLE "U" ("Id" int PRIMARY KEY)',
        'INSERT INTO "U" VALUES (1)',
    )
    assert run(settings).outcomes["t"].healthy
    execute(
        settings,
        'ALTER TABLE "T" ALTER amount TYPE numeric USING amount::numeric',
        """UPDATE "T" SET amount = 'NaN'""",
    )
    error = error_beside_a_published_table(settings, run(settings))
    assert 'Table "T": the sums of amount cannot be compared' in error


@pytest.mark.parametrize(
    "failure",
    [pa.ArrowInvalid("odd"), duckdb.ConversionException("odd"), pl.exceptions.ComputeError("odd")],
    ids=lambda failure: type(failure).__module__,
)
def test_what_a_library_says_of_a_value(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    def failing(original: Callable[..., Any]) -> Callable[..., Any]:
        def of_one(*args: Any) -> Any:
            if any(isinstance(a, TableSpec) and a.name == "T" for a in args):
                raise failure
            return original(*args)

        return of_one

    settings = settings_of(database, tmp_path)
    execute(
        settings,
        'CREATE TABLE "T" ("Id" int PRIMARY KEY, amount numeric)',
        'INSERT INTO "T" VALUES (1, 1)',
        'CREATE TABLE "U" AS TABLE "T"',
    )
    monkeypatch.setattr(batch, "check_appended", failing(batch.check_appended))
    error = error_beside_a_published_table(settings, run(settings))
    assert error.startswith('Table "T": a value of it cannot be handled')
    assert "odd" in error
