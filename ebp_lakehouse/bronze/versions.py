"""The physical shape of a bronze row: nine metadata columns, the source's columns, the partition column."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

MONTH = "_bronze_ingestion_month"
PARTITION_BY = [MONTH]
SOURCE_SYSTEM = "EBP_PG"
METADATA_SCHEMA = pa.schema(
    [
        ("_bronze_ingestion_timestamp", pa.timestamp("us")),
        ("_bronze_ingestion_date", pa.date32()),
        ("_bronze_source_system", pa.string()),
        ("_bronze_source_table", pa.string()),
        ("_bronze_file_name", pa.string()),
        ("_bronze_record_hash", pa.string()),
        ("_bronze_is_deleted", pa.bool_()),
        ("_bronze_valid_from", pa.timestamp("us")),
        ("_bronze_position", pa.int64()),
    ]
)


@dataclass(frozen=True)
class Stamp:
    """What all rows of one batch share. Instants are UTC without zone."""

    ingested_at: datetime
    table: str
    route: str
    batch_id: str
    position: int

    def rows(
        self,
        values: pa.Table,
        *,
        hashes: pa.Array,
        valid_from: pl.Series,
        deleted: bool,
        ingestion_dates: pa.Array | date,
        positions: pl.Series | None = None,
    ) -> pa.RecordBatch:
        """One record batch of versions, in the physical order of columns. ``values`` holds the source's columns.

        ``positions`` (int64) is for changes that have one each, instead of the batch's.
        """
        count = values.num_rows
        days = (
            pa.repeat(pa.scalar(ingestion_dates, pa.date32()), count)
            if isinstance(ingestion_dates, date)
            else ingestion_dates
        )
        metadata = [
            pa.repeat(pa.scalar(self.ingested_at, pa.timestamp("us")), count),
            days,
            pa.repeat(SOURCE_SYSTEM, count),
            pa.repeat(self.table, count),
            pa.repeat(f"{self.route}/{self.batch_id}", count),
            _one_array(hashes) if isinstance(hashes, pa.ChunkedArray) else hashes,
            pa.repeat(deleted, count),
            valid_from.to_arrow().cast(pa.timestamp("us")),
            pa.repeat(pa.scalar(self.position, pa.int64()), count)
            if positions is None
            else positions.to_arrow().cast(pa.int64()),
        ]
        months = pc.strftime(days, "%Y-%m").cast(pa.string())
        return pa.RecordBatch.from_arrays(
            [*metadata, *map(_one_array, values.columns), months],
            schema=physical_schema(values.schema),
        )


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    """``combine_chunks`` copies a single chunk too, which took a tenth of a first load."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def physical_schema(source_schema: pa.Schema) -> pa.Schema:
    return pa.schema([*METADATA_SCHEMA, *source_schema, pa.field(MONTH, pa.string())])
