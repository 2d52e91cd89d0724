"""Appending versions to a bronze table: Parquet by pyarrow, streamed to the store, then one Delta commit.

Why not ``write_deltalake``: on SaleDocumentLine + SaleDocument + SaleDocumentEx (160 000 rows of 304-538 columns, two
tables at a time, 2 cores) it peaked at 1 430-1 690 MB in 8.4-9.0 s, and with smaller dictionary pages and row groups at
1 230 MB in 7.8 s; this way 620 MB in 7.0-7.5 s. delta-rs keeps whole files in memory, and tries a dictionary on every
decimal column.

Not here: the fence and the commit's number (lake/delta.py), what the rows are (versions.py).
"""

from __future__ import annotations

from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import CommitProperties, DeltaTable, Schema
from deltalake.transaction import AddAction, create_table_with_add_actions

from ebp_lakehouse.bronze.state import reading
from ebp_lakehouse.bronze.versions import MONTH, PARTITION_BY
from ebp_lakehouse.bronze.widening import rewritten, widened
from ebp_lakehouse.failpoints import failpoint
from ebp_lakehouse.lake.delta import CONFIGURATION, Commit, TableWriter, translated
from ebp_lakehouse.lake.parquet import ParquetUpload
from ebp_lakehouse.lake.views import BRONZE_BOUNDED, BRONZE_DAY


def append(writer: TableWriter, batches: pa.RecordBatchReader, *, description: str) -> Commit:
    """Write ``batches`` (``versions.physical_schema``) as new files and commit them; the schema grows if needed.

    Where a column of the table is of a narrower type, its files are written anew in the same commit, so that all files
    of a version have the types that its schema states, as every reader of Delta expects. On a table that has no row yet the schema is
    replaced, not grown. An exception of the reader leaves files that no commit names; vacuum removes them.
    """
    stored = writer.schema
    is_empty = not writer.files() or stored is None
    with translated(writer.lake, writer.key):
        added = _write_files(writer, batches)
    widens = stored is not None and not is_empty and bool(widened(stored, batches.schema))
    if widens and stored is not None:
        with translated(writer.lake, writer.key):
            added += _rewrite_files(writer, stored, batches.schema)
    failpoint("files-uploaded")
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
                configuration=CONFIGURATION,
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
                failpoint("columns-added")
        table.create_write_transaction(
            added, "overwrite" if is_empty or widens else "append", schema, PARTITION_BY, commit_properties=properties
        )
        table.update_incremental()  # unlike write_deltalake, a write transaction leaves the handle where it was

    return writer.commit(commit)


def _upload(writer: TableWriter, month: str, schema: pa.Schema) -> ParquetUpload:
    """One file: rows of one month."""
    return ParquetUpload(
        writer.lake, writer.key, f"{MONTH}={month}", {MONTH: month}, schema, statistics=BRONZE_BOUNDED,
        dates=[BRONZE_DAY],
    )  # fmt: skip


def _rewrite_files(writer: TableWriter, stored: pa.Schema, schema: pa.Schema) -> list[AddAction]:
    """Each published file again, with the types of ``schema``."""
    wanted = pa.schema([f for f in schema if f.name != MONTH])
    added = []
    with reading(writer.lake) as connection:
        for uri in writer.files():
            file = _upload(writer, unquote(uri.rsplit("/", 2)[1]).removeprefix(f"{MONTH}="), wanted)
            for batch in rewritten(connection, uri, stored, wanted):
                file.add(batch)
            added.append(file.finish())
    return added


def _write_files(writer: TableWriter, batches: pa.RecordBatchReader) -> list[AddAction]:
    """One file per month (one, except for a window that spans several)."""
    stored = pa.schema([f for f in batches.schema if f.name != MONTH])
    files: dict[str, ParquetUpload] = {}
    for batch in batches:
        months = batch.column(MONTH)
        rows = batch.drop_columns([MONTH])
        for month in pc.unique(months).to_pylist():
            if month not in files:
                files[month] = _upload(writer, month, stored)
            own = pc.equal(months, month)
            files[month].add(rows if pc.all(own).as_py() else rows.filter(own))
    return [file.finish() for file in files.values()]
