"""One batch over many tables: one capture, each table ingested and checked on its own, one publication of the healthy.

A table that fails keeps its last good version and stops no other. Not here: one table's ingestion (ingest.py), Dagster.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from ebp_lakehouse.bronze.change_ingest import ingest_changes
from ebp_lakehouse.bronze.changefeed import ChangeFeed, Report
from ebp_lakehouse.bronze.changereading import Part
from ebp_lakehouse.bronze.contract import check_appended
from ebp_lakehouse.bronze.ingest import Window, ingest_table
from ebp_lakehouse.bronze.prove import content_differences
from ebp_lakehouse.bronze.reconcile import Difference
from ebp_lakehouse.bronze.routes import Choice, Position
from ebp_lakehouse.bronze.table_batch import TableBatch, reconcile
from ebp_lakehouse.errors import ConflictError, LakehouseError
from ebp_lakehouse.failpoints import failpoint
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import TableWriter, load, open_at_pin
from ebp_lakehouse.lake.publication import Move, Pin, Record
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.extraction import Capture, SourceFigures
from ebp_lakehouse.source.introspection import reference_table
from ebp_lakehouse.source.registry import TableSpec, selected_tables

READERS = 2  # tables at a time: their memory is what bounds a batch's
BESIDE = 4  # small tables beside them when the lake is on S3: most of their time is waiting for its answers
SMALL_CELLS = 200_000
FIRST_LOADED_AT = "first_loaded_at"
# What the libraries raise about one table's values; an operating system's error, or a bug, ends the run.
VALUE_ERRORS = (pa.ArrowException, duckdb.Error, pl.exceptions.PolarsError, UnicodeDecodeError)


@dataclass(frozen=True)
class TableOutcome:
    """What became of one table.

    Attributes:
        batch: what was brought; None when ``error`` says why nothing was.
        differences: where the lake would not equal the source.
        problems: rules of the contract that the appended rows break.
        published: a new version is visible to readers (False also when nothing changed).
        stream_problem: why a published table's changes cannot be taken from the stream.
        content: what the proof found, when one was asked for. It blocks nothing.
        opened: handle of the table at the batch's commit.
    """

    spec: TableSpec
    batch: TableBatch | None = None
    differences: tuple[Difference, ...] = ()
    problems: tuple[str, ...] = ()
    error: str | None = None
    published: bool = False
    stream_problem: str | None = None
    content: tuple[str, ...] = ()
    opened: DeltaTable | None = field(default=None, repr=False, compare=False)

    @property
    def healthy(self) -> bool:
        return self.error is None and not self.differences and not self.problems

    @property
    def move(self) -> bool:
        return self.healthy and self.batch is not None and self.batch.moves


@dataclass(frozen=True)
class BatchResult:
    """Outcomes by asset name, the record that readers now see, the partition the rows carry, the stream's report."""

    record: Record
    ingestion_date: date
    outcomes: dict[str, TableOutcome] = field(default_factory=dict)
    stream: Report | None = None


def run_batch(
    settings: Settings,
    specs: Sequence[TableSpec],
    days: Sequence[date],
    today: date,
    *,
    run_id: str = "",
    accept_shrink: Collection[str] = (),
    force_snapshot: bool = False,
    restart_stream: bool = False,
    prove: bool = False,
) -> BatchResult:
    """Bring ``specs`` up to the source and publish the healthy ones in one record.

    Args:
        settings: source and lake.
        specs: the tables.
        days: partitions of the run. Past days: the rows that EBP dates from the first to the last of them, as they are
            now. Today: what changed since the last batch, dated today; after the past days, and published after them.
        today: the open partition.
        run_id: named in the publication record.
        accept_shrink: tables that may lose more than the shrink guard allows.
        force_snapshot: read every row, whatever the last batch saw.
        restart_stream: with EBP_INGEST_MODE=cdc: drop the replication slot, make a new one and read every row.
        prove: compare every row of the lake with the source afterwards, in the same snapshot.

    Raises:
        SourceError, LakeError: nothing at all could be read or written; the lake is unchanged.
        ConflictError: another run published the same tables twice while this one worked.
    """
    Lake.open(settings).check_writable()
    past = [day for day in days if day != today]
    earlier = run_batch(settings, specs, past, today, run_id=run_id) if past and today in days else None
    window = None if today in days else (min(days), max(days))
    attempt = _Attempt(
        settings=settings,
        specs=tuple(specs),
        ingestion_date=max(days),
        window=window,
        run_id=run_id,
        accept_shrink=tuple(accept_shrink),
        force_snapshot=force_snapshot or restart_stream,
        restart_stream=restart_stream,
        prove=prove and window is None,
    )
    try:
        result = attempt.run()
    except ConflictError:
        result = attempt.run()  # the other run's version is the base now; the fold drops what it already brought
    return result if earlier is None else _joined(earlier, result)


