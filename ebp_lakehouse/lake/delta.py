"""Delta commits: one writer per table, always starting from what is published, never from what happens to be newest.

A commit that no record pins does not exist for readers, so a writer first undoes such a commit (a crash, or a version
whose check failed). Not here: making a commit visible (publication.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, Transaction, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from obstore.exceptions import BaseError

from ebp_lakehouse.errors import ConflictError, LakeError
from ebp_lakehouse.failpoints import failpoint
from ebp_lakehouse.lake.publication import Pin
from ebp_lakehouse.lake.store import Lake

APPLICATION = "ebp_lakehouse"
CHANGE = "_change"  # of a merge's source: 'upsert' or 'delete'
CONFIGURATION = {
    # By default delta-rs drops log entries by age: a table that could not be published for a month would lose its pin.
    "delta.enableExpiredLogCleanup": "false",
    # Opening a table reads every entry since the last checkpoint: 55 ms for 90 of them, 9 ms with one every ten.
    "delta.checkpointInterval": "10",
}
WRITER_PROPERTIES = WriterProperties(compression="SNAPPY")


@dataclass(frozen=True)
class Commit:
    """One Delta commit, not yet visible to readers. ``rows``, ``bytes`` and ``files`` count what it added."""

    version: int
    rows: int
    bytes: int
    files: int


@dataclass(frozen=True)
class LiveFile:
    """One file of a table's published version."""

    path: str
    size: int
    modified_ms: int
    partition: tuple[tuple[str, str | None], ...]

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


@dataclass
class TableWriter:
    """Writes one table. Every commit carries the next transaction number of the handle it was decided on.

    delta-rs does not reject a repeated transaction number by itself; a commit made *with the handle that was read*
    does fail when somebody else committed the same number meanwhile. That is the fence against a zombie run.
    """

    lake: Lake
    key: str
    table: DeltaTable | None
    based_on: int | None

    @property
    def schema(self) -> pa.Schema | None:
        """Arrow schema of the published table, or None where there is none yet."""
        return arrow_schema(self.table) if self.table is not None and self.based_on is not None else None

    def files(self) -> list[str]:
        """URIs of the published files."""
        return [] if self.table is None or self.based_on is None else file_uris(self.table)

    def append(
        self, data: pa.RecordBatchReader | pa.Table, *, partition_by: list[str], description: str = ""
    ) -> Commit:
        """Add rows; columns that are new in ``data`` are added at the end of the table's schema."""
        if self.based_on is None:
            return self.overwrite(data, partition_by=partition_by, description=description)
        return self.commit(
            lambda table, properties: write_deltalake(
                table,
                data,
                mode="append",
                schema_mode="merge",
                partition_by=partition_by,
                writer_properties=WRITER_PROPERTIES,
                commit_properties=properties,
            )
        )

    def overwrite(
        self,
        data: pa.RecordBatchReader | pa.Table,
        *,
        partition_by: list[str] | None = None,
        predicate: str | None = None,
        description: str = "",
    ) -> Commit:
        """Replace the whole table (its schema too), or only the rows that ``predicate`` selects."""
        if self.table is None:
            write = self._create(data, partition_by, description)
        elif predicate is not None and self.based_on is not None:
            write = lambda table, properties: write_deltalake(  # noqa: E731
                table,
                data,
                mode="overwrite",
                predicate=predicate,
                writer_properties=WRITER_PROPERTIES,
                commit_properties=properties,
            )
        else:
            write = lambda table, properties: write_deltalake(  # noqa: E731
                table,
                data,
                mode="overwrite",
                schema_mode="overwrite",
                writer_properties=WRITER_PROPERTIES,
                commit_properties=properties,
            )
        return self.commit(write)

    def merge(self, changes: pa.Table, key: list[str]) -> Commit:
        """Apply row changes in one commit.

        ``changes`` has the table's columns and ``_change``: ``upsert`` writes the row, ``delete`` removes its key.
        """
        columns = [name for name in changes.column_names if name != CHANGE]
        assignments = {quoted(name): f"s.{quoted(name)}" for name in columns}
        predicate = " AND ".join(f"t.{quoted(name)} = s.{quoted(name)}" for name in key)

        def write(table: DeltaTable | None, properties: CommitProperties) -> None:
            if table is None:
                raise LakeError(f"{self.key} has no table to merge into.")
            (
                table.merge(
                    changes,
                    predicate,
                    source_alias="s",
                    target_alias="t",
                    writer_properties=WRITER_PROPERTIES,
                    commit_properties=properties,
                )
                .when_matched_delete(predicate=f"s.{CHANGE} = 'delete'")
                .when_matched_update(assignments, predicate=f"s.{CHANGE} = 'upsert'")
                .when_not_matched_insert(assignments, predicate=f"s.{CHANGE} = 'upsert'")
                .execute()
            )

        return self.commit(write)

    def _create(self, data: Any, partition_by: list[str] | None, description: str) -> Any:
        def write(_: DeltaTable | None, properties: CommitProperties) -> None:
            write_deltalake(
                self.lake.uri(self.key),
                data,
                mode="error",
                partition_by=partition_by,
                name=self.key,
                description=description,
                configuration=CONFIGURATION,
                storage_options=self.lake.storage_options or None,
                writer_properties=WRITER_PROPERTIES,
                commit_properties=properties,
            )

        return write

    def commit(self, write: Any) -> Commit:
        """Run ``write(table, properties)`` as one fenced commit; for writers that make their own Parquet files."""
        before = set(_adds(self.table)) if self.table is not None else set()
        number = (self.table.transaction_version(APPLICATION) or 0) if self.table is not None else 0
        properties = CommitProperties(app_transactions=[Transaction(APPLICATION, number + 1)], max_commit_retries=0)
        with translated(self.lake, self.key):
            write(self.table, properties)
            self.table = self.table or load(self.lake, self.key)
        if self.table is None:
            raise LakeError(f"{self.lake.uri(self.key)} vanished while it was being written. Run again.")
        failpoint("delta-committed")
        added = {path: size for path, size in _adds(self.table).items() if path not in before}
        return Commit(
            version=self.table.version(),
            rows=sum(rows for rows, _ in added.values()),
            bytes=sum(size for _, size in added.values()),
            files=len(added),
        )


