"""Parquet files of a Delta table, streamed to the store by pyarrow a row group at a time.

Why not delta-rs: see bronze/append.py, where it was measured. Not here: the commit that names a file (delta.py).
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import obstore
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake.transaction import AddAction

from ebp_lakehouse.failpoints import failpoint
from ebp_lakehouse.lake.store import Lake

ROW_GROUP_BYTES = 64 * 1024 * 1024  # in Arrow; a few thousand rows of the widest tables


class ParquetUpload:
    """One file of one partition on its way to the store; memory holds one row group.

    An upload that is not finished leaves nothing that a commit could name.

    Args:
        lake: the store.
        key: the table.
        folder: the partition's folder under the table, ``""`` where it has none.
        partition: partition column → value.
        schema: the stored columns, without those of the partition.
        statistics: columns with statistics in the Parquet footer (True: all).
        dates: date columns whose bounds stand in the Delta log, so that other engines skip files by them.
    """

    def __init__(
        self,
        lake: Lake,
        key: str,
        folder: str,
        partition: Mapping[str, str | None],
        schema: pa.Schema,
        *,
        statistics: Sequence[str] | bool,
        dates: Sequence[str],
    ) -> None:
        self.rows = 0
        self._path = f"{folder}/" * bool(folder) + f"part-{uuid.uuid4()}.snappy.parquet"
        self._partition = dict(partition)
        self._sink = _Sink(lake, f"{key}/{self._path}")
        self._parquet = pq.ParquetWriter(
            pa.PythonFile(self._sink, mode="w"),
            schema,
            compression="snappy",
            write_statistics=statistics if isinstance(statistics, bool) else list(statistics),
        )
        self._waiting: list[pa.RecordBatch] = []
        self._waiting_bytes = 0
        self._bounds: dict[str, list[date]] = {name: [] for name in dates}
        self._nulls = dict.fromkeys(dates, 0)

    @property
    def size(self) -> int:
        """Bytes given to the store so far."""
        return self._sink.size

    def add(self, batch: pa.RecordBatch) -> None:
        self.rows += batch.num_rows
        for name, bounds in self._bounds.items():
            column = batch.column(name)
            self._nulls[name] += column.null_count
            if column.null_count < len(column):
                both = pc.min_max(column).as_py()
                self._bounds[name] = [min([both["min"], *bounds]), max([both["max"], *bounds])]
        self._waiting.append(batch)
        self._waiting_bytes += batch.nbytes
        if self._waiting_bytes >= ROW_GROUP_BYTES:
            self._flush()

    def finish(self, *, data_change: bool = True) -> AddAction:
        """Close the file. ``data_change``: whether it holds rows that the table did not hold before."""
        self._flush()
        failpoint("file-half-written")
        self._parquet.close()
        self._sink.finish()
        known = {name: bounds for name, bounds in self._bounds.items() if bounds}
        statistics = {
            "numRecords": self.rows,
            "minValues": {name: bounds[0].isoformat() for name, bounds in known.items()},
            "maxValues": {name: bounds[1].isoformat() for name, bounds in known.items()},
            "nullCount": self._nulls,
        }
        return AddAction(
            path=self._path,
            size=self._sink.size,
            partition_values=self._partition,
            modification_time=int(time.time() * 1000),
            data_change=data_change,
            stats=json.dumps(statistics),
        )

    def _flush(self) -> None:
        if self._waiting:
            group = pa.Table.from_batches(self._waiting)
            self._waiting, self._waiting_bytes = [], 0
            self._parquet.write_table(group, row_group_size=max(1, group.num_rows))


class _Sink:
    """obstore's upload as the Python file that pyarrow expects (``closed`` is an attribute there, a method here)."""

    closed = False

    def __init__(self, lake: Lake, path: str) -> None:
        self._upload: Any = obstore.open_writer(lake.objects, path)
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
