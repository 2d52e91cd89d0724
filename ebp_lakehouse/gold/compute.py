"""Compute gold partitions: the right knowledge for each day (two clocks), its tables side by side, one commit each.

Not here: formulas (one file per table), what a partition holds (partition.py), what is right (audit.py), how it is
committed (history.py), Dagster (assets.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from threading import Lock
from time import perf_counter
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa
from polars import selectors

from ebp_lakehouse.gold.audit import Findings, findings
from ebp_lakehouse.gold.contract import AS_KNOWN, RESTATED, GoldTable, named_in
from ebp_lakehouse.gold.history import History
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.publication import Move, Record
from ebp_lakehouse.lake.scratch import scratch_folder
from ebp_lakehouse.lake.session import beside, default_database, quote_identifier, shared
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import build
from ebp_lakehouse.silver.contract import TableContract

PARIS = ZoneInfo("Europe/Paris")
DOUBLE_DECIMALS = 9  # of rates, hours, kilometres; money is decimal
# Money to the cent, half away from zero (A13). What was divided is a double, and 0.29 / 2 then a little less than 0.145: to
# eight decimals first, which are those of EBP.
CENTS = "CREATE OR REPLACE TEMP MACRO cents(amount) AS round(amount::decimal(28, 8), 2)::decimal(18, 2)"


@dataclass(frozen=True)
class Knowledge:
    """What a partition's figures are computed from: everything captured up to ``known_at`` (UTC, without zone).

    Attributes:
        rebuild: silver is not what is published, but built for the day.
        is_newest: from everything that the record holds, whatever the clock of the source says.
    """

    basis: str
    known_at: datetime
    rebuild: bool
    is_newest: bool = False


@dataclass
class GoldResult:
    """Outcome of one gold table over one or several partitions.

    Attributes:
        rows: what readers see of the table once the moves are published.
        partitions: rows of each partition computed.
        written: rows of the commit; it holds the untouched days of a touched month too.
        basis: of the last partition.
        frame: the table as last computed.
        parameters: name → value of those the query named.
        findings: what is wrong; then nothing of the table is committed.
        moves: what makes the commit visible; empty when nothing changed.
        seconds: on this table, waiting for what it uses included; a rebuilt silver is shared.
    """

    rows: int = 0
    partitions: dict[date, int] = field(default_factory=dict)
    written: int = 0
    bytes_written: int = 0
    basis: str = AS_KNOWN
    frame: pl.DataFrame | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    moves: dict[str, Move] = field(default_factory=dict)
    seconds: float = 0.0


def knowledge(
    record: Record, silver: Sequence[TableContract], day: date, today: date, newest: date | None = None
) -> Knowledge:
    """The two clocks of partition ``day`` (design §6).

    Today reads what is published, unless that speaks of an earlier day: on a day without documents yet published silver
    has no stock of the day, and an appointment of yesterday is not overdue in it. A past day at or after the first load
    (T0) is computed from bronze as it was known at the end of that day; a day before T0 can only be restated from what is
    known now.

    Args:
        record: the publication.
        silver: the tables that are read, with their ancestors.
        day: the partition.
        today: the open partition.
        newest: the day of which published silver speaks; None where nothing says so.
    """
    now = datetime.fromisoformat(record.published_at).astimezone(UTC).replace(tzinfo=None)
    if day >= today:
        is_behind = bool(silver) and newest is not None and newest < day
        return Knowledge(AS_KNOWN, now, rebuild=is_behind, is_newest=True)
    if day < first_load(record, silver):
        return Knowledge(RESTATED, now, rebuild=False)
    end = datetime.combine(day + timedelta(days=1), time.min, PARIS) - timedelta(microseconds=1)
    return Knowledge(AS_KNOWN, end.astimezone(UTC).replace(tzinfo=None), rebuild=True)


def first_load(record: Record, silver: Sequence[TableContract]) -> date:
    """T0: the day (Paris) on which the last of the needed bronze tables was first loaded."""
    needed = {f"bronze/{name}" for table in silver for name in table.bronze}
    instants = [
        datetime.fromisoformat(record.pins[key].position["first_loaded_at"]).replace(tzinfo=UTC)
        for key in needed
        if key in record.pins
    ]
    return max(instants).astimezone(PARIS).date() if instants else date.max


def published_day(published: duckdb.DuckDBPyConnection, record: Record) -> date | None:
    """The day of which published silver speaks: that of the newest document then known (semantics V4), not today.

    ``feature_store`` is the one table that carries it. None where it is not published, or empty.
    """
    if "silver/feature_store" not in record.pins:
        return None
    row = published.execute("SELECT max(computed_date) FROM lake.silver.feature_store").fetchone()
    return row[0] if row else None


def compute(
    settings: Settings,
    record: Record,
    tables: Sequence[GoldTable],
    contracts: Mapping[str, TableContract],
    days: Sequence[date],
    today: date,
) -> dict[str, GoldResult]:
    """Compute ``days`` in order and commit the touched partitions of each table, unpinned.

    Args:
        settings: where the lake is.
        record: the publication to read; it holds every silver table that ``tables`` read.
        tables: what to compute. What they use is computed too, and not committed.
        contracts: silver's, by name, in order of dependency.
        days: partitions, oldest first.
        today: the open partition.

    Returns:
        By name of table. A table with findings commits nothing, nor do those that use it; the others do.
    """
    lake = Lake.open(settings)
    values = parameters(settings.dbt_project_dir, settings.parameters_file).values
    results = {table.name: GoldResult() for table in tables}
    with (
        connect(record.number, settings, private=True) as published,
        shared(published, settings.threads) as at_once,
        ThreadPoolExecutor(at_once) as pool,
    ):
        loaded = pool.map(lambda table: History.load(published, record, table, days), tables)
        histories = {table.name: history for table, history in zip(tables, loaded, strict=True)}
        newest = published_day(published, record)
        for day in days:
            clocks = {t.name: knowledge(record, needed_silver(t, contracts), day, today, newest) for t in tables}
            for rebuild in (False, True):
                group = [t for t in tables if clocks[t.name].rebuild is rebuild and not results[t.name].findings]
                if not group:
                    continue
                with _knowing(settings, record, published, group, contracts, clocks, day) as (connection, refused):
                    for name, reason in refused.items():
                        results[name].findings = Findings(uses=[reason])
                    on_day = Day(connection, {**values, "as_of": day})
                    _finish(
                        pool.submit(_replace, on_day, t, clocks[t.name], day, histories[t.name], results[t.name])
                        for t in group
                        if t.name not in refused
                    )
        _finish(
            pool.submit(_commit, lake, record, t, days[-1], histories[t.name], results[t.name])
            for t in tables
            if not results[t.name].findings
        )
    return results


def _finish(submitted: Iterable[Future[None]]) -> None:
    """Wait for jobs. After an error in one, or when the run is ended, those that have not begun are left."""
    jobs: list[Future[None]] = []
    try:
        jobs.extend(submitted)
        wait(jobs, return_when=FIRST_EXCEPTION)
    finally:
        begun = [job for job in jobs if not job.cancel()]
        wait(begun)
    for job in begun:
        job.result()


def needed_silver(table: GoldTable, contracts: Mapping[str, TableContract]) -> list[TableContract]:
    """The silver tables it reads and their ancestors, in order of dependency."""
    wanted: set[str] = set()
    pending = list(table.silver_read)
    while pending:
        name = pending.pop()
        if name not in wanted:
            wanted.add(name)
            pending += contracts[name].parents
    return [contract for name, contract in contracts.items() if name in wanted]


@contextmanager
def _knowing(
    settings: Settings,
    record: Record,
    published: duckdb.DuckDBPyConnection,
    tables: Sequence[GoldTable],
    contracts: Mapping[str, TableContract],
    clocks: Mapping[str, Knowledge],
    day: date,
) -> Iterator[tuple[duckdb.DuckDBPyConnection, dict[str, str]]]:
    """A connection whose ``silver`` is what was known: the published one, or one rebuilt for all ``tables`` together.

    With it the tables that read rebuilt silver which its own tests refuse, and why: of what is published none is refused.
    """
    clock = clocks[tables[0].name]
    if not clock.rebuild:
        yield published, {}
        return
    wanted = {contract.name for table in tables for contract in needed_silver(table, contracts)}
    silver = [contract for name, contract in contracts.items() if name in wanted]
    with scratch_folder("gold") as scratch:
        known_at = None if clock.is_newest else clock.known_at
        rebuilt = build(settings, record, silver, scratch, known_at=known_at, as_of=day)
        reason = f"silver rebuilt for {day} is refused by {', '.join(sorted(result.name for result in rebuilt.failed))}"
        unfit = {contract.name for contract in silver if not rebuilt.accepts(contract)}
        refused = {
            table.name: reason
            for table in tables
            if any(contract.name in unfit for contract in needed_silver(table, contracts))
        }
        with rebuilt.connect(settings) as connection, shared(connection, settings.threads):
            yield connection, refused


class Day:
    """The tables of one day on one database: each is computed once, when it or one that uses it is asked for.

    Several threads may ask. One of them computes, on a connection of its own, and the others wait for what it finds.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, values: Mapping[str, Any]) -> None:
        self.connection = connection
        self.values = values
        self.parameters: dict[str, dict[str, Any]] = {}
        self._asked: dict[str, Future[tuple[pl.DataFrame | None, Findings]]] = {}
        self._asking = Lock()
        self._database = default_database(connection)
        connection.execute("DETACH DATABASE IF EXISTS computed; ATTACH ':memory:' AS computed")

    def table(self, table: GoldTable) -> tuple[pl.DataFrame | None, Findings]:
        """The table as of the day, with exactly the declared columns and types, and what is wrong with it."""
        with self._asking:
            is_first = table.name not in self._asked
            asked = self._asked.setdefault(table.name, Future())
        if is_first:
            try:
                asked.set_result(self._compute(table))
            except BaseException as error:  # noqa: BLE001  those who wait are told, and must not wait for ever
                asked.set_exception(error)
        return asked.result()

    def _compute(self, table: GoldTable) -> tuple[pl.DataFrame | None, Findings]:
        wrong = [used.name for used in table.uses if self.table(used)[1]]
        if wrong:
            return None, Findings(uses=[f"gold/{name}, which it uses, is wrong" for name in wrong])
        with beside(self.connection, self._database) as connection:
            try:
                self.parameters[table.name], frame = rows_of(connection, table, self.values)
            except (duckdb.Error, pa.ArrowInvalid) as error:  # a value that no type can hold, memory; others go on
                return None, Findings(error=f"{type(error).__name__}: {error}")
            connection.register("computed_rows", frame.to_arrow())
            connection.execute(f"CREATE TABLE computed.{quote_identifier(table.name)} AS FROM computed_rows")
            connection.unregister("computed_rows")
            return frame, findings(connection, table, frame, self.values)