@dataclass(frozen=True)
class _Attempt:
    settings: Settings
    specs: tuple[TableSpec, ...]
    ingestion_date: date
    window: Window | None
    run_id: str
    accept_shrink: tuple[str, ...]
    force_snapshot: bool
    restart_stream: bool
    prove: bool

    def run(self) -> BatchResult:
        lake = Lake.open(self.settings)
        with ExitStack() as stack:
            feed = self._feed(stack)
            record = publication.latest(lake)  # after another run that held the stream has published
            if feed is not None:
                feed.open(record)
            readers = READERS + (BESIDE if lake.s3 is not None else 0)
            with Capture(self.settings.source(), self.specs, readers=readers) as capture:
                if feed is not None:
                    feed.read(capture, self._as_asked(record), self.specs, lambda s: _writer(lake, record, s))
                outcomes = self._all(capture, lake, record, feed)
                instant = capture.captured_at.isoformat(timespec="microseconds")
            moves = {
                outcome.spec.lake_key: replace(self._move(outcome.batch, record, instant), opened=outcome.opened)
                for outcome in outcomes
                if outcome.move and outcome.batch is not None
            }
            if feed is not None:
                moves |= feed.leaving(record, [outcome.spec for outcome in outcomes if not outcome.healthy])
            published = catalog.publish(self.settings, moves, self.run_id)
            if feed is not None:
                failpoint("stream-published")
            return BatchResult(
                published,
                self.ingestion_date,
                {
                    o.spec.asset: replace(
                        o, published=o.move and o.batch is not None and o.batch.commit is not None, opened=None
                    )
                    for o in outcomes
                },
                feed.acknowledge() if feed is not None else None,
            )

    def _feed(self, stack: ExitStack) -> ChangeFeed | None:
        """The change stream, held for this run; a back-fill of past days reads EBP's own dates instead."""
        if self.settings.ingest_mode != "cdc" or self.window is not None:
            return None
        configured = selected_tables(self.settings)
        every = {spec.name: spec for spec in (*configured, *self.specs)}
        return stack.enter_context(
            ChangeFeed(
                self.settings.source(),
                self.settings.lake_url,
                tuple(every.values()),
                restart=self.restart_stream,
                by_dates=self.settings.batch_strategy == "timestamp",
            )
        )

    def _all(self, capture: Capture, lake: Lake, record: Record, feed: ChangeFeed | None) -> list[TableOutcome]:
        def one(spec: TableSpec) -> TableOutcome:
            part = feed.parts[spec.name] if feed is not None else None
            outcome = self._one(capture, lake, record, spec, part)
            if self.prove and outcome.healthy:
                outcome = self._proved(capture, lake, record, outcome)
            return replace(outcome, stream_problem=part.problem) if part is not None else outcome

        largest_first = sorted(self.specs, key=lambda spec: -_size(capture, spec))
        with ThreadPoolExecutor(READERS) as pool, ThreadPoolExecutor(BESIDE) as beside:
            done = [
                (beside if lake.s3 is not None and _is_small(capture, spec) else pool).submit(one, spec)
                for spec in largest_first
            ]
            return [outcome.result() for outcome in done]

    def _as_asked(self, record: Record) -> Record:
        """``record`` without horizons when a full reading was asked for."""
        if not self.force_snapshot:
            return record
        keys = {spec.lake_key for spec in self.specs}
        pins = {key: _without_horizon(pin) if key in keys else pin for key, pin in record.pins.items()}
        return replace(record, pins=pins)

    def _one(self, capture: Capture, lake: Lake, record: Record, spec: TableSpec, part: Part | None) -> TableOutcome:
        pin = record.pins.get(spec.lake_key)
        if part is not None and part.error:
            return TableOutcome(spec, error=part.error)
        if part is not None and part.choice is not None and part.choice.route == "cdc" and part.changes is None:
            return TableOutcome(spec, _unchanged(spec, pin, part.choice))
        try:
            writer = part.changes.writer if part is not None and part.changes else _writer(lake, record, spec)
            before = writer.files()
            if part is not None and part.changes is not None and pin is not None:
                batch = ingest_changes(
                    capture, spec, pin, self.ingestion_date, part.changes, accept_shrink=self.accept_shrink
                )
            else:
                batch = ingest_table(
                    capture,
                    spec,
                    writer,
                    _without_horizon(pin) if self.force_snapshot and pin is not None else pin,
                    self.ingestion_date,
                    accept_shrink=self.accept_shrink,
                    window=self.window,
                    choice=part.choice if part is not None else None,
                    by_dates=self.settings.batch_strategy == "timestamp",
                )
                if self.force_snapshot and pin is not None:
                    batch = replace(batch, choice=Choice(batch.choice.route, "a full reading was asked for"))
            if pin is not None and pin.position["horizon"] is None and batch.position.horizon is not None:
                # A table of which a window had read a part is read as a whole at last, even if no row was missing.
                batch = replace(batch, moves=True)
            if part is not None and batch.choice.route != "stale":
                batch = _placed(batch, pin, part)
            if batch.commit is None:  # proved when it was published
                return TableOutcome(spec, batch)
            table = capture.tables.get(spec.name) or reference_table(spec)
            problems = check_appended(writer, before, table, spec, batch.identity)
            differences = reconcile(batch, writer)
        except ConflictError:
            raise  # nothing is wrong with the table: somebody was quicker, and the whole capture is tried again
        except (LakehouseError, *VALUE_ERRORS) as error:
            return TableOutcome(spec, error=_told(spec, error))
        return TableOutcome(spec, batch, tuple(differences), tuple(problems), opened=writer.table)

    def _proved(self, capture: Capture, lake: Lake, record: Record, outcome: TableOutcome) -> TableOutcome:
        """``outcome`` with what differs between every row of the source and the version that will be published."""
        spec, batch, pin = outcome.spec, outcome.batch, record.pins.get(outcome.spec.lake_key)
        table, commit = capture.tables.get(spec.name), batch.commit if batch is not None else None
        version = commit.version if commit is not None else pin.version if pin is not None else None
        if table is None or version is None or (batch is not None and batch.choice.route == "stale"):
            return outcome
        try:
            stored = load(lake, spec.lake_key, version)
            found = content_differences(capture, table, lake, stored) if stored is not None else []
        except (LakehouseError, *VALUE_ERRORS) as error:
            return replace(outcome, content=(_told(spec, error),))
        return replace(outcome, content=tuple(found))

    def _move(self, batch: TableBatch, record: Record, instant: str) -> Move:
        pin = batch.pin(self.ingestion_date, published_at=datetime.now(UTC).isoformat(timespec="microseconds"))
        first = _first_loaded_at(record.pins.get(batch.key)) or instant
        return Move(batch.based_on, replace(pin, position={**pin.position, FIRST_LOADED_AT: first}))


