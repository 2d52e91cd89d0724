"""Compute gold partitions: the right knowledge for each day (two clocks), the partition rule, one commit for all days.

Not here: formulas (one file per table), what a row of a partition may hold (partition.py), Dagster (assets.py).
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
import pyarrow as pa

from ebp_lakehouse.gold.contract import AS_KNOWN, BASIS, KNOWN_AT, PARTITION, RESTATED, GoldTable
from ebp_lakehouse.gold.partition import COMPUTED, HISTORY, DailySeries
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.delta import open_at_pin
from ebp_lakehouse.lake.publication import Move, Pin, Record
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import build
from ebp_lakehouse.silver.contract import TableContract

PARIS = ZoneInfo("Europe/Paris")

# Given the connection that a series was computed on (it holds the silver tables it was computed from) and the series.
Validate = Callable[[duckdb.DuckDBPyConnection, pl.DataFrame], list[str]]


@dataclass(frozen=True)
class Knowledge:
    """What a partition's figures are computed from: everything captured up to ``known_at`` (UTC, without zone)."""

    basis: str
    known_at: datetime
    rebuild: bool


@dataclass
class GoldResult:
    """Outcome of one gold table over one or several partitions."""

    rows: int = 0
    partitions: dict[date, int] = field(default_factory=dict)
    written: int = 0
    bytes_written: int = 0
    basis: str = AS_KNOWN
    frame: pl.DataFrame | None = None
    moves: dict[str, Move] = field(default_factory=dict)


def knowledge(record: Record, silver: Sequence[TableContract], day: date, today: date) -> Knowledge:
    """The two clocks of partition ``day`` (design §6).

    Today reads what is published. A past day at or after the first load (T0) is computed from bronze as it was known
    at the end of that day; a day before T0 can only be restated from what is known now.
    """
    now = datetime.fromisoformat(record.published_at).astimezone(UTC).replace(tzinfo=None)
    if day >= today:
        return Knowledge(AS_KNOWN, now, rebuild=False)
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


def compute(
    settings: Settings,
    record: Record,
    table: GoldTable,
    silver: Sequence[TableContract],
    days: Sequence[date],
    today: date,
    validate: Validate,
) -> GoldResult:
    """Compute ``days`` in order and commit the touched partitions, unpinned.

    Args:
        settings: where the lake is.
        record: the publication to read.
        table: what to compute.
        silver: contracts of the published silver tables it reads, and of their ancestors.
        days: partitions, oldest first.
        today: the open partition.
        validate: says what is wrong with a computed series; a day with problems is left out.
    """
    result = GoldResult()
    with connect(record.number, settings) as connection, tempfile.TemporaryDirectory(prefix="ebp_gold_") as scratch:
        series = DailySeries(connection, table)
        _load_history(connection, record, table)
        for day in days:
            clock = knowledge(record, silver, day, today)
            frame, found = _series(settings, record, table, silver, connection, day, clock, Path(scratch), validate)
            if found:
                continue
            result.frame, result.basis = frame, clock.basis
            connection.register("gold_frame", frame.to_arrow())
            connection.execute(
                f"""CREATE OR REPLACE TEMP TABLE {COMPUTED} AS SELECT *, TIMESTAMP '{clock.known_at}' AS {KNOWN_AT},
                '{clock.basis}' AS {BASIS}, DATE '{day}' AS {PARTITION} FROM gold_frame"""
            )
            result.partitions[day] = series.replace(day, int(day.strftime("%Y%m%d")))
        result.rows = _one(connection, f"SELECT count(DISTINCT {table.key[0]}) FROM {HISTORY}")
        if series.touched:
            _commit(Lake.open(settings), connection, record, table, series.touched, days[-1], result)
    return result


def _load_history(connection: duckdb.DuckDBPyConnection, record: Record, table: GoldTable) -> None:
    """The published partitions in the declared columns; a column declared since is NULL in them."""
    schema = table.arrow_schema()
    connection.register("declared_history", schema.empty_table())
    connection.execute(f"CREATE OR REPLACE TEMP TABLE {HISTORY} AS FROM declared_history")
    if f"gold/{table.name}" in record.pins:
        history = f"lake.gold.{table.name}_history"
        held = {row[0] for row in connection.execute(f"DESCRIBE {history}").fetchall()}
        columns = ", ".join(name for name in schema.names if name in held)
        connection.execute(f"INSERT INTO {HISTORY} BY NAME SELECT {columns} FROM {history}")


def _series(
    settings: Settings,
    record: Record,
    table: GoldTable,
    silver: Sequence[TableContract],
    published: duckdb.DuckDBPyConnection,
    day: date,
    clock: Knowledge,
    scratch: Path,
    validate: Validate,
) -> tuple[pl.DataFrame, list[str]]:
    """The whole series as of ``day``, with exactly the declared columns and types, and what is wrong with it."""
    first = published.execute(f"SELECT min({table.key[0]}) FROM {HISTORY}").fetchone()
    first_date = datetime.strptime(str(first[0]), "%Y%m%d").date() if first and first[0] else None  # noqa: DTZ007
    parameters = {"as_of": day, "first_date": first_date}
    if not clock.rebuild:
        frame = _query(published, table, parameters)
        return frame, validate(published, frame)
    folder = scratch / day.isoformat()
    folder.mkdir()
    rebuilt = build(settings, record, silver, folder, known_at=clock.known_at, as_of=day)
    with rebuilt.connect(settings) as connection:
        frame = _query(connection, table, parameters)
        return frame, validate(connection, frame)


def _query(connection: duckdb.DuckDBPyConnection, table: GoldTable, parameters: dict[str, date | None]) -> pl.DataFrame:
    declared = pa.schema([f for f in table.arrow_schema() if f.name in table.columns])
    arrow = connection.execute(table.sql, parameters).to_arrow_table()
    frame = pl.from_arrow(arrow.cast(declared))
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"{table.name} is not a table")
    return frame


def _commit(
    lake: Lake,
    connection: duckdb.DuckDBPyConnection,
    record: Record,
    table: GoldTable,
    touched: set[date],
    ingestion_date: date,
    result: GoldResult,
) -> None:
    key = f"gold/{table.name}"
    pin = record.pins.get(key)
    schema = table.arrow_schema()
    writer = open_at_pin(lake, key, pin)
    same = writer.schema is not None and writer.schema.equals(schema, check_metadata=False)
    days = ", ".join(f"DATE '{day}'" for day in sorted(touched))
    where = f"WHERE {PARTITION} IN ({days})" if same else ""
    sql = f"SELECT {', '.join(schema.names)} FROM {HISTORY} {where} ORDER BY {PARTITION}, {table.key[0]}"
    data = connection.execute(sql).to_arrow_table().cast(schema)
    predicate = " OR ".join(f"{PARTITION} = '{day}'" for day in sorted(touched)) if same else None
    commit = writer.overwrite(data, partition_by=[PARTITION], predicate=predicate, description=table.description)
    result.written, result.bytes_written = commit.rows, commit.bytes
    result.moves[key] = Move(
        writer.based_on,
        Pin(
            version=commit.version,
            position={"record": record.number},
            check_state="passed",
            ingestion_date=ingestion_date.isoformat(),
            published_at=datetime.now(UTC).isoformat(timespec="microseconds"),
            rows=result.rows,
            view={"kind": "gold", "key": list(table.key)},
        ),
        opened=writer.table,
    )


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    return int(row[0]) if row else 0
