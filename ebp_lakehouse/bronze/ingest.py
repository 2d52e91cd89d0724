"""From a capture to one Delta commit per table: read, fold, append, report. Nothing changed → nothing written.

Not here: what came of it (table_batch.py), publishing the commit (batch.py, after the checks), Dagster (assets.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import chain
from time import perf_counter
from typing import Any

import polars as pl
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from ebp_lakehouse.bronze import fold as folding
from ebp_lakehouse.bronze import shapes
from ebp_lakehouse.bronze.append import append
from ebp_lakehouse.bronze.canonical import Layout, describe_key, hex_digests, layout, parse_text, record_digest
from ebp_lakehouse.bronze.drift import Change, drift
from ebp_lakehouse.bronze.fold import CHANGE, DELETE, HASH, INSERT, IS_DELETED, IS_FIRST, ROW, UPDATE, VALID_FROM
from ebp_lakehouse.bronze.reshaping import LABEL, kept_columns, only_reshaped
from ebp_lakehouse.bronze.routes import Choice, Position, advanced, choose
from ebp_lakehouse.bronze.state import LakeState, last_values
from ebp_lakehouse.bronze.stream import Block, Counter, Occurrences, Prefetched, texts, unknown_rows
from ebp_lakehouse.bronze.table_batch import TableBatch
from ebp_lakehouse.bronze.versions import Stamp, physical_schema
from ebp_lakehouse.errors import ExtractionError, SourceError
from ebp_lakehouse.lake.delta import Commit, TableWriter, arrow_schema
from ebp_lakehouse.lake.publication import Pin
from ebp_lakehouse.source.extraction import (
    EVERY_ROW,
    Buffer,
    Capture,
    SourceFigures,
    changed_since,
    dated_since,
    dated_within,
)
from ebp_lakehouse.source.introspection import SourceTable, reference_table
from ebp_lakehouse.source.registry import TableSpec

Window = tuple[date, date]


class _UnknownRowsError(Exception):
    """The source holds rows that the batch route did not bring: the table must be read as a whole."""


def ingest_table(
    capture: Capture,
    spec: TableSpec,
    writer: TableWriter,
    pin: Pin | None,
    ingestion_date: date,
    *,
    accept_shrink: Collection[str] = (),
    window: Window | None = None,
    choice: Choice | None = None,
    by_dates: bool = False,
) -> TableBatch:
    """Bring what changed in one table since ``pin`` into the lake, as one Delta commit.

    Args:
        capture: an entered capture; thread-safe, so tables can be ingested side by side.
        spec: the table.
        writer: the table's writer, at ``pin`` (``lake.delta.open_at_pin``).
        pin: what readers see now; None for a table never published.
        ingestion_date: partition of the run.
        accept_shrink: tables (or assets) that may lose more than max(50 %, 20 rows).
        window: back-fill: only the rows that EBP dates within these days, as they are now.
        choice: the route, where the change stream has already decided it (``snapshot``, ``batch`` or ``stale``).
        by_dates: find changed rows by EBP's own dates where the table has them (see routes.choose).

    Raises:
        SourceError: the table is missing (a support table only if it had rows), or the connection broke.
        ExtractionError: a value, a type, a key or a number of rows is refused. The table is unchanged.
        LakeError, ConflictError: the lake's side failed; nothing is visible.
    """
    started = perf_counter()
    table = capture.tables.get(spec.name)
    if table is None:
        dropped = pin is not None and pin.rows > 0 and not {spec.name, spec.asset}.intersection(accept_shrink)
        if dropped or not spec.support:
            raise SourceError(
                f'The source has no table "{spec.name}" that this user can see, so it was not touched. Check the '
                "database of EBP_SOURCE_URL, the user's search_path, or leave the table out of EBP_TABLES."
            )
        table = reference_table(spec)
    before = Position.from_json(pin.position) if pin is not None else None
    live = pin.rows if pin is not None else 0
    if window is not None:
        choice = Choice("window", f"back-fill of {window[0]} to {window[1]}")
    elif spec.name not in capture.tables:
        choice = Choice("snapshot", "the source lacks this support table: taken as empty")
    elif choice is None:
        choice = choose(capture, table, before, by_dates=by_dates)
    while True:
        try:
            former = tuple(pin.view["key"]) if pin is not None else None
            batch = Ingestion(capture, table, spec, writer, before, live, former, choice, ingestion_date, window).run(
                accept_shrink
            )
        except _UnknownRowsError:
            choice = Choice("snapshot", "the batch did not explain the source's number of rows")
        else:
            return replace(batch, seconds=perf_counter() - started)


@dataclass
class Ingestion:
    """One attempt at one table. ``run`` drives; the generators below are consumed by the Delta writer."""

    capture: Capture
    table: SourceTable
    spec: TableSpec
    writer: TableWriter
    before: Position | None
    live: int  # rows that readers see now
    former_key: tuple[str, ...] | None  # by which they see them
    choice: Choice
    ingestion_date: date
    window: Window | None
    counter: Counter = field(default_factory=Counter)
    rows: Occurrences = field(default_factory=Occurrences)  # of a table without a key
    changes: dict[str, int] = field(default_factory=lambda: {INSERT: 0, UPDATE: 0, DELETE: 0})
    failure: BaseException | None = None

    @property
    def complete(self) -> bool:
        """Whether the batch accounts for every row of the table (a window does not)."""
        return self.choice.route != "window"

    def run(self, accept_shrink: Collection[str]) -> TableBatch:
        # A table that never had a row may still take any shape: its columns were only expected, not seen.
        has_rows = bool(self.writer.files())
        plan = layout(self.table, self.writer.schema if has_rows else None)
        with ExitStack() as stack:
            source = stack.enter_context(self.capture.reader())
            published = self.writer.table if has_rows else None
            state = LakeState(self.writer.lake, published, plan.key_schema, stack)
            if self.former_key not in (None, plan.key):
                self.live = state.current.live  # told apart by another key there may be others: those have to end
            figures = self._figures(source)
            commit: Commit | None = None
            changes: tuple[Change, ...] = ()
            if self.choice.route != "stale":
                if self.complete:
                    lost = self.live - figures.rows
                    folding.check_shrink(
                        self.spec.name, self.spec.asset, live=self.live, lost=lost, accepted=accept_shrink
                    )
                commit = self._append(self._versions(source, plan, state, figures, accept_shrink), plan, has_rows)
                changes = self._drift()
        position = advanced(self.capture, self.table, self.before, self.choice.route)
        reshaped = self.before is not None and (self.before.oid, self.before.columns) != (
            position.oid,
            position.columns,
        )
        return TableBatch(
            spec=self.spec,
            identity=plan.key,
            choice=self.choice,
            commit=commit,
            based_on=self.writer.based_on,
            position=position,
            rows=self.live + self.changes[INSERT] - self.changes[DELETE],
            inserted=self.changes[INSERT],
            updated=self.changes[UPDATE],
            deleted=self.changes[DELETE],
            scanned_rows=self.counter.rows,
            scanned_bytes=self.counter.bytes,
            seconds=0.0,
            source=figures,
            added_columns=plan.added if has_rows and commit is not None else (),
            drift=changes,
            moves=commit is not None or (reshaped and self.choice.route != "stale"),
        )

    def _drift(self) -> tuple[Change, ...]:
        """What changed since the shape that the pin names; the present shape is kept for the next batch."""
        if self.before is not None and self.before.columns == self.table.fingerprint:
            return ()
        now = shapes.keep(self.writer.lake, self.table)
        former = shapes.kept(self.writer.lake, self.before.columns) if self.before is not None else None
        if self.before is None or former is None:
            return ()
        same = (self.before.oid, self.before.system) == (self.table.oid, self.capture.system)
        return tuple(drift(former, now, same_table=same))

    def _figures(self, source: psycopg.Connection[Any]) -> SourceFigures:
        if self.choice.route in ("window", "stale"):
            return SourceFigures(rows=0, complete=False)
        if self.spec.name not in self.capture.tables:
            return SourceFigures(rows=0)
        return self.capture.figures(source, self.table, self.spec)

    def _append(self, versions: Iterator[pa.RecordBatch], plan: Layout, has_rows: bool) -> Commit | None:
        """Commit ``versions``; nothing at all when there is none and the table has its shape already."""
        schema = physical_schema(plan.schema)
        # The first batch is computed here, so that an unchanged table does not touch the lake. A column that was added
        # empty waits for the next version of any row: DuckDB could not read a column that no file holds.
        first = next(versions, None)
        shaped = self.writer.based_on is not None and (has_rows or self._same_columns(schema))
        if first is None and shaped:
            return None
        batches = chain([first] if first is not None else [], self._guarded(versions))
        reader = pa.RecordBatchReader.from_batches(schema, batches)
        try:
            return append(self.writer, reader, description=self.spec.description)
        except Exception:
            # Arrow's reader reports an exception of our generator as its own; ours says what to do.
            if self.failure is not None:
                raise self.failure from None
            raise

    def _same_columns(self, schema: pa.Schema) -> bool:
        return self.writer.schema is not None and set(self.writer.schema.names) == set(schema.names)

    def _guarded(self, versions: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        try:
            yield from versions
        except BaseException as error:
            self.failure = error
            raise

    def _versions(
        self,
        source: psycopg.Connection[Any],
        plan: Layout,
        state: LakeState,
        figures: SourceFigures,
        accept_shrink: Collection[str],
    ) -> Iterator[pa.RecordBatch]:
        """The new versions: changed rows as they stream in, then the deletes."""
        stamp = Stamp(
            ingested_at=datetime.now(UTC).replace(tzinfo=None),
            table=self.spec.name,
            route=self.choice.route,
            batch_id=self.capture.batch_id,
            position=max(self.capture.horizon, self.before.number if self.before else 0),
        )
        digest_of = self.rows.digest if plan.is_whole_row else record_digest
        lines = unknown_rows(self._lines(source, plan), state if self.live else (), self.counter, digest_of)
        with Prefetched(lines) as blocks:
            for block in blocks:
                yield from self._new_versions(block, plan, state, stamp)
        if not self.table.key_is_enforced:
            # Every key, not the new rows' alone: a copy of a known row takes the place of a deleted one in the count.
            twice = folding.repeated(self._source_keys(source, plan))
            if twice.height:
                raise self._not_unique(describe_key(twice.to_dicts()[0]))
        if not self.complete:
            return
        surplus = self.live + self.changes[INSERT] - figures.rows
        if surplus < 0:
            if self.choice.route in ("batch", "timestamp"):
                raise _UnknownRowsError
            raise self._not_unique(f"{figures.rows} rows, {figures.rows + surplus} distinct keys")
        if surplus > 0:
            yield from self._deleted_versions(source, plan, state, stamp, accept_shrink)

    def _lines(self, source: psycopg.Connection[Any], plan: Layout) -> Iterator[Buffer]:
        where = EVERY_ROW
        if self.spec.name not in self.capture.tables:
            return iter(())
        if self.choice.route == "batch" and self.before is not None and self.before.horizon is not None:
            where = changed_since(self.before.horizon)
        elif self.choice.route == "timestamp" and self.before is not None:
            where = dated_since(self.table, self.before.instant)
        elif self.window is not None:
            dated = dated_within(self.table, *self.window)
            if self.before is not None and self.before.membership is not None:
                return iter(())  # the stream brings these states, and those before them: they would be told twice
            if dated is None:
                return iter(())  # no sys dates: EBP does not say when these rows came
            where = dated
        return self.capture.copy_rows(source, self.table, plan.selected, where)

    def _new_versions(self, block: Block, plan: Layout, state: LakeState, stamp: Stamp) -> Iterator[pa.RecordBatch]:
        values = parse_text(block.text, block.rows, plan.schema, table=self.spec.name, key=plan.key)
        hashes = hex_digests(block.digests)
        own = pa.table([hashes], list(plan.key)) if plan.is_whole_row else values.select(list(plan.key))
        if any(column.null_count for column in own.columns):
            raise ExtractionError(
                f'Table "{self.spec.name}": a row has no value in its key ({", ".join(plan.key)}). '
                "Correct the row in EBP, or `key` in source/tables.yaml."
            )
        frame = pl.DataFrame(pl.from_arrow(own))
        changes = frame.with_columns(pl.Series(HASH, hashes), pl.lit(False).alias(IS_DELETED))
        kept = folding.fold(
            changes, state.current.frame, plan.key, position=stamp.position, captured_at=self.capture.captured_at
        )
        if kept.is_empty():
            return
        if kept.height < values.num_rows:
            rows = kept[ROW].to_arrow()
            values, hashes = values.take(rows), hashes.take(rows)
        self._count(kept)
        by_shape = self._by_shape(values, kept, plan, state)
        for label, chosen in ((stamp, ~by_shape), (replace(stamp, route=LABEL), by_shape)):
            if chosen.any():
                mask, rows = chosen.to_arrow(), kept.filter(chosen)
                own_values = values if chosen.all() else values.filter(mask)
                yield label.rows(
                    own_values,
                    hashes=hashes if chosen.all() else hashes.filter(mask),
                    valid_from=rows[VALID_FROM],
                    deleted=False,
                    ingestion_dates=self._dates(own_values, rows),
                )

    def _by_shape(self, values: pa.Table, kept: pl.DataFrame, plan: Layout, state: LakeState) -> pl.Series:
        """Per new version, whether only the table's shape changed, not the row."""
        updated = kept[CHANGE] == UPDATE
        table = self.writer.table
        if self.before is None or self.before.columns == self.table.fingerprint or table is None or not updated.any():
            return pl.repeat(value=False, n=kept.height, dtype=pl.Boolean, eager=True)
        keys = pl.DataFrame(pl.from_arrow(values.select(list(plan.key)).filter(updated.to_arrow())))
        known = state.current.frame.join(keys, on=list(plan.key), how="semi")
        before = last_values(state.session, table, known, plan.key, plan.schema)
        return only_reshaped(values, before, kept_columns(plan, arrow_schema(table))) & updated

    def _dates(self, values: pa.Table, kept: pl.DataFrame) -> pa.Array | date:
        """``_bronze_ingestion_date``: the run's partition. In a window, the row's own day for keys never seen before.

        A row that already has versions was really seen changed today, whatever EBP dates it.
        """
        if self.window is None:
            return self.ingestion_date
        first, last = (pa.scalar(day, pa.date32()) for day in self.window)
        own = pa.repeat(last, values.num_rows)
        for name in ("sysModifiedDate", "sysCreatedDate"):  # the day of its creation before that of its last change
            if name in values.column_names:
                days = values.column(name).cast(pa.date32()).combine_chunks()
                within = pc.and_(pc.greater_equal(days, first), pc.less_equal(days, last))
                own = pc.if_else(pc.fill_null(within, fill_value=False), days, own)
        return pc.if_else(kept[IS_FIRST].to_arrow(), own, pa.scalar(self.capture.today, pa.date32()))

    def _deleted_versions(
        self,
        source: psycopg.Connection[Any],
        plan: Layout,
        state: LakeState,
        stamp: Stamp,
        accept_shrink: Collection[str],
    ) -> Iterator[pa.RecordBatch]:
        gone = folding.vanished(state.current.frame, self._source_keys(source, plan), plan.key)
        folding.check_shrink(self.spec.name, self.spec.asset, live=self.live, lost=gone.height, accepted=accept_shrink)
        if gone.is_empty() or self.writer.table is None:
            return
        for block in last_values(state.session, self.writer.table, gone, plan.key, plan.schema):
            hashes = block.column(HASH)
            own = pa.table([hashes], list(plan.key)) if plan.is_whole_row else block.select(list(plan.key))
            keys = pl.DataFrame(pl.from_arrow(own.append_column(HASH, hashes)))
            kept = folding.fold(
                keys.with_columns(pl.lit(True).alias(IS_DELETED)),
                state.current.frame,
                plan.key,
                position=stamp.position,
                captured_at=self.capture.captured_at,
            )
            self._count(kept)
            rows = block.take(kept[ROW].to_arrow())
            yield stamp.rows(
                rows.select(plan.schema.names),
                hashes=rows.column(HASH),
                valid_from=kept[VALID_FROM],
                deleted=True,
                ingestion_dates=self.ingestion_date,
            )

    def _source_keys(self, source: psycopg.Connection[Any], plan: Layout) -> pl.DataFrame:
        """The keys of every row of the source, in the same snapshot."""
        if plan.is_whole_row:
            return pl.DataFrame({plan.key[0]: [digest.hex() for digest in (*self.rows.seen, *self.rows.copies)]})
        frames = [pl.DataFrame(pl.from_arrow(plan.key_schema.empty_table()))]
        if self.spec.name in self.capture.tables:
            lines = self.capture.copy_rows(source, self.table, plan.key_selected)
            for text, rows in texts(lines):
                keys = parse_text(text, rows, plan.key_schema, table=self.spec.name, key=plan.key)
                frames.append(pl.DataFrame(pl.from_arrow(keys)))
        return pl.concat(frames)

    def _count(self, kept: pl.DataFrame) -> None:
        for change in self.changes:
            self.changes[change] += int((kept[CHANGE] == change).sum())

    def _not_unique(self, what: str) -> ExtractionError:
        return ExtractionError(
            f'Table "{self.spec.name}": the key ({", ".join(self.table.key)}) does not identify its rows ({what}). '
            "Remove the duplicates at the source, or correct `key` in source/tables.yaml. The table is unchanged."
        )
