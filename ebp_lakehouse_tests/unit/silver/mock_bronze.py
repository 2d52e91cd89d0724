"""A catalog file as silver reads it, made from a few rows by hand or from the frames of the demo company.

Holds schema `bronze` with `<table>` (every version) and `<table>_current` (a view on it, as in the real catalog) for every
table that dbt_silver/models/sources/ declares. Not here: the rows themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import yaml

DBT_PROJECT = Path(__file__).parents[3] / "dbt_silver"
FIRST_LOAD = "2026-03-15 06:00:00"  # capture of every row that does not say when

_METADATA = {
    "_bronze_valid_from": "timestamp",
    "_bronze_ingestion_date": "date",
    "_bronze_is_deleted": "boolean",
}
# Keys that are not `Id` alone, as source/tables.yaml has them.
_OTHER_KEYS = {"country": '"IsoCode"', "stock_item": '"ItemId", "StorehouseId"'}


def declared_tables() -> dict[str, dict[str, str]]:
    """Table → {column → DuckDB type}, as silver declares what it needs."""
    files = sorted((DBT_PROJECT / "models" / "sources").glob("*.yml"))
    tables = [table for file in files for table in yaml.safe_load(file.read_text())["sources"][0]["tables"]]
    return {table["name"]: {c["name"]: c["data_type"] for c in table["columns"]} for table in tables}


def write_catalog(
    path: Path,
    rows: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
    frames: Mapping[str, pl.DataFrame] | None = None,
    *,
    without_tables: Sequence[str] = (),
    without_columns: Sequence[str] = (),
) -> Path:
    """Write a catalog.

    Args:
        path: the file to create.
        rows: table → rows. A row names only the columns that matter; the others are NULL. `_bronze_valid_from` (default
            FIRST_LOAD), `_bronze_ingestion_date` (its day) and `_bronze_is_deleted` (false) make versions.
        frames: table → frame of EBP columns, all captured at FIRST_LOAD.
        without_tables: tables that this installation lacks.
        without_columns: columns that this installation lacks, in whatever table.
    """
    tables = declared_tables()
    unknown = (set(rows or {}) | set(without_tables)) - set(tables)
    assert not unknown, f"not declared in models/sources: {sorted(unknown)}"
    with duckdb.connect(str(path)) as connection:
        connection.begin()  # one commit: hundreds of them, each waiting for the disk, took most of the time
        connection.execute("create schema bronze")
        for table, types in tables.items():
            if table in without_tables:
                continue
            columns = {name: kind for name, kind in types.items() if name not in without_columns}
            typed = ", ".join(f'"{name}" {kind}' for name, kind in {**columns, **_METADATA}.items())
            connection.execute(f"create table bronze._{table} ({typed})")
            if frames is not None and table in frames:
                _copy(connection, table, columns, frames[table])
            for row in (rows or {}).get(table, ()):
                _insert(connection, table, {name: v for name, v in row.items() if name not in without_columns})
            connection.execute(_view(table))
        connection.commit()
    return path


def _view(table: str) -> str:
    key = _OTHER_KEYS.get(table, '"Id"')
    closing = f"lead(_bronze_valid_from) over (partition by {key} order by _bronze_valid_from)"
    return f"""
        create view bronze.{table} as select *, {closing} as _bronze_valid_to from bronze._{table};
        create view bronze.{table}_current as
        select * from bronze.{table} where _bronze_valid_to is null and not _bronze_is_deleted
    """


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any]) -> None:
    valid_from = row.get("_bronze_valid_from", FIRST_LOAD)
    full = {
        **row,
        "_bronze_valid_from": valid_from,
        "_bronze_ingestion_date": row.get("_bronze_ingestion_date", str(valid_from)[:10]),
        "_bronze_is_deleted": row.get("_bronze_is_deleted", False),
    }
    names = ", ".join(f'"{name}"' for name in full)
    values = ", ".join("?" for _ in full)
    connection.execute(f"insert into bronze._{table} ({names}) values ({values})", list(full.values()))


def _copy(connection: duckdb.DuckDBPyConnection, table: str, columns: Mapping[str, str], frame: pl.DataFrame) -> None:
    connection.register("frame_", frame.select([name for name in columns if name in frame.columns]))
    selected = ", ".join(f'cast("{n}" as {t})' if n in frame.columns else "null" for n, t in columns.items())
    connection.execute(
        f"insert into bronze._{table} select {selected}, timestamp '{FIRST_LOAD}', date '{FIRST_LOAD[:10]}', false from frame_"
    )
    connection.unregister("frame_")
