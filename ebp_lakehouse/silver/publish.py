"""Bring a published silver table to the state of its freshly built twin: only the differences, one Delta commit a part.

A table with personal columns is two Delta tables, ``silver/<table>`` and ``private/silver/<table>``, compared and
written each on its own and published in the same record. Not here: building (build.py), pinning (lake/catalog.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa

from ebp_lakehouse.lake.delta import CHANGE, Commit, TableWriter, open_at_pin
from ebp_lakehouse.lake.publication import PRIVATE, Move, Pin, Record
from ebp_lakehouse.lake.session import quote_identifier, small_buffer
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.silver.contract import INGESTION_DATE, Column, TableContract, arrow_schema

BATCH_ROWS = 100_000


@dataclass
class Difference:
    """What changed in one table, and the moves that make it visible (empty when nothing changed)."""

    rows: int
    added: int = 0
    updated: int = 0
    deleted: int = 0
    bytes_written: int = 0
    moves: dict[str, Move] = field(default_factory=dict)


@dataclass(frozen=True)
class _Part:
    """One Delta table of a silver table: all of it, or its personal columns."""

    key: str
    columns: Sequence[Column]
    relation: str
    stamp: bool

    @property
    def schema(self) -> pa.Schema:
        schema = arrow_schema(self.columns)
        if not self.stamp:
            return schema
        comment = "Ingestion date of the run that last changed this row (provenance; not part of the row's equality)."
        return schema.append(pa.field(INGESTION_DATE, pa.date32(), metadata={"comment": comment}))


def stage(
    connection: duckdb.DuckDBPyConnection, lake: Lake, record: Record, table: TableContract, ingestion_date: date
) -> Difference:
    """Commit the differences between ``silver.<table>`` (built) and ``lake.silver.<table>`` (published), unpinned.

    Args:
        connection: holds the built table, with the record's private catalog attached as ``lake``.
        lake: where to commit.
        record: the publication the comparison is made with.
        table: the contract.
        ingestion_date: stamped on the rows that changed.
    """
    built = f"silver.{quote_identifier(table.name)}"
    rows = _count(connection, f"SELECT count(*) FROM {built}")
    difference = Difference(rows=rows)
    parts = [_Part(f"silver/{table.name}", table.public_columns(), built, stamp=True)]
    if table.private_columns():
        parts.append(_Part(f"{PRIVATE}/silver/{table.name}", table.private_columns(), built, stamp=False))
    for part in parts:
        pin = record.pins.get(part.key)
        writer = open_at_pin(lake, part.key, pin)
        if pin is None or not same_schema(writer.schema, part.schema):
            commit: Commit | None = _replace(connection, writer, part, table, ingestion_date)
            added, updated, deleted = rows, 0, 0
        else:
            changes, (added, updated, deleted) = _changes(connection, part, table, ingestion_date)
            commit = writer.merge(changes, [table.key]) if changes.num_rows else None
        if part.stamp or not (difference.added or difference.updated or difference.deleted):
            difference.added, difference.updated, difference.deleted = added, updated, deleted
        if commit is not None:
            difference.bytes_written += commit.bytes
            difference.moves[part.key] = Move(
                writer.based_on, _pin(commit, record, table, ingestion_date, rows), opened=writer.table
            )
    return difference


def same_schema(published: pa.Schema | None, declared: pa.Schema) -> bool:
    """Equal names, types, order and descriptions; a changed description is worth a rewrite, readers see it."""
    if published is None or published.names != declared.names:
        return False
    return all(
        a.type == b.type and (a.metadata or {}).get(b"comment") == (b.metadata or {}).get(b"comment")
        for a, b in zip(published, declared, strict=True)
    )


def _replace(
    connection: duckdb.DuckDBPyConnection, writer: TableWriter, part: _Part, table: TableContract, ingestion_date: date
) -> Commit:
    sql = f"SELECT {_columns(part.columns)}{_stamp(part, ingestion_date)} FROM {part.relation} ORDER BY 1"
    with small_buffer(connection) as scan:
        rows = scan.execute(sql).to_arrow_reader(BATCH_ROWS).cast(part.schema)
        return writer.overwrite(rows, description=table.description)


def _changes(
    connection: duckdb.DuckDBPyConnection, part: _Part, table: TableContract, ingestion_date: date
) -> tuple[pa.Table, tuple[int, int, int]]:
    """(rows to merge with their ``_change``, (added, updated, deleted))."""
    key, columns = quote_identifier(table.key), _columns(part.columns)
    published = f"lake.silver.{quote_identifier(table.name)}"
    # Rows are compared by a hash of 64 bits: a join that carried all columns took three times as long and half a gigabyte.
    # A changed row is taken for an unchanged one once in 2^64.
    sql = f"""
        WITH built AS (SELECT {key} AS k, hash({columns}) AS h FROM {part.relation}),
        published AS (SELECT {key} AS k, hash({columns}) AS h FROM {published}),
        changed AS (
            SELECT coalesce(b.k, p.k) AS k, b.k IS NULL AS is_gone, p.k IS NULL AS is_new
            FROM built b FULL JOIN published p ON b.k = p.k
            WHERE b.h IS DISTINCT FROM p.h
        )
        SELECT
            {_columns(part.columns, "r")}{_stamp(part, ingestion_date)}, 'upsert' AS {CHANGE}, is_new
        FROM changed JOIN {part.relation} r ON r.{key} = changed.k WHERE NOT is_gone
        UNION ALL
        SELECT
            {_columns(part.columns, "r")}{_stamp(part, ingestion_date)}, 'delete' AS {CHANGE}, is_new
        FROM changed JOIN {published} r ON r.{key} = changed.k WHERE is_gone
    """
    schema = part.schema.append(pa.field(CHANGE, pa.string())).append(pa.field("is_new", pa.bool_()))
    changes = _arrow(connection, sql, schema)
    is_new, kinds = changes["is_new"].to_pylist(), changes[CHANGE].to_pylist()
    deleted = kinds.count("delete")
    added = sum(is_new)
    return changes.drop_columns(["is_new"]), (added, len(kinds) - deleted - added, deleted)


def _pin(commit: Commit, record: Record, table: TableContract, ingestion_date: date, rows: int) -> Pin:
    return Pin(
        version=commit.version,
        position={"record": record.number},
        check_state="passed",
        ingestion_date=ingestion_date.isoformat(),
        published_at=datetime.now(UTC).isoformat(timespec="microseconds"),
        rows=rows,
        view={"kind": "table", "key": [table.key]},
    )


def _columns(columns: Sequence[Column], table: str = "") -> str:
    return ", ".join(f"{table}{'.' * bool(table)}{quote_identifier(column.name)}" for column in columns)


def _stamp(part: _Part, ingestion_date: date) -> str:
    return f", DATE '{ingestion_date.isoformat()}' AS {INGESTION_DATE}" if part.stamp else ""


def _arrow(connection: duckdb.DuckDBPyConnection, sql: str, schema: pa.Schema) -> pa.Table:
    """The query's result with exactly the declared types; DuckDB's decimals and strings already agree."""
    return connection.execute(sql).to_arrow_table().cast(schema)


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
