"""Appending versions to a bronze table: Parquet by pyarrow, streamed to the store, then one Delta commit.

Why not ``write_deltalake``: on SaleDocumentLine + SaleDocument + SaleDocumentEx (160 000 rows of 304-538 columns, two
tables at a time, 2 cores) it peaked at 1 430-1 690 MB in 8.4-9.0 s, and with smaller dictionary pages and row groups at
1 230 MB in 7.8 s; this way 620 MB in 7.0-7.5 s. delta-rs keeps whole files in memory, and tries a dictionary on every
decimal column.

Not here: the fence and the commit's number (lake/delta.py), what the rows are (versions.py).
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self
from urllib.parse import unquote

import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

from ebp_lakehouse.bronze.state import reading
from ebp_lakehouse.bronze.versions import MONTH, PARTITION_BY
from ebp_lakehouse.bronze.widening import rewritten, widened
from ebp_lakehouse.lake.delta import Commit, TableWriter

ROW_GROUP_BYTES = 64 * 1024 * 1024  # in Arrow; a few thousand rows of the widest tables
DICTIONARY_PAGE_BYTES = 128 * 1024  # most amounts are all different or nearly all zero: give up on a dictionary early
DAY = "_bronze_ingestion_date"


def append(writer: TableWriter, batches: pa.RecordBatchReader, *, description: str) -> Commit:
    """Write ``batches`` (``versions.physical_schema``) as new files and commit them; the schema grows if needed.

    Where a column of the table is of a narrower type, its files are written anew in the same commit, so that all files of
    a version have the types that its schema states, as every reader of Delta expects. On a table that has no row yet the schema is replaced, not grown. An exception of the reader leaves files that no
    commit names; vacuum removes them.
    """
    stored = writer.schema
    is_empty = not writer.files() or stored is None
    added = _write_files(writer, batches)
    widens = stored is not None and not is_empty and bool(widened(stored, batches.schema))
    if widens and stored is not None:
        added += _rewrite_files(writer, stored, batches.schema)
    schema = Schema.from_arrow(batches.schema)

    def commit(table: DeltaTable | None, properties: CommitProperties) -> None:
        if table is None:
            create_table_with_add_actions(
                writer.lake.uri(writer.key),
                schema,
                added,
                mode="error",
                partition_by=PARTITION_BY,
                name=writer.key,
                description=description,
                storage_options=writer.lake.storage_options or None,
                commit_properties=properties,
            )
            return
        if not is_empty and not widens:
            # Commits of this handle, unseen until a record pins the last one; a crash in between is undone at the next
            # opening. The fence's number goes with the rows.
            known = {f.name for f in table.schema().fields}
            new = [f for f in schema.fields if f.name not in known]
            if new:
                table.alter.add_columns(new)
        table.create_write_transaction(
            added, "overwrite" if is_empty or widens else "append", schema, PARTITION_BY, commit_properties=properties
        )
        table.update_incremental()  # unlike write_deltalake, a write transaction leaves the handle where it was

    return writer.commit(commit)


@dataclass
class _File:
    """One Parquet file being written: rows of one month."""

    path: str
    sink: _Sink
    parquet: pq.ParquetWriter
    waiting: list[pa.RecordBatch] = field(default_factory=list)
    waiting_bytes: int = 0
    rows: int = 0
    days: set[date] = field(default_factory=set)

    @classmethod
    def create(cls, writer: TableWriter, month: str, schema: pa.Schema) -> Self:
        path = f"{MONTH}={month}/part-{uuid.uuid4()}.snappy.parquet"
        sink = _Sink(writer, path)
        parquet = pq.ParquetWriter(
            pa.PythonFile(sink, mode="w"),
            schema,
            compression="snappy",
            dictionary_pagesize_limit=DICTIONARY_PAGE_BYTES,
            write_statistics=[DAY, "_bronze_valid_from"],
        )
        return cls(path, sink, parquet)

    def add(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        self.days |= set(pc.unique(batch.column(DAY)).to_pylist())
        self.waiting.append(batch)
        self.waiting_bytes += batch.nbytes
        if self.waiting_bytes >= ROW_GROUP_BYTES:
            self.flush()

    def flush(self) -> None:
        if self.waiting:
            group = pa.Table.from_batches(self.waiting)
            self.waiting, self.waiting_bytes = [], 0
            self.parquet.write_table(group, row_group_size=max(1, group.num_rows))

    def finish(self, month: str) -> AddAction:
        self.flush()
        self.parquet.close()
        self.sink.finish()
        statistics = {
            "numRecords": self.rows,
            "minValues": {DAY: min(self.days).isoformat()},
            "maxValues": {DAY: max(self.days).isoformat()},
            "nullCount": {DAY: 0},
        }
        return AddAction(
            path=self.path,
            size=self.sink.size,
            partition_values={MONTH: month},
            modification_time=int(time.time() * 1000),
            data_change=True,
            stats=json.dumps(statistics),
        )


class _Sink:
    """obstore's upload as the Python file that pyarrow expects (``closed`` is an attribute there, a method here)."""

    closed = False

    def __init__(self, writer: TableWriter, path: str) -> None:
        self._upload: Any = obstore.open_writer(writer.lake.objects, f"{writer.key}/{path}")
        self.size = 0

    def write(self, data: bytes) -> int:
        self._upload.write(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        """Do nothing after each row group; parts are sent when they are full."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """Closing is ``finish``: an abandoned file must not appear in the store."""

    def finish(self) -> None:
        self._upload.close()


def _rewrite_files(writer: TableWriter, stored: pa.Schema, schema: pa.Schema) -> list[AddAction]:
    """Each published file again, with the types of ``schema``."""
    wanted = pa.schema([f for f in schema if f.name != MONTH])
    added = []
    with reading(writer.lake) as connection:
        for uri in writer.files():
            month = unquote(uri.rsplit("/", 2)[1]).removeprefix(f"{MONTH}=")
            file = _File.create(writer, month, wanted)
            for batch in rewritten(connection, uri, stored, wanted):
                file.add(batch)
            added.append(file.finish(month))
    return added


def _write_files(writer: TableWriter, batches: pa.RecordBatchReader) -> list[AddAction]:
    """One file per month (one, except for a window that spans several)."""
    stored = pa.schema([f for f in batches.schema if f.name != MONTH])
    files: dict[str, _File] = {}
    for batch in batches:
        months = batch.column(MONTH)
        rows = batch.drop_columns([MONTH])
        for month in pc.unique(months).to_pylist():
            if month not in files:
                files[month] = _File.create(writer, month, stored)
            own = pc.equal(months, month)
            files[month].add(rows if pc.all(own).as_py() else rows.filter(own))
    return [file.finish(month) for month, file in files.items()]
