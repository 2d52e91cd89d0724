"""What a source really has: columns, types, keys of the registered tables, read from ``pg_catalog``.

Not here: what the house expects (registry.py), what a source has besides (discovery.py), how rows are read
(extraction.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from pyarrow import DataType, string

from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.source.types import arrow_type


@dataclass(frozen=True)
class Column:
    """One column that may be read.

    Attributes:
        pg_type: as ``format_type`` writes it; of a domain, its base type.
        number: ``attnum``: it tells a re-created column from the one it replaced.
        as_text: the registry keeps it as PostgreSQL's text.
    """

    name: str
    pg_type: str
    nullable: bool
    number: int
    as_text: bool = False

    @property
    def arrow(self) -> DataType:
        return string() if self.as_text else arrow_type(self.pg_type)


@dataclass(frozen=True)
class SourceTable:
    """One table as the source has it, secrets left out.

    Attributes:
        schema: PostgreSQL schema it was found in (first of the search path).
        columns: in the source's order.
        key: the registry's business key; where it names none, the catalogue's: the primary key, else the unique index on
            NOT NULL columns that is the replica identity, else the shortest such index; none with a secret in it. Empty:
            the whole row.
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
# A domain is its base type, however many domains lie between.
_COLUMNS = """
WITH RECURSIVE base AS (
  SELECT attrelid, attname, attnotnull, attnum, atttypid AS type, atttypmod AS modifier
  FROM pg_attribute WHERE attrelid = ANY(%s::oid[]) AND attnum > 0 AND NOT attisdropped
  UNION ALL
  SELECT attrelid, attname, attnotnull OR t.typnotnull, attnum, t.typbasetype, t.typtypmod
  FROM base JOIN pg_type t ON t.oid = base.type WHERE t.typtype = 'd'
)
SELECT attrelid::bigint, attname, format_type(type, modifier), NOT attnotnull, attnum
FROM base JOIN pg_type t ON t.oid = base.type WHERE t.typtype <> 'd' ORDER BY attrelid, attnum
"""
# The best first. Indexes of a table with children do not bind the children's rows, which it shows too.
_UNIQUE = """
SELECT i.indrelid::bigint, array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum)),
       bool_and(a.attnotnull) AND (c.relkind = 'p' OR NOT c.relhassubclass)
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey::int2[])
WHERE i.indrelid = ANY(%s::oid[]) AND i.indisunique AND i.indisvalid AND i.indimmediate
  AND i.indpred IS NULL AND i.indexprs IS NULL AND i.indnkeyatts = i.indnatts
GROUP BY i.indexrelid, i.indrelid, i.indisprimary, i.indisreplident, c.relkind, c.relhassubclass
ORDER BY i.indrelid, i.indisprimary DESC, i.indisreplident DESC, count(*), i.indexrelid
"""


def introspect(connection: psycopg.Connection[Any], specs: Iterable[TableSpec]) -> dict[str, SourceTable]:
    """The tables of ``specs`` that exist, by EBP name. A missing one is absent: the caller knows which may be."""
    by_name = {spec.name: spec for spec in specs}
    found = {row[2]: row for row in connection.execute(_TABLES, (list(by_name),))}
    oids = [row[0] for row in found.values()]
    columns: dict[int, list[Column]] = {oid: [] for oid in oids}
    names = {row[0]: name for name, row in found.items()}
    for oid, name, pg_type, nullable, number in connection.execute(_COLUMNS, (oids,)):
        columns[oid].append(Column(name, pg_type, nullable, number, name in by_name[names[oid]].text))
    unique: dict[int, list[tuple[str, ...]]] = {}
    usable: dict[int, tuple[str, ...]] = {}
    for oid, key, is_key in connection.execute(_UNIQUE, (oids,)):
        unique.setdefault(oid, []).append(tuple(sorted(key)))
        spec, types = by_name[names[oid]], {column.name: column.pg_type for column in columns[oid]}
        if is_key and not any(spec.is_secret(name, types[name]) for name in key):
            usable.setdefault(oid, tuple(key))
    tables = {}
    for name, (oid, schema, _, has_xmin, rows) in found.items():
        key = by_name[name].key or usable.get(oid, ())
        tables[name] = SourceTable(
            name=name,
            schema=schema,
            oid=oid,
            columns=tuple(c for c in columns[oid] if c.name in key or not by_name[name].is_secret(c.name, c.pg_type)),
            key=key,
            key_is_enforced=tuple(sorted(key)) in unique.get(oid, []) or not key,
            has_xmin=has_xmin,
            estimated_rows=max(0, rows),
        )
    return tables


def reference_table(spec: TableSpec) -> SourceTable:
    """``spec`` as the reference installation of EBP has it: the shape of a support table that this source lacks.

    Every reader then finds the columns it names, without rows. Only the key is known of tables outside the reference.
    """
    known = reference().get(spec.name)
    columns = tuple(
        Column(c.name, _FORMATTED.get(c.type, c.type), c.nullable, number, c.name in spec.text)
        for number, c in enumerate(known.columns if known else (), 1)
        if not spec.is_secret(c.name, c.type)
    ) or tuple(Column(name, "text", False, number) for number, name in enumerate(spec.key, 1))
    return SourceTable(
        name=spec.name,
        schema="",
        oid=0,
        columns=columns,
        key=spec.key or (known.key if known else ()),
        key_is_enforced=True,
        has_xmin=False,
        estimated_rows=0,
    )


_FORMATTED = {"timestamp": "timestamp without time zone"}
