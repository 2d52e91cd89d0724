"""One capture of the source: a single exported snapshot, read by several connections, streamed by COPY.

Everything of one batch (rows, counts, sums) is seen at the same instant. Not here: what a row's text means
(bronze/canonical.py), which rows are new (bronze/fold.py), which rows to ask for (bronze/routes.py).
"""

from __future__ import annotations

import queue
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import TracebackType
from typing import Any, LiteralString, Self
from zoneinfo import ZoneInfo

import psycopg
from psycopg import errors as pg
from psycopg import sql

from ebp_lakehouse.errors import ExtractionError, SourceError
from ebp_lakehouse.source.connection import connect, explain
from ebp_lakehouse.source.introspection import Column, SourceTable, introspect
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.source.types import is_number

DEFAULT_READERS = 2
CLOCK_SKEW = timedelta(hours=1)
PARIS = ZoneInfo("Europe/Paris")
EVERY_ROW: sql.Composable = sql.SQL("")

Connection = psycopg.Connection[Any]
Buffer = bytes | bytearray | memoryview
Sums = dict[tuple[str | None, ...], tuple[Decimal | None, ...]]


@dataclass(frozen=True)
class SourceFigures:
    """What the source holds in the snapshot: rows, and sums of ``measures`` by the values (as text) of ``by``.

    ``complete`` is False for a batch that looked at a part of the table only: nothing may be compared then.
    """

    rows: int
    measures: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    sums: Sums = field(default_factory=dict)
    complete: bool = True