def _joined(earlier: BatchResult, result: BatchResult) -> BatchResult:
    """``result`` with what the past days of the same run brought before it, or why they brought nothing."""
    outcomes = {}
    for asset, outcome in result.outcomes.items():
        before = earlier.outcomes[asset]
        batch, brought = outcome.batch, before.batch
        if batch is not None and brought is not None and before.healthy:
            batch = replace(
                batch,
                inserted=batch.inserted + brought.inserted,
                updated=batch.updated + brought.updated,
                scanned_rows=batch.scanned_rows + brought.scanned_rows,
                seconds=batch.seconds + brought.seconds,
            )
        why = [before.error] if before.error else [*before.problems, *map(str, before.differences)]
        problems = (*outcome.problems, *(f"The past days were not read: {text}" for text in why))
        outcomes[asset] = replace(
            outcome, batch=batch, problems=problems, published=outcome.published or before.published
        )
    return replace(result, outcomes=outcomes)


def _writer(lake: Lake, record: Record, spec: TableSpec) -> TableWriter:
    return open_at_pin(lake, spec.lake_key, record.pins.get(spec.lake_key))


def _told(spec: TableSpec, error: Exception) -> str:
    if isinstance(error, LakehouseError):
        return str(error)
    first = next(iter(str(error).splitlines()), "")
    return (
        f'Table "{spec.name}": a value of it cannot be handled ({type(error).__name__}: {first}). Nothing of this table '
        "was published. Correct the row in EBP, or exclude the column (`exclude` in source/tables.yaml or your "
        "EBP_TABLES_FILE)."
    )


def _without_horizon(pin: Pin) -> Pin:
    return replace(pin, position={**pin.position, "horizon": None})


def _placed(batch: TableBatch, pin: Pin | None, part: Part) -> TableBatch:
    """``batch`` with its table's place in the change stream, which the pin must tell even when no row changed."""
    was = Position.from_json(pin.position).membership if pin is not None else None
    return replace(
        batch,
        position=replace(batch.position, membership=part.membership),
        moves=batch.moves or was != part.membership,
    )


def _unchanged(spec: TableSpec, pin: Pin | None, choice: Choice) -> TableBatch | None:
    """The batch of a table that follows the stream when the stream brought nothing: the lake is not even opened."""
    if pin is None:
        return None
    return TableBatch(
        spec=spec,
        identity=tuple(pin.view["key"]),
        choice=choice,
        commit=None,
        based_on=pin.version,
        position=Position.from_json(pin.position),
        rows=pin.rows,
        inserted=0,
        updated=0,
        deleted=0,
        scanned_rows=0,
        scanned_bytes=0,
        seconds=0.0,
        source=SourceFigures(0, complete=False),
    )


def _first_loaded_at(pin: Pin | None) -> str | None:
    """When the table was first read as a whole; a window before that proves nothing about what was known."""
    if pin is None or pin.position.get("horizon") is None:
        return None
    return pin.position.get(FIRST_LOADED_AT)


def _size(capture: Capture, spec: TableSpec) -> int:
    table = capture.tables.get(spec.name)
    return table.estimated_rows * len(table.columns) if table else 0


def _is_small(capture: Capture, spec: TableSpec) -> bool:
    """Whether the source's statistics say so; of a table without any, or a view, nobody knows."""
    return 0 < _size(capture, spec) <= SMALL_CELLS
