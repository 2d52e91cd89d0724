"""One batch over many tables: one capture, each table ingested and checked on its own, one publication of the healthy.

A table that fails keeps its last good version and stops no other. Not here: one table's ingestion (ingest.py), Dagster.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from ebp_lakehouse.bronze.contract import check_appended
from ebp_lakehouse.bronze.ingest import TableBatch, Window, ingest_table, reconcile
from ebp_lakehouse.bronze.reconcile import Difference
from ebp_lakehouse.bronze.routes import Choice
from ebp_lakehouse.errors import ConflictError, LakehouseError
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import open_at_pin
from ebp_lakehouse.lake.publication import Move, Pin, Record
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.extraction import Capture
from ebp_lakehouse.source.introspection import reference_table
from ebp_lakehouse.source.registry import TableSpec

READERS = 2
FIRST_LOADED_AT = "first_loaded_at"


@dataclass(frozen=True)
class TableOutcome:
    """What became of one table.

    Attributes:
        batch: what was brought; None when ``error`` says why nothing was.
        differences: where the lake would not equal the source.
        problems: rules of the contract that the appended rows break.
        published: a new version is visible to readers (False also when nothing changed).
    """

    spec: TableSpec
    batch: TableBatch | None = None
    differences: tuple[Difference, ...] = ()
    problems: tuple[str, ...] = ()
    error: str | None = None
    published: bool = False

    @property
    def healthy(self) -> bool:
        return self.error is None and not self.differences and not self.problems

    @property
    def move(self) -> bool:
        return self.healthy and self.batch is not None and self.batch.moves


@dataclass(frozen=True)
class BatchResult:
    """Outcomes by asset name, the record that readers now see, and the partition the rows carry."""

    record: Record
    ingestion_date: date
    outcomes: dict[str, TableOutcome] = field(default_factory=dict)


def run_batch(
    settings: Settings,
    specs: Sequence[TableSpec],
    days: Sequence[date],
    today: date,
    *,
    run_id: str = "",
    accept_shrink: Collection[str] = (),
    force_snapshot: bool = False,
) -> BatchResult:
    """Bring ``specs`` up to the source and publish the healthy ones in one record.

    Args:
        settings: source and lake.
        specs: the tables.
        days: partitions of the run. With today among them: what changed since the last batch, dated today. Past days
            only: the rows that EBP dates from the first to the last of them, as they are now.
        today: the open partition.
        run_id: named in the publication record.
        accept_shrink: tables that may lose more than the shrink guard allows.
        force_snapshot: read every row, whatever the last batch saw.

    Raises:
        SourceError, LakeError: nothing at all could be read or written; the lake is unchanged.
        ConflictError: another run published the same tables twice while this one worked.
    """
    Lake.open(settings).check_writable()
    window = None if today in days else (min(days), max(days))
    attempt = _Attempt(settings, tuple(specs), max(days), window, run_id, tuple(accept_shrink), force_snapshot)
    try:
        return attempt.run()
    except ConflictError:
        return attempt.run()  # the other run's version is the base now; the fold drops what it already brought


@dataclass(frozen=True)
class _Attempt:
    settings: Settings
    specs: tuple[TableSpec, ...]
    ingestion_date: date
    window: Window | None
    run_id: str
    accept_shrink: tuple[str, ...]
    force_snapshot: bool

    def run(self) -> BatchResult:
        lake = Lake.open(self.settings)
        record = publication.latest(lake)
        with Capture(self.settings.source(), self.specs, readers=READERS) as capture:
            largest_first = sorted(self.specs, key=lambda spec: -_size(capture, spec))
            with ThreadPoolExecutor(READERS) as pool:
                outcomes = list(pool.map(lambda spec: self._one(capture, lake, record, spec), largest_first))
            instant = capture.captured_at.isoformat(timespec="microseconds")
        moves = {
            outcome.spec.lake_key: self._move(outcome.batch, record, instant)
            for outcome in outcomes
            if outcome.move and outcome.batch is not None
        }
        published = catalog.publish(self.settings, moves, self.run_id)
        return BatchResult(
            published,
            self.ingestion_date,
            {
                o.spec.asset: replace(o, published=o.move and o.batch is not None and o.batch.commit is not None)
                for o in outcomes
            },
        )

    def _one(self, capture: Capture, lake: Lake, record: Record, spec: TableSpec) -> TableOutcome:
        pin = record.pins.get(spec.lake_key)
        try:
            writer = open_at_pin(lake, spec.lake_key, pin)
            before = writer.files()
            base = pin
            if self.force_snapshot and pin is not None:
                base = replace(pin, position={**pin.position, "horizon": None})
            batch = ingest_table(
                capture, spec, writer, base, self.ingestion_date, accept_shrink=self.accept_shrink, window=self.window
            )
            if base is not pin:
                batch = replace(batch, choice=Choice(batch.choice.route, "a full reading was asked for"))
            if batch.commit is None:  # proved when it was published
                return TableOutcome(spec, batch)
            table = capture.tables.get(spec.name) or reference_table(spec)
            problems = check_appended(writer, before, table, spec, batch.identity)
            differences = reconcile(batch, writer)
        except LakehouseError as error:
            return TableOutcome(spec, error=str(error))
        return TableOutcome(spec, batch, tuple(differences), tuple(problems))

    def _move(self, batch: TableBatch, record: Record, instant: str) -> Move:
        pin = batch.pin(self.ingestion_date, published_at=datetime.now(UTC).isoformat(timespec="microseconds"))
        first = _first_loaded_at(record.pins.get(batch.key)) or instant
        return Move(batch.based_on, replace(pin, position={**pin.position, FIRST_LOADED_AT: first}))


def _first_loaded_at(pin: Pin | None) -> str | None:
    """When the table was first read as a whole; a window before that proves nothing about what was known."""
    if pin is None or pin.position.get("horizon") is None:
        return None
    return pin.position.get(FIRST_LOADED_AT)


def _size(capture: Capture, spec: TableSpec) -> int:
    table = capture.tables.get(spec.name)
    return table.estimated_rows * len(table.columns) if table else 0
