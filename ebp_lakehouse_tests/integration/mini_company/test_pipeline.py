"""The mini company in a real PostgreSQL, brought through bronze, silver and gold by Dagster, equals what the document says.

Customers and items are ingested as they were on 1 February, then the whole company as it is at the end. The versions of that history begin at the
moments of the two ingestions, so of a type-2 dimension only the current versions are compared here; and today is another
day than the company's last, so tables that speak of that day (`at_d`) are compared in the unit tests only.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import duckdb
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.errors import DemoError
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.orchestration.runs import instance_at, materialize
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.mini_company.company import load_mini_company, replace_rows, source_tables
from ebp_lakehouse_tests.mini_company.expected import TABLES, actual_rows, differences
from ebp_lakehouse_tests.mini_company.rows import EARLY, FINAL, as_held

pytestmark = pytest.mark.timeout(900)  # two ingestions and a build: minutes where the machine is shared

VERSION_COLUMNS = {"valid_from", "valid_to"}

# Appointment e08 of 25 March rests on versions between the two ingestions: it was captured and deleted in March. The repair
# of 17 March was waiting for a second visit on the last day; by today it is known that none came.
NOT_SEEN = {"gold.interventions_daily_kpi": {("20260325",), ("20260317",)}}


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    name = f"mini_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    load_mini_company(postgres.url_of(name), EARLY)
    return postgres.url_of(name)


@pytest.fixture(scope="module")
def lake(url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("mini")
    settings = Settings(source_url=SecretStr(url), lake_url=str(home / "lake"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        instance = instance_at(home / "dagster")
        early = materialize(settings, instance, 'key:"bronze/customer" or key:"bronze/item"')
        assert early.ok, (early.failed_checks, early.error)
        replace_rows(url, FINAL)
        final = materialize(settings, instance, "*")
        assert final.ok, (final.failed_checks, final.error)
    with connect(settings=settings, private=True) as connection:
        yield connection


def test_the_source_holds_the_rows_of_the_last_day(url: str, lake: duckdb.DuckDBPyConnection) -> None:
    with psycopg.connect(url) as connection:
        for table, rows in source_tables().items():
            count = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))).fetchone()
            assert count == (len(as_held(table, rows, FINAL)),), table


def test_a_company_that_is_there_already_is_refused(url: str) -> None:
    with pytest.raises(DemoError, match="already holds EBP tables"):
        load_mini_company(url)


@pytest.mark.parametrize("name", [name for name, table in TABLES.items() if not table.at_d])
def test_the_published_table_is_what_was_worked_out_by_hand(name: str, lake: duckdb.DuckDBPyConnection) -> None:
    table = TABLES[name]
    published = "SELECT count(*) FROM duckdb_views() WHERE schema_name = ? AND view_name = ?"
    if lake.execute(published, [table.layer, table.name]).fetchone() == (0,):
        pytest.skip(f"{name} is not published yet")
    rows = actual_rows(lake, table, f"lake.{name}")
    stated = [row for row in table.rows() if table.key_of(row) not in NOT_SEEN.get(name, set())]
    if set(table.columns) >= VERSION_COLUMNS:
        stated = [_unversioned(row) for row in stated if row["is_current"] == "true"]
        rows = [_unversioned(row) for row in rows if row["is_current"]]
        table = table.keyed_by(*(name for name in table.key if name not in VERSION_COLUMNS))
    assert differences(table, rows, stated) == []


def _unversioned(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in VERSION_COLUMNS}
