"""The whole company: its tables, as bronze holds them and in a PostgreSQL of its own.

`catalog_rows` gives every captured version, for a mock bronze catalog; `load_mini_company` the state of one moment, for a
real source.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

from ebp_lakehouse.demo.load import load
from ebp_lakehouse.demo.schema import create_schema
from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse.source.registry import Registry
from ebp_lakehouse_tests.mini_company import field, masters, payments, purchases, sales, stock
from ebp_lakehouse_tests.mini_company.rows import CAPTURED, DELETED, FINAL, Row, as_held, completed

PARTS = (masters, sales, payments, purchases, stock, field)


def source_tables() -> dict[str, list[Row]]:
    """EBP table → rows as written, every captured version."""
    tables: dict[str, list[Row]] = defaultdict(list)
    for part in PARTS:
        for table, rows in part.TABLES.items():
            tables[table] += rows
    return dict(tables)


def catalog_rows(
    declared: dict[str, dict[str, str]], written: dict[str, list[Row]] | None = None
) -> dict[str, list[Row]]:
    """Bronze table → completed rows with the columns that silver declares (table → columns, of models/sources).

    `written` are the rows by EBP table, when they are not those of the whole company. A table that neither the registry nor silver reads yet is left out: it joins as soon as it is declared.
    """
    assets = {spec.name: spec.asset for spec in Registry.load()}
    rows: dict[str, list[Row]] = {}
    for table, versions in (source_tables() if written is None else written).items():
        columns = declared.get(assets.get(table, ""))
        if columns is not None:
            rows[assets[table]] = [_declared(completed(table, row), columns) for row in versions]
    return rows


def load_mini_company(dsn: str, moment: str = FINAL) -> dict[str, int]:
    """Create EBP's 319 tables in an empty database and load the company as it was at `moment`; table → rows.

    Raises:
        DemoError: the database holds EBP tables already.
    """
    create_schema(dsn)
    return replace_rows(dsn, moment)


def replace_rows(dsn: str, moment: str = FINAL) -> dict[str, int]:
    """Bring a loaded company to another moment: every table of it emptied and loaded again; table → rows."""
    tables = {table: as_held(table, rows, moment) for table, rows in source_tables().items()}
    with psycopg.connect(dsn) as connection:
        for table in tables:
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    frames = ((table, _frame(table, rows)) for table, rows in tables.items() if rows)
    return {table.name: table.rows for table in load(dsn, frames)}


def _declared(row: Row, columns: dict[str, str]) -> Row:
    versioned: Row = {
        CAPTURED: FINAL,
        DELETED: False,
        **{name: value for name, value in row.items() if name.startswith("_")},
    }
    return {name: value for name, value in row.items() if name in columns} | versioned


def _frame(table: str, rows: list[Row]) -> pl.DataFrame:
    """The rows as text, which is what COPY reads; only columns that some row gives, the server fills the others."""
    given = {name for row in rows for name in row}
    names = [column.name for column in reference()[table].columns if column.name in given]
    full = [completed(table, row) for row in rows]
    return pl.DataFrame(
        {name: [_text(row.get(name)) for row in full] for name in names}, schema=dict.fromkeys(names, pl.String)
    )


def _text(value: Any) -> str | None:
    if value is None:
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
