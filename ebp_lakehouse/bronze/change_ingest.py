"""From the changes of one table to one Delta commit: completed, folded, appended, block by block.

Not here: what the changes were read from (changefeed.py), the pure fold (cdc.py), whole readings (ingest.py).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from time import perf_counter
from typing import Any

import polars as pl
import psycopg
import pyarrow as pa

from ebp_lakehouse.bronze.canonical import Layout, canonical_text, parse, record_digest
from ebp_lakehouse.bronze.cdc import (
    COMMITTED_AT,
    VALUES_OF,
    RereadError,
    fold_changes,
    line,
    previous_row,
    text_of,
    token,
    tokens_of,
)
from ebp_lakehouse.bronze.fold import HASH, IS_DELETED, POSITION, ROW, STATE_SCHEMA, VALID_FROM
from ebp_lakehouse.bronze.ingest import Ingestion, ingest_table
from ebp_lakehouse.bronze.routes import Choice, Membership, Position, choose
from ebp_lakehouse.bronze.spool import UPSERT, Spool, Transactions
from ebp_lakehouse.bronze.state import LakeState, current_state, last_values
from ebp_lakehouse.bronze.table_batch import TableBatch
from ebp_lakehouse.bronze.versions import Stamp
from ebp_lakehouse.errors import ExtractionError
from ebp_lakehouse.lake.delta import TableWriter
from ebp_lakehouse.lake.publication import Pin
from ebp_lakehouse.source.extraction import Capture, SourceFigures
from ebp_lakehouse.source.registry import TableSpec

LakeRows = Callable[[pl.DataFrame, pa.Schema], Iterator[pa.Table]]
LINE = "_line"  # place in the spool of the row that a key's newest version shows


@dataclass
class Changes:
    """The changes of one table that one reading of the stream brought, and the writer they were laid out for."""

    writer: TableWriter
    layout: Layout
    membership: Membership
    transactions: Transactions
    spool: Spool = field(default_factory=Spool)


def ingest_changes(
    capture: Capture,
    spec: TableSpec,
    pin: Pin,
    ingestion_date: date,
    changes: Changes,
    *,
    accept_shrink: Collection[str] = (),
) -> TableBatch:
    """Fold ``changes`` into the lake as one Delta commit; the lake then equals the source in ``capture``.

    A table whose new state the stream alone cannot give is read again, in the same capture.

    Raises:
        ExtractionError: a value or a number of rows is refused. The table is unchanged.
        SourceError, LakeError, ConflictError: as ``ingest_table``.
    """
    started = perf_counter()
    table, before = capture.tables[spec.name], Position.from_json(pin.position)
    ingestion = ChangeIngestion(
        capture,
        table,
        spec,
        changes.writer,
        before,
        pin.rows,
        tuple(pin.view["key"]),
        Choice("cdc", "changes of the stream"),
        ingestion_date,
        None,
        incoming=changes,
    )
    try:
        batch = ingestion.run(accept_shrink)
    except RereadError as error:
        choice = replace(choose(capture, table, before), reason=f"read again: {error}")
        return ingest_table(
            capture, spec, changes.writer, pin, ingestion_date, accept_shrink=accept_shrink, choice=choice
        )
    last = changes.transactions.positions[changes.spool.transactions[-1]] + changes.membership.shift
    return replace(
        batch,
        position=replace(batch.position, number=max(batch.position.number, last)),
        seconds=perf_counter() - started,
    )


@dataclass
class ChangeIngestion(Ingestion):
    """One attempt at one table's changes. ``seen`` is the newest version per key that earlier blocks brought."""

    incoming: Changes = field(kw_only=True)
    seen: pl.DataFrame = field(init=False)

    def _versions(
        self,
        source: psycopg.Connection[Any],  # noqa: ARG002 - the source's rows are not read here
        plan: Layout,
        state: LakeState,
        figures: SourceFigures,  # noqa: ARG002
        accept_shrink: Collection[str],  # noqa: ARG002 - the figures have been compared; the stream tells the truth
    ) -> Iterator[pa.RecordBatch]:
        self.seen = _nothing_seen(plan.key_schema)
        stamp = Stamp(
            ingested_at=datetime.now(UTC).replace(tzinfo=None),
            table=self.spec.name,
            route="cdc",
            batch_id=self.capture.batch_id,
            position=0,  # each change has its own
        )
        for numbers in self.incoming.spool.blocks():
            block = _Block(self.incoming, numbers, plan, self._lake_rows(state, plan))
            yield from self._block(block, plan, state, stamp)
        self.counter.rows = len(self.incoming.spool)

    def _block(self, block: _Block, plan: Layout, state: LakeState, stamp: Stamp) -> Iterator[pa.RecordBatch]:
        known = self._known(block.keys, plan, state)
        block.complete(known)
        kept = fold_changes(block.frame(), known.drop(LINE), plan.key)
        if kept.is_empty():
            return
        self._count(kept)
        alive = kept.filter(~pl.col(IS_DELETED))
        if alive.height:
            yield self._stamped(stamp, alive, block.values.take(block.places(alive[ROW])), deleted=False)
        gone = kept.filter(pl.col(IS_DELETED))
        if gone.height:
            yield from self._deletions(gone, block, known, plan, stamp)
        self.seen = _newest(self.seen, kept, known, block, plan.key)

    def _known(self, keys: pl.DataFrame, plan: Layout, state: LakeState) -> pl.DataFrame:
        """The newest version of each of the block's keys, from the blocks before or from the lake."""
        distinct = keys.unique()
        here = self.seen.join(distinct, on=list(plan.key), how="semi")
        others = distinct.join(here, on=list(plan.key), how="anti")
        if self.writer.table is None or others.is_empty() or not self.writer.files():
            return here
        found = current_state(state.session, self.writer.table, plan.key_schema, others).frame
        return pl.concat([here, found.with_columns(pl.lit(None, pl.Int64).alias(LINE))])

    def _deletions(
        self, gone: pl.DataFrame, block: _Block, known: pl.DataFrame, plan: Layout, stamp: Stamp
    ) -> Iterator[pa.RecordBatch]:
        """Versions of deleted rows, with their last values: from this block, an earlier one, or the lake."""
        key = list(plan.key)
        here = gone.filter(pl.col(VALUES_OF).is_not_null())
        if here.height:
            yield self._stamped(stamp, here, block.values.take(block.places(here[VALUES_OF])), deleted=True)
        before = gone.filter(pl.col(VALUES_OF).is_null()).join(known.select(*key, LINE), on=key, maintain_order="left")
        spooled = before.filter(pl.col(LINE).is_not_null())
        if spooled.height:
            lines = [self.incoming.spool.line(place) for place in spooled[LINE]]
            values = parse(lines, plan.schema, table=self.spec.name, key=key)
            yield self._stamped(stamp, spooled, values, deleted=True)
        stored = before.filter(pl.col(LINE).is_null())
        if stored.height:
            wanted = stored.select(key).join(known.select(*key, VALID_FROM), on=key, maintain_order="left")
            for rows in block.lake_rows(wanted, plan.schema):
                own = pl.DataFrame(pl.from_arrow(rows.select(key)))
                versions = own.join(stored, on=key, how="left", maintain_order="left")
                yield self._stamped(stamp, versions, rows.select(plan.schema.names), deleted=True)

    def _lake_rows(self, state: LakeState, plan: Layout) -> LakeRows:
        def read(wanted: pl.DataFrame, schema: pa.Schema) -> Iterator[pa.Table]:
            if self.writer.table is None:
                return iter(())
            return last_values(state.session, self.writer.table, wanted, plan.key, schema)

        return read

    def _stamped(self, stamp: Stamp, versions: pl.DataFrame, values: pa.Table, *, deleted: bool) -> pa.RecordBatch:
        return stamp.rows(
            values,
            hashes=versions[HASH].to_arrow().cast(pa.string()),
            valid_from=versions[VALID_FROM],
            deleted=deleted,
            ingestion_dates=self.ingestion_date,
            positions=versions[POSITION],
        )


