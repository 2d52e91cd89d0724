"""The published partitions of one gold table: read as a working copy, and what changed in them committed, unpinned.

Not here: what a partition holds (partition.py), computing (compute.py), making a commit visible (lake/catalog.py).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import duckdb
import pyarrow as pa

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.partition import HISTORY, Partitions
from ebp_lakehouse.lake.delta import Commit, TableWriter, open_at_pin
from ebp_lakehouse.lake.publication import Move, Pin, Record
from ebp_lakehouse.lake.session import beside, quote_identifier
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.lake.views import GOLD_DELETED as DELETED
from ebp_lakehouse.lake.views import GOLD_MONTH as MONTH
from ebp_lakehouse.lake.views import GOLD_PARTITION as PARTITION


@dataclass(frozen=True)
class Written:
    """What a commit added, the rows that readers will see, and the move that makes it visible."""

    rows: int
    written: int
    bytes: int
    move: Move | None


@dataclass(frozen=True)
class History:
    """The working copy of one table's partitions, on a connection of its own.

    Of a series every partition is at hand, its rule needs them. Of the others only those of the files that may be
    rewritten, or all when the columns changed since, for then every file is.

    Attributes:
        table: the declaration.
        pin: what is published; None before the first time.
        partitions: the working copy.
        is_same: the declared columns are those of what is published; else the whole table is written anew.
        rows_before: rows that readers see of the partitions at hand.
    """

    table: GoldTable
    pin: Pin | None
    partitions: Partitions
    is_same: bool
    rows_before: int

    @classmethod
    def load(
        cls, published: duckdb.DuckDBPyConnection, record: Record, table: GoldTable, days: Sequence[date]
    ) -> History:
        """The published partitions that the computing of ``days`` may change; a column declared since is NULL in them.

        Args:
            published: the record's privileged catalog, as ``lake``.
            record: the publication.
            table: the declaration.
            days: partitions to be computed.
        """
        connection = duckdb.connect(config={"threads": 1})  # tables run side by side
        connection.register("declared_history", table.arrow_schema().empty_table())
        connection.execute(f"CREATE TABLE {HISTORY} AS FROM declared_history")
        partitions, pin = Partitions(connection, table), record.pins.get(table.lake_key)
        if pin is None:
            return cls(table, None, partitions, is_same=False, rows_before=0)
        source = f"lake.gold.{quote_identifier(f'{table.name}_history')}"
        with beside(published, "lake") as reading:
            held, declared = _types(reading, source), _types(connection, HISTORY)
            is_same = all(held.get(name) == declared[name] for name in table.columns) and held.keys() <= declared.keys()
            columns = ", ".join(quote_identifier(name) for name in declared if name in held)
            where = "" if table.kind == "series" or not is_same else f"WHERE {_stored_with(table, days)}"
            sql = f"SELECT {columns}, date_trunc('month', {PARTITION})::DATE AS {MONTH} FROM {source} {where}"
            connection.register("published_history", reading.execute(sql).to_arrow_table())
        connection.execute(f"INSERT INTO {HISTORY} BY NAME FROM published_history")
        connection.execute(f"UPDATE {HISTORY} SET {DELETED} = false WHERE {DELETED} IS NULL")
        return cls(table, pin, partitions, is_same, partitions.live_rows())

    def commit(
        self, lake: Lake, record: Record, computed: Collection[date], ingestion_date: date, used: Mapping[str, Any]
    ) -> Written:
        """Replace in the Delta table what changed: whole files, or the whole table when its columns did.

        A state that became empty has nothing to write, but readers must see it empty: then only the pin moves.

        Args:
            lake: where the table lies.
            record: the publication that the working copy was read from.
            computed: partitions that were computed, changed or not.
            ingestion_date: partition of the run.
            used: the parameters' values, for the pin.
        """
        published = self.pin.view["newest"] if self.pin else ""
        newest = max([published, *(day.isoformat() for day in computed)])
        rows = self._rows(newest)
        pin = partial(
            Pin,
            position={"record": record.number, "parameters": json.loads(json.dumps(used, default=str))},
            check_state="passed",
            ingestion_date=ingestion_date.isoformat(),
            published_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            rows=rows,
            view={"kind": "gold", "rows": self.table.kind, "key": list(self.table.key), "newest": newest},
        )
        if self.pin is not None and not self.partitions.touched:
            is_moved = self.table.kind == "state" and newest != published
            moved = Move(self.pin.version, pin(version=self.pin.version)) if is_moved else None
            return Written(rows, 0, 0, moved)
        writer, commit = self._write(lake)
        move = Move(writer.based_on, pin(version=commit.version), opened=writer.table)
        return Written(rows, commit.rows, commit.bytes, move)

    def _write(self, lake: Lake) -> tuple[TableWriter, Commit]:
        table, touched = self.table, self.partitions.touched
        schema, column = table.arrow_schema(), table.partition_column
        writer = open_at_pin(lake, table.lake_key, self.pin)
        where = f"WHERE {_stored_with(table, touched)}" if self.is_same else ""
        sql = f"SELECT {', '.join(schema.names)} FROM {HISTORY} {where} ORDER BY {PARTITION}, {', '.join(table.key)}"
        data: pa.Table = self.partitions.connection.execute(sql).to_arrow_table().cast(schema)
        values = {day.replace(day=1) for day in touched} if column == MONTH else touched
        predicate = " OR ".join(f"{column} = '{value}'" for value in sorted(values)) if self.is_same else None
        commit = writer.overwrite(data, partition_by=[column], predicate=predicate, description=table.description)
        return writer, commit

    def _rows(self, newest: str) -> int:
        """What readers see of the table once this is published."""
        kind, pin = self.table.kind, self.pin
        if kind == "state" and pin is not None and date.fromisoformat(newest) not in self.partitions.touched:
            return pin.rows if newest == pin.view["newest"] else 0
        if kind == "daily" and pin is not None and self.is_same:
            return pin.rows - self.rows_before + self.partitions.live_rows()
        return self.partitions.live_rows()


def _types(connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
    return {row[0]: row[1] for row in connection.execute(f"DESCRIBE {relation}").fetchall()}


def _stored_with(table: GoldTable, days: Collection[date]) -> str:
    """SQL condition: what lies in the same files as the partitions ``days``."""
    if table.partition_column == PARTITION:
        return f"{PARTITION} IN ({_dates(days)})"
    return f"date_trunc('month', {PARTITION})::DATE IN ({_dates({day.replace(day=1) for day in days})})"


def _dates(days: Collection[date]) -> str:
    return ", ".join(f"DATE '{day}'" for day in sorted(days))