def rows_of(
    connection: duckdb.DuckDBPyConnection, table: GoldTable, values: Mapping[str, Any]
) -> tuple[dict[str, Any], pl.DataFrame]:
    """A table on a connection that holds its silver tables (and, as ``computed.<name>``, what it uses).

    Returns:
        The parameters it named with their values, and its rows in the declared columns and types.
    """
    if table.computation is not None:
        return {}, pl.DataFrame(table.computation(connection, values).cast(table.declared_schema()))
    connection.execute(CENTS)
    given = named_in(connection, table.sql, values)
    rows = connection.execute(table.sql, given).to_arrow_table()
    declared = rows.select(list(table.columns)).cast(table.declared_schema())
    # Threads add doubles in another order each time: without this a run that changes nothing would rewrite rows.
    return given, pl.DataFrame(declared).with_columns(selectors.float().round(DOUBLE_DECIMALS))


def _replace(on_day: Day, table: GoldTable, clock: Knowledge, day: date, history: History, result: GoldResult) -> None:
    started = perf_counter()
    frame, result.findings = on_day.table(table)
    if frame is not None and not result.findings:
        result.frame, result.basis = frame, clock.basis
        result.parameters = on_day.parameters[table.name]
        history.partitions.connection.register("gold_frame", frame.to_arrow())
        result.partitions[day] = history.partitions.replace(day, "gold_frame", clock.known_at, clock.basis)
    result.seconds += perf_counter() - started


def _commit(lake: Lake, record: Record, table: GoldTable, day: date, history: History, result: GoldResult) -> None:
    made = history.commit(lake, record, result.partitions, day, result.parameters)
    result.rows, result.written, result.bytes_written = made.rows, made.written, made.bytes
    result.moves = {table.lake_key: made.move} if made.move else {}