class _Block:
    """A range of one table's changes: its lines, keys and typed rows. Numbers within it count from 0."""

    def __init__(self, changes: Changes, numbers: range, plan: Layout, lake_rows: LakeRows) -> None:
        self.changes, self.numbers, self.plan, self.lake_rows = changes, numbers, plan, lake_rows
        spool = changes.spool
        self.lines = spool.lines(numbers)
        self.deleted = [kind != UPSERT for kind in spool.kinds[numbers.start : numbers.stop]]
        self.upserts = [row for row, gone in enumerate(self.deleted) if not gone]
        self._place = pl.Series(self.deleted, dtype=pl.Boolean).not_().cast(pl.Int64).cum_sum() - 1
        self.values = self._parsed(self.upserts, plan.schema)
        self.keys = self._keys()
        self.holes = {n - numbers.start: spool.holes[n] for n in sorted(spool.holes) if n in numbers}
        self.kept_lines: dict[int, int] = {}  # completed rows: number → place in the spool

    def places(self, rows: pl.Series) -> pa.Array:
        """Where whole rows of these changes are in ``values``."""
        return self._place.gather(rows.cast(pl.Int64)).to_arrow()

    def frame(self) -> pl.DataFrame:
        """The changes as the fold takes them."""
        digests: list[str | None] = [None] * len(self.lines)
        for row in self.upserts:
            digests[row] = record_digest(canonical_text(self.lines[row])).hex()
        shift, transactions = self.changes.membership.shift, self.changes.transactions
        own = self.changes.spool.transactions[self.numbers.start : self.numbers.stop]
        return self.keys.with_columns(
            pl.Series(HASH, digests, pl.String()),
            pl.Series(IS_DELETED, self.deleted, pl.Boolean()),
            pl.Series(POSITION, [transactions.positions[n] + shift for n in own], pl.Int64()),
            pl.Series(COMMITTED_AT, [transactions.times[n] for n in own], pl.Datetime("us")),
        )

    def complete(self, known: pl.DataFrame) -> None:
        """Carry values that updates did not send over from the row before, in commit order.

        Raises:
            RereadError: the row before is not known, or the lake does not keep such a value's text.
        """
        if not self.holes:
            return
        key = list(self.plan.key)
        before = previous_row(self.keys.with_columns(pl.Series(IS_DELETED, self.deleted, pl.Boolean())), key)
        had: dict[int, int] = {}  # change → the change of the same key whose predecessor had the values
        for row, holes in self.holes.items():
            had[row] = row if holes.of is None else holes.of - self.numbers.start
        outside = [of for row, of in had.items() if of < 0]
        if outside:
            raise RereadError("a key changed between two blocks and an out-of-line value was not sent")
        from_known = {of for of in had.values() if before[of] is None}
        stored = self._stored(from_known, known)
        for row, holes in self.holes.items():
            of = had[row]
            earlier = before[of]
            tokens = stored[of] if earlier is None else tokens_of(self.lines[earlier])
            own = tokens_of(self.lines[row])
            for column in holes.columns:
                own[column] = tokens[column]
            self.lines[row] = line(own)
            self.kept_lines[row] = self.changes.spool.keep(self.lines[row])
        self.values = self._parsed(self.upserts, self.plan.schema)

    def _stored(self, rows: set[int], known: pl.DataFrame) -> dict[int, list[bytes]]:
        """Per change the tokens of its key's newest version before this block; only columns with holes are filled."""
        if not rows:
            return {}
        key, ordered = list(self.plan.key), sorted(rows)
        wanted = self.keys[ordered].with_columns(pl.Series(ROW, ordered)).join(known, on=key, maintain_order="left")
        found = {
            row: tokens_of(self.changes.spool.line(place))
            for row, place in wanted.select(ROW, LINE).rows()
            if place is not None
        }
        lake = wanted.filter(pl.col(LINE).is_null())
        columns = sorted({column for holes in self.holes.values() for column in holes.columns})
        fields = [self.plan.schema.field(column) for column in columns]
        schema = pa.schema([*self.plan.key_schema, *fields])
        for table in self.lake_rows(lake.select(*key, VALID_FROM).unique(), schema) if lake.height else ():
            texts = {
                c: [token(text_of(v, f)) for v in table.column(f.name).to_pylist()]
                for c, f in zip(columns, fields, strict=True)
            }
            place = pl.DataFrame(pl.from_arrow(table.select(key))).with_row_index("_place")
            for row, index in lake.select(*key, ROW).join(place, on=key).select(ROW, "_place").rows():
                tokens = [b""] * len(self.plan.schema)
                for column in columns:
                    tokens[column] = texts[column][index]
                found[row] = tokens
        if len(found) < len(rows):
            raise RereadError("an updated row was not known")
        return found

    def _parsed(self, rows: list[int], schema: pa.Schema) -> pa.Table:
        lines = [self.lines[row] for row in rows]
        if not lines:
            return schema.empty_table()
        return parse(lines, schema, table=self.plan.table, key=self.plan.key)

    def _keys(self) -> pl.DataFrame:
        """The key columns of every change, in order."""
        key = list(self.plan.key)
        gone = [row for row, deleted in enumerate(self.deleted) if deleted]
        both = pa.concat_tables([self.values.select(key), self._parsed(gone, self.plan.key_schema)])
        if any(column.null_count for column in both.columns):
            raise ExtractionError(
                f'Table "{self.plan.table}": a row has no value in its key ({", ".join(key)}). '
                "Correct the row in EBP, or `key` in source/tables.yaml."
            )
        frame = pl.DataFrame(pl.from_arrow(both)).with_columns(pl.Series(ROW, [*self.upserts, *gone], pl.Int64()))
        return frame.sort(ROW).drop(ROW)