def quoted(name: str) -> str:
    """A column name for delta-rs' SQL dialect (DataFusion folds unquoted names to lower case)."""
    return '"' + name.replace('"', '""') + '"'


def open_at_pin(lake: Lake, key: str, pin: Pin | None) -> TableWriter:
    """A writer whose state is exactly the published one."""
    table = load(lake, key)
    if table is None:
        if pin is not None:
            raise LakeError(f"{lake.uri(key)} is published at version {pin.version} but its Delta log is gone.")
        return TableWriter(lake, key, None, None)
    if pin is None:
        return TableWriter(lake, key, table, None)
    if table.version() != pin.version:
        with translated(lake, key):
            table.restore(pin.version)
            table.update_incremental()
        failpoint("delta-restored")
    return TableWriter(lake, key, table, pin.version)


def load(lake: Lake, key: str, version: int | None = None) -> DeltaTable | None:
    """The Delta table, newest or at ``version``; None where there is none."""
    uri = lake.uri(key)
    with translated(lake, key):
        try:  # asking first whether there is a table would list its log twice
            return DeltaTable(uri, version=version, storage_options=lake.storage_options or None)
        except TableNotFoundError:
            return None


def arrow_schema(table: DeltaTable) -> pa.Schema:
    return pa.schema(table.schema().to_arrow())


def file_uris(table: DeltaTable) -> list[str]:
    """Absolute URIs of the table's files, oldest commit first is not promised."""
    return sorted(table.file_uris())


def live_files(table: DeltaTable) -> list[LiveFile]:
    """The table's files, oldest first."""
    columns = table.metadata().partition_columns
    actions = pa.table(table.get_add_actions(flatten=True))
    files = [
        LiveFile(
            row["path"],
            row["size_bytes"],
            int(row["modification_time"]),
            tuple((name, None if (v := row[f"partition.{name}"]) is None else str(v)) for name in columns),
        )
        for row in actions.to_pylist()
    ]
    return sorted(files, key=lambda file: (file.modified_ms, file.path))


def stored_rows(table: DeltaTable) -> int:
    """Rows in the table's files; of a bronze table, every version counts."""
    return sum(rows for rows, _ in _adds(table).values())


def _adds(table: DeltaTable) -> dict[str, tuple[int, int]]:
    """Path → (rows, bytes) of the live files."""
    actions = pa.table(table.get_add_actions(flatten=True))
    return dict(
        zip(
            actions["path"].to_pylist(),
            zip(actions["num_records"].to_pylist(), actions["size_bytes"].to_pylist(), strict=True),
            strict=True,
        )
    )


@contextmanager
def translated(lake: Lake, key: str) -> Iterator[None]:
    """delta-rs' errors in our words. An exception raised by the data's own generator passes unchanged."""
    try:
        yield
    except CommitFailedError as error:
        raise ConflictError(
            f"{key} was committed by another run meanwhile; this run's rows are not visible. Run it again."
        ) from error
    except (DeltaError, BaseError, OSError) as error:
        raise lake.explain(error, f"working on table {key}") from error
