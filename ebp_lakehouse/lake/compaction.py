"""Compaction of one table: many small files become few, in one Delta commit that adds no row and changes none.

Rows are copied by pyarrow, a row group at a time, in the order of the files; what was written is read back and compared
before anybody may pin it. Not here: which tables, and publishing (maintenance.py); deleting replaced files (retention.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable
from deltalake.fs import DeltaStorageHandler
from deltalake.transaction import AddAction, RemoveAction

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.failpoints import failpoint
from ebp_lakehouse.lake.delta import Commit, LiveFile, TableWriter, arrow_schema
from ebp_lakehouse.lake.parquet import ParquetUpload
from ebp_lakehouse.lake.session import quote_identifier, quote_literal, session
from ebp_lakehouse.lake.views import BRONZE_BOUNDED, BRONZE_DAY, duckdb_type
from ebp_lakehouse.settings import Settings

TARGET_BYTES = 256 * 1024 * 1024  # a file is closed at this size; one of half of it is left as it is
OPEN_FILES = 12  # small files that an open partition may have: eleven closed months and these stay below 40 a year
BATCH_ROWS = 8192


Group = tuple[LiveFile, ...]  # small files of one partition, oldest first


def plan(files: Sequence[LiveFile], today: date) -> list[Group]:
    """What to merge: the small files of a closed partition, and of an open one when there are many.

    A partition is closed when its month or day is over; a table without partitions is always open.
    """
    partitions: dict[tuple[tuple[str, str | None], ...], list[LiveFile]] = {}
    for file in files:
        if file.size < TARGET_BYTES // 2:
            partitions.setdefault(file.partition, []).append(file)
    return [
        tuple(small)
        for partition, small in partitions.items()
        if len(small) > (1 if _is_closed(partition, today) else OPEN_FILES)
    ]


def compact(writer: TableWriter, groups: Sequence[Group], settings: Settings) -> Commit:
    """Replace each group's files by few, in one commit that is proved equal and that no record pins yet.

    Raises:
        ConflictError: another run committed to the table meanwhile.
        LakeError: what was written does not equal what it replaces; readers keep the old files.
    """
    table = writer.table
    if table is None:
        raise LakeError(f"{writer.key} has no table to compact.")
    written = [_merge(writer, table, group) for group in groups]
    failpoint("files-uploaded")
    actions: list[AddAction | RemoveAction] = [add for adds in written for add in adds]
    actions += [
        RemoveAction(
            path=file.path,
            data_change=False,
            deletion_timestamp=int(time.time() * 1000),
            size=file.size,
            partition_values=dict(file.partition),
        )
        for group in groups
        for file in group
    ]
    partition_by = table.metadata().partition_columns

    def commit(table: DeltaTable | None, properties: CommitProperties) -> None:
        if table is not None:
            table.create_write_transaction(
                actions, "append", table.schema(), partition_by, commit_properties=properties
            )
            table.update_incremental()

    made = writer.commit(commit)
    for group, adds in zip(groups, written, strict=True):
        _audit(writer, table, [file.path for file in group], [add.path for add in adds], settings)
    failpoint("compaction-audited")
    return made


def _is_closed(partition: tuple[tuple[str, str | None], ...], today: date) -> bool:
    """Whether every row that the partition will ever get in the normal course is there: ``2026-10``, ``2026-11-24``."""
    value = partition[0][1] if partition else None
    return value is not None and value < today.isoformat()[: len(value)]


def _merge(writer: TableWriter, table: DeltaTable, group: Group) -> list[AddAction]:
    lake, key = writer.lake, writer.key
    files = pafs.PyFileSystem(DeltaStorageHandler(lake.uri(key), lake.storage_options or None))
    schemas = [pq.read_schema(file.path, filesystem=files) for file in group]
    held = {name for schema in schemas for name in schema.names}
    # A column that no file holds stays so: nothing is written that was not there.
    schema = pa.schema([f for f in arrow_schema(table) if f.name in held])
    statistics: Sequence[str] | bool = True
    dates = [f.name for f in schema if pa.types.is_date32(f.type)]
    if key.startswith("bronze/"):
        statistics, dates = BRONZE_BOUNDED, [BRONZE_DAY]
    done: list[AddAction] = []
    current: ParquetUpload | None = None
    for batch in _rows(files, group, schema):
        current = current or ParquetUpload(
            lake, key, group[0].folder, dict(group[0].partition), schema, statistics=statistics, dates=dates
        )
        current.add(batch)
        if current.size >= TARGET_BYTES:
            done.append(current.finish(data_change=False))
            current = None
    if current is not None:
        done.append(current.finish(data_change=False))
    return done


def _rows(files: pafs.FileSystem, group: Group, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for file in group:
        with pq.ParquetFile(file.path, filesystem=files, pre_buffer=True) as parquet:
            for number in range(parquet.num_row_groups):
                for batch in parquet.iter_batches(BATCH_ROWS, row_groups=[number]):
                    yield _aligned(batch, schema)


def _aligned(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch in the table's columns and types; a column added later is NULL. A cast that would lose is refused."""
    names = set(batch.schema.names)
    columns = [
        batch.column(f.name).cast(f.type) if f.name in names else pa.nulls(batch.num_rows, f.type) for f in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _audit(writer: TableWriter, table: DeltaTable, old: Sequence[str], new: Sequence[str], settings: Settings) -> None:
    """Rows and content of ``new`` equal those of ``old``, by DuckDB, which wrote none of them."""
    partition = set(table.metadata().partition_columns)
    types = {f.name: duckdb_type(f.type) for f in table.schema().fields if f.name not in partition}
    with session(settings) as connection:

        def figures(paths: Sequence[str]) -> tuple[int, int]:
            """(rows, sum of the rows' 64-bit hashes): equal for equal rows in any order, each as often."""
            uris = ", ".join(quote_literal(f"{writer.lake.uri(writer.key)}/{path}") for path in paths)
            relation = f"read_parquet([{uris}], union_by_name = true, hive_partitioning = false)"
            held = {row[0] for row in connection.execute(f"DESCRIBE FROM {relation}").fetchall()}
            row = ", ".join(
                f"{quote_identifier(name)}::{kind}" if name in held else f"NULL::{kind}" for name, kind in types.items()
            )
            found = connection.execute(f"SELECT count(*), coalesce(sum(hash({row})::HUGEINT), 0) FROM {relation}")
            rows, content = found.fetchall()[0]
            return int(rows), int(content)

        before, after = figures(old), figures(new) if new else (0, 0)
    if before != after:
        raise LakeError(
            f"Compacting {writer.key} would have changed it ({before[0]} rows before, {after[0]} after, contents "
            f"{'equal' if before[1] == after[1] else 'different'}), so it was not published; readers keep the old files. "
            "Check the store's disks and memory, then run maintenance again."
        )