class Capture:
    """A context manager around one ``REPEATABLE READ READ ONLY`` snapshot of the source.

    Attributes (once entered):
        tables: the registered tables that exist, by EBP name.
        horizon: ``pg_snapshot_xmin`` of the snapshot, 64 bits: every transaction below it is seen whole.
        next_xid: ``pg_snapshot_xmax``; bounds the age of any row.
        snapshot: the ``pg_snapshot`` as text: which transactions were running (visibility.py).
        captured_at: instant of the snapshot, UTC without zone, microseconds.
        system: identity of the server's cluster and database; positions of two systems cannot be compared.
        batch_id: names the capture in ``_bronze_file_name``.

    Raises:
        SourceError: the server cannot be reached or refuses us; the message never shows the password.
    """

    def __init__(self, url: str, specs: Sequence[TableSpec], *, readers: int = DEFAULT_READERS) -> None:
        self._url = url
        self.specs = tuple(specs)
        self.readers = readers
        self.tables: dict[str, SourceTable] = {}
        self.horizon = 0
        self.next_xid = 0
        self.snapshot = ""
        self.captured_at = datetime(1, 1, 1)  # noqa: DTZ001 - UTC without zone, like the lake's columns
        self.system = ""
        self.batch_id = ""
        self._snapshot = ""
        self._exit = ExitStack()
        self._idle: queue.SimpleQueue[Connection | None] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        with self._exit as stack:
            keeper = stack.enter_context(connect(self._url))
            try:
                keeper.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                row = keeper.execute(
                    "SELECT pg_export_snapshot(), pg_snapshot_xmin(pg_current_snapshot())::text::bigint, "
                    "pg_snapshot_xmax(pg_current_snapshot())::text::bigint, transaction_timestamp(), "
                    "(SELECT oid::text FROM pg_database WHERE datname = current_database()), "
                    "pg_current_snapshot()::text"
                ).fetchone()
                if row is None:
                    raise SourceError("The source returned no snapshot. Run again.")
                self._snapshot, self.horizon, self.next_xid, instant, database, self.snapshot = row
                self.captured_at = instant.astimezone(UTC).replace(tzinfo=None)
                self.system = f"{_system_identifier(keeper)}/{database}"
                self.batch_id = f"{self.captured_at:%Y%m%dT%H%M%S%f}-{self.horizon}"
                self.tables = introspect(keeper, self.specs)
            except psycopg.Error as error:
                raise explain(error, self._url) from error
            for _ in range(self.readers):
                self._idle.put(None)  # connections are opened when first needed
            self._exit = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._idle.empty():
            connection = self._idle.get()
            if connection is not None:
                connection.close()
        self._exit.close()

    @property
    def today(self) -> date:
        """The calendar day of the capture in Europe/Paris: the open partition."""
        return self.captured_at.replace(tzinfo=UTC).astimezone(PARIS).date()

    def missing(self) -> list[TableSpec]:
        """Registered tables that the source lacks; those marked ``support`` are treated as empty."""
        return [spec for spec in self.specs if spec.name not in self.tables]

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """One of the readers' connections, inside the snapshot; waits until one is free.

        A connection that was left by an exception is closed, not reused: its transaction may be aborted.
        """
        connection = self._idle.get()
        try:
            if connection is None:
                connection = self._join_snapshot()
            yield connection
        except psycopg.Error as error:
            _close(connection)
            connection = None
            raise explain(error, self._url) from error
        except BaseException:
            _close(connection)
            connection = None
            raise
        finally:
            self._idle.put(connection)

    def _join_snapshot(self) -> Connection:
        connection = connect(self._url)
        try:
            connection.execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(self._snapshot)))
        except BaseException:
            connection.close()
            raise
        return connection

    def copy_rows(
        self,
        connection: Connection,
        table: SourceTable,
        columns: Sequence[str | None],
        where: sql.Composable = EVERY_ROW,
    ) -> Iterator[Buffer]:
        """Stream ``COPY (SELECT columns FROM table where) TO STDOUT (FORMAT csv)``, a row (with its newline) at a time.

        ``None`` in ``columns`` is a dropped column's empty slot. PostgreSQL sends a row per message, even when a value
        holds a newline; the number of messages is checked against the server's own count all the same.

        Raises:
            ExtractionError: a text is not UTF-8, or something between us and the server repackaged the rows.
        """
        selected = sql.SQL(", ").join(sql.SQL("NULL") if name is None else sql.Identifier(name) for name in columns)
        query = sql.SQL("COPY (SELECT {} FROM {}{}) TO STDOUT (FORMAT csv)").format(selected, table.identifier, where)
        cursor = connection.cursor()
        messages = 0
        with _encoded(table), cursor.copy(query) as copy:
            for row in copy:
                messages += 1
                yield row
        if messages != cursor.rowcount:
            raise ExtractionError(
                f'Table "{table.name}": the server sent {cursor.rowcount} rows but {messages} messages arrived. A '
                "proxy between here and the source repackages COPY data: connect to the server directly."
            )

    def figures(self, connection: Connection, table: SourceTable, spec: TableSpec) -> SourceFigures:
        """Rows, and the sums to reconcile, of ``table`` in this snapshot.

        Columns that the source lacks, or has as something else than numbers, are left out.
        """
        wanted = spec.reconcile
        measures = tuple(name for name in wanted.measures if _is_number(table.column(name))) if wanted else ()
        groupings = tuple(g for g in wanted.groupings if table.column(g.column)) if wanted else ()
        by: list[sql.Composable] = [
            sql.SQL("extract(year FROM {})::bigint::text" if g.is_year else "{}::text").format(sql.Identifier(g.column))
            for g in groupings
        ]
        sums: list[sql.Composable] = [sql.SQL("sum({})::text").format(sql.Identifier(name)) for name in measures]
        query = sql.SQL("SELECT {} FROM {}").format(
            sql.SQL(", ").join([*by, sql.SQL("count(*)"), *sums]), table.identifier
        )
        if by:
            query += sql.SQL(" GROUP BY {}").format(sql.SQL(", ").join(sql.Literal(i + 1) for i in range(len(by))))
        rows, result = 0, {}
        with _encoded(table):
            lines = connection.execute(query).fetchall()
        for line in lines:
            rows += line[len(by)]
            result[tuple(line[: len(by)])] = tuple(None if t is None else Decimal(t) for t in line[len(by) + 1 :])
        return SourceFigures(rows, measures, tuple(map(str, groupings)), result if measures else {})


