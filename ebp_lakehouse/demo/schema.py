"""The 319 tables of the reference installation: what they look like, and their creation.

Lives here: the reading of `reference/` and the DDL. Does not live here: rows (fillers.py, company/), loading (load.py).
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import psycopg
from psycopg import sql

from ebp_lakehouse.errors import DemoError


@dataclass(frozen=True)
class ReferenceColumn:
    """One column: `type` is PostgreSQL's, as `varchar(20)` or `timestamp`."""

    name: str
    type: str
    nullable: bool

    @property
    def width(self) -> int | None:
        """The n of varchar(n), None for other types."""
        return int(self.type[8:-1]) if self.type.startswith("varchar(") else None


@dataclass(frozen=True)
class ReferenceTable:
    """One table: columns in order, rows in the reference installation, primary key (empty when none is known)."""

    name: str
    rows: int
    columns: tuple[ReferenceColumn, ...]
    key: tuple[str, ...]

    def column(self, name: str) -> ReferenceColumn | None:
        """The column of that exact name, or None."""
        return next((column for column in self.columns if column.name == name), None)


@cache
def reference() -> dict[str, ReferenceTable]:
    """The 319 tables by name."""
    folder = resources.files("ebp_lakehouse.demo") / "reference"
    columns: dict[str, list[ReferenceColumn]] = defaultdict(list)
    for row in _rows(gzip.decompress((folder / "columns.csv.gz").read_bytes())):
        columns[row["table"]].append(ReferenceColumn(row["column"], row["type"], row["nullable"] == "true"))
    keys: dict[str, list[str]] = defaultdict(list)
    for row in _rows((folder / "keys.csv").read_bytes()):
        keys[row["table"]].append(row["column"])
    counts = {row["table"]: int(row["rows"]) for row in _rows((folder / "row_counts.csv").read_bytes())}
    tables = {}
    for name, its_columns in columns.items():
        has_id = any(column.name == "Id" and not column.nullable for column in its_columns)
        key = ("Id",) if has_id else tuple(keys.get(name, ()))
        tables[name] = ReferenceTable(name, counts[name], tuple(its_columns), key)
    return tables


def table_ddl(table: ReferenceTable) -> sql.Composed:
    """CREATE TABLE with the columns in order, NOT NULL and the primary key; no defaults, no foreign keys (as found)."""
    parts: list[sql.Composable] = [
        sql.SQL("{} {}{}").format(
            sql.Identifier(column.name), sql.SQL(column.type), sql.SQL("" if column.nullable else " NOT NULL")
        )
        for column in table.columns
    ]
    if table.key:
        parts.append(sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.key))))
    return sql.SQL("CREATE TABLE {} ({});").format(sql.Identifier(table.name), sql.SQL(", ").join(parts))


def create_schema(dsn: str, tables: Mapping[str, ReferenceTable] | None = None) -> None:
    """Create the 319 tables (or the given ones) in schema `public`, all or none.

    Raises `DemoError` if one exists already.
    """
    with psycopg.connect(dsn) as connection:
        script = sql.SQL("\n").join(table_ddl(table) for table in (reference() if tables is None else tables).values())
        try:
            connection.execute(script)
        except psycopg.errors.DuplicateTable as error:
            message = (
                f"The database {connection.info.dbname} already holds EBP tables ({error.diag.message_primary}): "
                "create the demo company in an empty database."
            )
            raise DemoError(message) from error


def _rows(content: bytes) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(content.decode()))
