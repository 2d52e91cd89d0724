"""Polars frames into PostgreSQL by COPY, two tables at a time.

Lives here: completing a frame to its table's columns, and the copy itself. Does not live here: making the rows.

Columns that a frame leaves out are not sent: the server fills them (NULL, or for NOT NULL columns a default that exists
only inside the loading transaction, since the real schema has none). Sending 200 columns of zeros costs five times as
much.
"""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
import psycopg
from psycopg import sql

from ebp_lakehouse.errors import DemoError
from ebp_lakehouse.source.reference_schema import ReferenceColumn, ReferenceTable, reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

CONNECTIONS = 2
CHUNK_CELLS = 1_000_000

# What EBP writes where nothing was entered.
TYPE_DEFAULTS = {
    "numeric": "0",
    "double precision": "0",
    "smallint": "0",
    "integer": "0",
    "boolean": "false",
    "uuid": "'00000000-0000-0000-0000-000000000000'",
    "timestamp": "'1970-01-01'",
    "bytea": r"'\x'",
    "text": "''",
}


@dataclass(frozen=True)
class LoadedTable:
    """One table loaded: its rows, and the seconds its copy took."""

    name: str
    rows: int
    seconds: float


def load(
    dsn: str,
    frames: Iterable[tuple[str, pl.DataFrame]],
    loaded: Callable[[LoadedTable], None] | None = None,
    tables: Mapping[str, ReferenceTable] | None = None,
) -> list[LoadedTable]:
    """Load each (table, frame); a table is loaded whole or not at all.

    Frames hold any of the table's columns, in any order; timestamps are wall clock without zone. `frames` may be a
    generator: it is read one frame at a time, from the loading threads, and a frame is dropped once it is loaded.
    `tables` are the database's when they are not the reference's.

    Raises:
        DemoError: a table or column that EBP does not have, or a row that PostgreSQL refuses; tables loaded
            before stay.
    """
    source = _Shared(iter(frames))

    def work() -> list[LoadedTable]:
        done = []
        with psycopg.connect(dsn) as connection:
            while (item := source.take()) is not None:
                name, frame = item
                started = time.perf_counter()
                try:
                    rows = _load_table(connection, _table(name, tables or reference()), frame)
                except BaseException:
                    source.close()
                    raise
                del item, frame
                done.append(LoadedTable(name, rows, time.perf_counter() - started))
                if loaded is not None:
                    loaded(done[-1])
        return done

    with ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="load") as pool:
        futures = [pool.submit(work) for _ in range(CONNECTIONS)]
        try:
            return [table for future in futures for table in future.result()]
        finally:
            source.close()


def key_values(table: ReferenceTable, column: ReferenceColumn, rows: int) -> pl.Series:
    """Distinct values for a key column that nobody gave: 1..n, or the same numbers as text, or as uuids."""
    numbers = range(1, rows + 1)
    if column.type in ("integer", "smallint", "numeric"):
        return pl.Series(column.name, list(numbers), dtype=pl.Int64)
    if column.type == "uuid":
        prefix = hashlib.md5(table.name.encode(), usedforsecurity=False).hexdigest()[:8]
        return pl.Series(column.name, [f"{prefix}-0000-4000-8000-{number:012x}" for number in numbers])
    digits = min(8, column.width or 8)
    return pl.Series(column.name, [f"{number:0{digits}d}" for number in numbers])


class _Shared:
    """An iterator that several threads read; closing it makes the others stop at their next table."""

    def __init__(self, iterator: Iterator[tuple[str, pl.DataFrame]]) -> None:
        self._iterator = iterator
        self._lock = threading.Lock()
        self._closed = False

    def take(self) -> tuple[str, pl.DataFrame] | None:
        with self._lock:
            if self._closed:
                return None
            try:
                return next(self._iterator, None)
            except BaseException:
                self._closed = True
                raise

    def close(self) -> None:
        self._closed = True


def _load_table(connection: psycopg.Connection, table: ReferenceTable, frame: pl.DataFrame) -> int:
    name = table.name
    unknown = sorted(set(frame.columns) - {column.name for column in table.columns})
    if unknown:
        message = (
            f"Table {name} of EBP has no column {', '.join(unknown)}: the generated frame does not fit the schema."
        )
        raise DemoError(message)
    if frame.is_empty():
        return 0
    lacking_key = [column for column in table.columns if column.name in table.key and column.name not in frame.columns]
    frame = frame.with_columns(key_values(table, column, frame.height) for column in lacking_key)
    given = set(frame.columns)
    defaulted = [column for column in table.columns if column.name not in given and not column.nullable]
    columns = [column.name for column in table.columns if column.name in given]
    try:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_alter(name, defaulted, drop=False))
            statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(
                sql.Identifier(name), sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with cursor.copy(statement) as copy:
                for chunk in _csv_chunks(frame.select(columns)):
                    copy.write(chunk)
            cursor.execute(_alter(name, defaulted, drop=True))
    except (psycopg.DataError, psycopg.IntegrityError) as error:
        where = f" ({error.diag.context})" if error.diag.context else ""
        message = f"PostgreSQL refused the rows made for table {name}: {error.diag.message_primary}{where}."
        raise DemoError(message) from error
    return frame.height


def _table(name: str, tables: Mapping[str, ReferenceTable]) -> ReferenceTable:
    try:
        return tables[name]
    except KeyError:
        message = f"EBP has no table {name}: the generated frame does not fit the schema."
        raise DemoError(message) from None


def _alter(name: str, columns: list[ReferenceColumn], *, drop: bool) -> sql.Composed:
    """One ALTER TABLE for all columns (an empty statement when there is none)."""
    if not columns:
        return sql.Composed([])
    verb = "DROP DEFAULT" if drop else "SET DEFAULT "
    actions = [
        sql.SQL("ALTER COLUMN {} {}").format(
            sql.Identifier(column.name),
            sql.SQL(verb if drop else verb + TYPE_DEFAULTS.get(column.type, "''")),
        )
        for column in columns
    ]
    return sql.SQL("ALTER TABLE {} {}").format(sql.Identifier(name), sql.SQL(", ").join(actions))


def _csv_chunks(frame: pl.DataFrame) -> Iterator[bytes]:
    rows = max(1, CHUNK_CELLS // max(1, frame.width))
    for start in range(0, frame.height, rows):
        text = frame.slice(start, rows).write_csv(
            include_header=False, datetime_format="%Y-%m-%d %H:%M:%S%.6f", date_format="%Y-%m-%d"
        )
        yield text.encode()