def changed_since(horizon: int) -> sql.Composable:
    """Rows whose inserting transaction is not older than ``horizon`` (a 64-bit transaction number).

    ``age`` compares modulo 2^32, so it stays right across a wrap-around; routes.py keeps the horizon young enough.
    ``pg_visible_in_snapshot(xmin)`` would be wrong: sub-transactions have numbers of their own.
    """
    return sql.SQL(" WHERE age(xmin) <= age({}::text::xid8::xid)").format(sql.Literal(str(horizon)))


def sys_dates(table: SourceTable) -> list[str]:
    """The columns in which EBP itself says when a row was created and modified."""
    return [name for name in ("sysCreatedDate", "sysModifiedDate") if table.column(name)]


def dated_since(table: SourceTable, instant: datetime) -> sql.Composable:
    """Rows that EBP dates since ``instant`` (UTC), or not at all.

    ``CLOCK_SKEW`` before it, for workstations whose clocks are late and for windows that stayed open. A wall clock of
    Paris is ahead of UTC, so a copy that was shifted to UTC is covered too. Not covered: a longer transaction, a later
    clock, a change that leaves the dates as they were.
    """
    since = (instant - CLOCK_SKEW).isoformat(sep=" ", timespec="seconds")
    names = sys_dates(table)
    late: list[sql.Composable] = [
        sql.SQL("{} >= {}::timestamp").format(sql.Identifier(name), sql.Literal(since)) for name in names
    ]
    undated = sql.SQL(" AND ").join(sql.SQL("{} IS NULL").format(sql.Identifier(name)) for name in names)
    return sql.SQL(" WHERE ") + sql.SQL(" OR ").join([*late, sql.SQL("({})").format(undated)])


def dated_within(table: SourceTable, first: date, last: date) -> sql.Composable | None:
    """Rows that EBP created or modified from ``first`` to ``last``; None for a table without sys dates."""
    names = sys_dates(table)
    if not names:
        return None
    template: LiteralString = "({0} >= {1}::date AND {0} < {2}::date + 1)"
    return sql.SQL(" WHERE ") + sql.SQL(" OR ").join(
        sql.SQL(template).format(sql.Identifier(n), sql.Literal(first.isoformat()), sql.Literal(last.isoformat()))
        for n in names
    )


@contextmanager
def _encoded(table: SourceTable) -> Iterator[None]:
    """A database with the encoding SQL_ASCII takes any bytes; the server refuses to send those that are not UTF-8."""
    try:
        yield
    except (pg.CharacterNotInRepertoire, pg.UntranslatableCharacter) as error:
        raise ExtractionError(
            f'Table "{table.name}": a text is not UTF-8 ({str(error).splitlines()[0]}). The table was not touched. '
            "Correct the row in EBP, or exclude the column (`exclude` in source/tables.yaml or your EBP_TABLES_FILE)."
        ) from None


def _is_number(column: Column | None) -> bool:
    return column is not None and is_number(column.arrow)


def _system_identifier(connection: Connection) -> str:
    """The cluster's identity and timeline; ``unknown`` where the server does not show them (some hosted services).

    A server that was restored to an earlier point, or promoted, is on another timeline: its transaction numbers may name
    other transactions than before.
    """
    row = connection.execute(
        "SELECT has_function_privilege('pg_control_system()', 'execute') "
        "AND has_function_privilege('pg_control_checkpoint()', 'execute')"
    ).fetchone()
    if row is None or not row[0]:
        return "unknown"
    row = connection.execute(
        "SELECT system_identifier || '.' || timeline_id FROM pg_control_system(), pg_control_checkpoint()"
    ).fetchone()
    return str(row[0]) if row else "unknown"


def _close(connection: Connection | None) -> None:
    if connection is not None:
        connection.close()