def _nothing_seen(key_schema: pa.Schema) -> pl.DataFrame:
    keys = pl.DataFrame(pl.from_arrow(key_schema.empty_table()))
    state = [pl.lit(None, kind).alias(name) for name, kind in STATE_SCHEMA.items()]
    return keys.with_columns(*state, pl.lit(None, pl.Int64).alias(LINE)).clear()


def _newest(
    seen: pl.DataFrame, kept: pl.DataFrame, known: pl.DataFrame, block: _Block, key: Sequence[str]
) -> pl.DataFrame:
    """``seen`` with the newest of the ``kept`` versions per key, and where in the spool its row lies."""
    last = kept.unique(list(key), keep="last", maintain_order=True)
    places = [
        None if row is None else block.kept_lines.get(row, block.numbers.start + row)
        for row in last[VALUES_OF].to_list()
    ]
    # The position stays that of before the batch: the rest of a transaction in the next block is no replay.
    newest = last.drop(POSITION).with_columns(pl.Series("_here", places, pl.Int64()))
    newest = newest.join(known.select(*key, POSITION, LINE), on=list(key), how="left", maintain_order="left")
    newest = newest.with_columns(pl.coalesce("_here", LINE).alias(LINE)).select(seen.columns)
    return pl.concat([seen.join(newest, on=list(key), how="anti"), newest])
