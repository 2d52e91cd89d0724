"""Silver tables of a few rows for the tests of gold, typed by their contracts: what a row does not name is NULL.

Not here: the rows (each test states its own), dbt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import polars as pl

from ebp_lakehouse.gold.compute import Day
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.silver.contract import contracts
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT

Rows = Sequence[Mapping[str, Any]]


def day_key(day: str) -> int:
    """2026-03-02 → 20260302."""
    return int(day.replace("-", ""))


def calendar(first: str, last: str) -> Rows:
    """Rows of dim_date; the fiscal year is the calendar's."""
    days = pl.date_range(date.fromisoformat(first), date.fromisoformat(last), eager=True)
    return [
        {"date_id": day_key(str(d)), "date_value": d, "year": d.year, "month": d.month, "fiscal_year": d.year}
        for d in days
    ]


def silver(tables: Mapping[str, Rows]) -> duckdb.DuckDBPyConnection:
    """A connection with these tables in schema ``silver``, in the columns and types of their contracts."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA silver")
    declared = contracts(load_manifest(DBT_PROJECT))
    for name, rows in tables.items():
        columns = {column.name: column.data_type for column in declared[name].columns}
        shape = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
        connection.execute(f"CREATE TABLE silver.{name} ({shape})")
        for row in rows:
            assert set(row) <= set(columns), f"{name} has no column {set(row) - set(columns)}"
            named = ", ".join(f'"{column}"' for column in row)
            marks = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO silver.{name} ({named}) VALUES ({marks})", list(row.values()))
    return connection


def computed(
    table: GoldTable, connection: duckdb.DuckDBPyConnection, as_of: str, **own_parameters: Any
) -> list[dict[str, Any]]:
    """The rows of a gold table as of a day, after its contract and its identities were checked."""
    values = parameters(DBT_PROJECT, None).values | own_parameters | {"as_of": date.fromisoformat(as_of)}
    frame, found = _day(connection, values).table(table)
    assert frame is not None, found
    assert not found
    return frame.to_dicts()


def problems(table: GoldTable, connection: duckdb.DuckDBPyConnection, as_of: str, change: str) -> list[tuple[Any, ...]]:
    """What the table's identities say after ``change`` (SQL on ``computed.<name>``) has spoilt it."""
    values = parameters(DBT_PROJECT, None).values | {"as_of": date.fromisoformat(as_of)}
    day = _day(connection, values)
    assert not day.table(table)[1]
    connection.execute(change)
    assert table.identities
    (statement,) = connection.extract_statements(table.identities)
    return connection.execute(table.identities, {name: values[name] for name in statement.named_parameters}).fetchall()


def _day(connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> Day:
    """A day computes each table once; a second one on the same connection starts with none."""
    connection.execute("DETACH DATABASE IF EXISTS computed")
    return Day(connection, values)
