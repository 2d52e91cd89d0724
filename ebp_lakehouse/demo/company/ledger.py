"""Writes of the simulated days, counted: which keys of which table are new, changed or gone at the end.

An insert later deleted counts for nothing, an update of a row inserted in the same simulation counts as its insert:
the figures are what a comparison of both ends of the database would find.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl
import psycopg
from psycopg import sql

# What EBP writes in a mandatory column where nothing was entered, by PostgreSQL type.
DEFAULTS: dict[str, str] = {
    "numeric": "0",
    "double precision": "0",
    "smallint": "0",
    "integer": "0",
    "boolean": "false",
    "uuid": "'00000000-0000-0000-0000-000000000000'",
    "timestamp without time zone": "'1970-01-01'",
    "bytea": r"'\x'",
    "text": "''",
    "character varying": "''",
}
SIMULATED_USER = "LMA"
EXTENSIONS = ("SaleDocumentEx", "PurchaseDocumentEx")


PARENTS = {
    "SaleDocumentLine": ("DocumentId", "SaleDocument"), "SaleDocumentEx": ("Id", "SaleDocument"),
    "SaleCommitment": ("DocumentId", "SaleDocument"), "PurchaseDocumentLine": ("DocumentId", "PurchaseDocument"),
    "PurchaseCommitment": ("DocumentId", "PurchaseDocument"),
}  # fmt: skip


@dataclass(frozen=True)
class Moved:
    """What simulated days did to rows: keys by table of those changed and gone, and table → first code → present code."""

    changed: Mapping[str, set[str]]
    gone: Mapping[str, set[str]]
    renamed: Mapping[str, Mapping[str, str]]


class Ledger:
    """Inserts, updates and deletes by primary key ``Id``, remembering the net effect per table."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._columns: dict[str, dict[str, tuple[str, bool]]] = defaultdict(dict)
        rows = connection.execute(
            "SELECT table_name, column_name, data_type, is_nullable = 'YES' FROM information_schema.columns"
            " WHERE table_schema = current_schema()"
        )
        for table, column, data_type, nullable in rows:
            self._columns[table][column] = (data_type, nullable)
        # A company whose documents have no extension rows gets none on later days either.
        self._unused = {
            table
            for table in EXTENSIONS
            if table in self._columns
            and not connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(table))).fetchall()
        }
        self._inserted: dict[str, set[Any]] = defaultdict(set)
        self._updated: dict[str, set[Any]] = defaultdict(set)
        self._deleted: dict[str, set[Any]] = defaultdict(set)
        self._codes: dict[str, dict[str, str]] = defaultdict(
            dict
        )  # first code → present one, of rows that were renamed

    def insert(self, connection: psycopg.Connection[Any], table: str, frame: pl.DataFrame) -> None:
        """Insert the rows of ``frame``; columns the source lacks are left out, mandatory ones left out get defaults."""
        if table in self._unused:
            return
        known = self._columns[table]
        given = [name for name in frame.columns if name in known]
        filled = {n: DEFAULTS[t] for n, (t, nullable) in known.items() if not nullable and n not in given}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, [*given, *filled])),
            sql.SQL(", ").join([sql.Placeholder()] * len(given) + [sql.SQL(text) for text in filled.values()]),
        )
        with connection.cursor() as cursor:
            cursor.executemany(statement, frame.select(given).rows())
        for key in frame["Id"].cast(pl.String).to_list():
            self._inserted[table].add(key)

    def update(
        self, connection: psycopg.Connection[Any], table: str, key: Any, values: Mapping[str, Any], moment: datetime
    ) -> None:
        """Change one row; ``sysModifiedDate`` moves with it as EBP does, so that the row is really different.

        ``key`` is the value of ``Id``, or a mapping of the columns of a composite key.
        """
        parts = dict(key) if isinstance(key, Mapping) else {"Id": key}
        known = self._columns[table]
        stamped = dict(values) | {"sysModifiedDate": moment, "sysModifiedUser": SIMULATED_USER}
        changes = {name: value for name, value in stamped.items() if name in known}
        connection.execute(
            sql.SQL("UPDATE {} SET {} WHERE {}").format(
                sql.Identifier(table),
                sql.SQL(", ").join(
                    sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder()) for name in changes
                ),
                sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(n), sql.Placeholder()) for n in parts),
            ),
            [*changes.values(), *parts.values()],
        )
        self._touched(table, "/".join(map(str, parts.values())))

    def rename(self, connection: psycopg.Connection[Any], table: str, old: str, new: str, moment: datetime) -> None:
        """Give a row another primary key, as EBP does when a code is renamed: one key is gone, another is new."""
        self.update(connection, table, old, {"Id": new}, moment)
        self._updated[table].discard(old)
        if old in self._inserted[table]:
            self._inserted[table].discard(old)
        else:
            self._deleted[table].add(old)
        self._inserted[table].add(new)
        first = next((code for code, present in self._codes[table].items() if present == old), old)
        self._codes[table][first] = new

    def replace(
        self, connection: psycopg.Connection[Any], table: str, column: str, old: str, new: str, moment: datetime
    ) -> None:
        """Every row whose code in ``column`` is ``old`` (as people type it) gets the ``new`` one."""
        stamp = ', "sysModifiedDate" = %s, "sysModifiedUser" = %s'
        rows = connection.execute(
            sql.SQL("UPDATE {} SET {} = %s" + stamp + " WHERE upper(trim({})) = %s RETURNING {}::text").format(
                *map(sql.Identifier, (table, column, column, "Id"))
            ),
            [new, moment, SIMULATED_USER, old],
        ).fetchall()
        for (key,) in rows:
            self._touched(table, key)

    def _touched(self, table: str, key: str) -> None:
        if key not in self._inserted[table]:
            self._updated[table].add(key)

    def delete(self, connection: psycopg.Connection[Any], table: str, column: str, value: Any) -> None:
        """Hard delete of the rows whose ``column`` has that value."""
        gone = connection.execute(
            sql.SQL("DELETE FROM {} WHERE {} = {} RETURNING {}").format(
                sql.Identifier(table), sql.Identifier(column), sql.Placeholder(), sql.Identifier("Id")
            ),
            [value],
        ).fetchall()
        for (key,) in gone:
            text = str(key)
            self._updated[table].discard(text)
            if text in self._inserted[table]:
                self._inserted[table].discard(text)
            else:
                self._deleted[table].add(text)

    def moved(self, connection: psycopg.Connection[Any]) -> Moved:
        """What happened to rows that were there before. A document counts as changed with its lines and instalments."""
        changed = {table: set(keys) for table, keys in self._updated.items()}
        for table, (column, parent) in PARENTS.items():
            found = connection.execute(
                sql.SQL('SELECT DISTINCT {}::text FROM {} WHERE "Id"::text = ANY(%s)').format(
                    sql.Identifier(column), sql.Identifier(table)
                ),
                [sorted({*self._updated[table], *self._inserted[table]})],
            )
            changed.setdefault(parent, set()).update(key for (key,) in found if key is not None)
        codes = {table: dict(of) for table, of in self._codes.items()}
        gone = {table: keys - codes.get(table, {}).keys() for table, keys in self._deleted.items()}
        return Moved(changed, gone, codes)

    def counts(self) -> tuple[dict[str, int], dict[str, int], dict[str, int]]:
        """Rows inserted, updated and deleted per table; tables without any are left out."""
        inserted, updated, deleted = (
            {table: len(keys) for table, keys in sorted(of.items()) if keys}
            for of in (self._inserted, self._updated, self._deleted)
        )
        return inserted, updated, deleted
