"""What a source really has: columns, types, keys of the registered tables, read from ``pg_catalog``.

Not here: what the house expects (registry.py), and how rows are read (extraction.py).
"""

from __future__ import annotations

import csv
import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import psycopg
from psycopg import sql
from pyarrow import DataType

from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.source.types import arrow_type


@dataclass(frozen=True)
class Column:
    """One column that may be read. ``number`` is ``attnum``: it tells a re-created column from the one it replaced."""

    name: str
    pg_type: str
    nullable: bool
    number: int

    @property
    def arrow(self) -> DataType:
        return arrow_type(self.pg_type)


@dataclass(frozen=True)
class SourceTable:
    """One table as the source has it, secrets left out.

    Attributes:
        schema: PostgreSQL schema it was found in (first of the search path).
        columns: in the source's order.
        key: the registry's business key.
        key_is_enforced: a valid unique index of the source covers exactly ``key``.
        has_xmin: rows carry ``xmin`` (an ordinary table without children); else changes are found by comparing rows.
        oid: identity; a table dropped and created again has another.
    """

    name: str
    schema: str
    oid: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    key_is_enforced: bool
    has_xmin: bool
    estimated_rows: int

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier(self.schema, self.name)

    @property
    def fingerprint(self) -> str:
        """Changes whenever a column is added, dropped, re-created, renamed or retyped, or the key is another."""
        text = "\n".join([*(f"{c.number} {c.pg_type} {c.name}" for c in self.columns), *self.key])
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()

    def column(self, name: str) -> Column | None:
        return next((column for column in self.columns if column.name == name), None)


_TABLES = """
SELECT c.oid::bigint, n.nspname, c.relname, c.relkind = 'r' AND NOT c.relhassubclass, c.reltuples::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = ANY(%s) AND c.relkind = ANY('{r,p,v,m,f}') AND n.nspname = ANY(current_schemas(false))
ORDER BY array_position(current_schemas(false), n.nspname) DESC
"""
_COLUMNS = """
SELECT attrelid::bigint, attname, format_type(atttypid, atttypmod), NOT attnotnull, attnum
FROM pg_attribute WHERE attrelid = ANY(%s::oid[]) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid, attnum
"""
_UNIQUE = """
SELECT i.indrelid::bigint, array_agg(a.attname::text ORDER BY a.attname)
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])
WHERE i.indrelid = ANY(%s::oid[]) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND i.indnkeyatts = i.indnatts
GROUP BY i.indexrelid, i.indrelid
"""


def introspect(connection: psycopg.Connection[Any], specs: Iterable[TableSpec]) -> dict[str, SourceTable]:
    """The tables of ``specs`` that exist, by EBP name. A missing one is absent: the caller knows which may be."""
    by_name = {spec.name: spec for spec in specs}
    found = {row[2]: row for row in connection.execute(_TABLES, (list(by_name),))}
    oids = [row[0] for row in found.values()]
    columns: dict[int, list[Column]] = {oid: [] for oid in oids}
    for oid, name, pg_type, nullable, number in connection.execute(_COLUMNS, (oids,)):
        columns[oid].append(Column(name, pg_type, nullable, number))
    unique: dict[int, list[list[str]]] = {}
    for oid, names in connection.execute(_UNIQUE, (oids,)):
        unique.setdefault(oid, []).append(names)
    return {
        name: SourceTable(
            name=name,
            schema=schema,
            oid=oid,
            columns=tuple(c for c in columns[oid] if not by_name[name].is_secret(c.name, c.pg_type)),
            key=by_name[name].key,
            key_is_enforced=sorted(by_name[name].key) in unique.get(oid, []),
            has_xmin=has_xmin,
            estimated_rows=max(0, rows),
        )
        for name, (oid, schema, _, has_xmin, rows) in found.items()
    }


def reference_table(spec: TableSpec) -> SourceTable:
    """``spec`` as the reference installation of EBP has it: the shape of a support table that this source lacks.

    Every reader then finds the columns it names, without rows. Only the key is known of tables outside the reference.
    """
    found = [row for row in _reference() if row["table"] == spec.name]
    columns = tuple(
        Column(row["column"], _FORMATTED.get(row["type"], row["type"]), row["nullable"] == "true", int(row["position"]))
        for row in found
        if not spec.is_secret(row["column"], row["type"])
    ) or tuple(Column(name, "text", False, number) for number, name in enumerate(spec.key, 1))
    return SourceTable(
        name=spec.name,
        schema="",
        oid=0,
        columns=columns,
        key=spec.key,
        key_is_enforced=True,
        has_xmin=False,
        estimated_rows=0,
    )


_FORMATTED = {"timestamp": "timestamp without time zone"}


@cache
def _reference() -> list[dict[str, str]]:
    packed = resources.files("ebp_lakehouse.demo").joinpath("reference", "columns.csv.gz").read_bytes()
    return list(csv.DictReader(gzip.decompress(packed).decode().splitlines()))
