"""The reference installation of EBP as packaged in ``reference/``: 319 tables, their columns, keys and row counts.

What the demo's database is created from, and what is known of EBP's tables without asking a source. Not here: which of
them are read (registry.py), DDL (demo/schema.py).
"""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib import resources


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
    folder = resources.files("ebp_lakehouse.source") / "reference"
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


def _rows(content: bytes) -> csv.DictReader[str]:
    return csv.DictReader(io.StringIO(content.decode()))
