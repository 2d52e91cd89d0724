"""What a gold table declares: SQL, Pandera model, grain. One gold table = one .sql and one .py of this shape.

The formulas live beside the columns, as the fields' descriptions, and are the text of the data dictionary.
Not here: computing (compute.py) and partitions (partition.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa

KNOWN_AT, BASIS = "_known_at", "_basis"
PARTITION = "_gold_partition_date"
AS_KNOWN, RESTATED = "as_known", "restated"
CLOCKS: dict[str, tuple[pa.DataType, str]] = {
    KNOWN_AT: (pa.timestamp("us"), "UTC instant up to which the lake's knowledge of EBP was used."),
    BASIS: (pa.string(), "as_known: what was known at the end of the partition's day; restated: what is known now."),
    PARTITION: (pa.date32(), "Partition (ingestion date) whose run computed this row."),
}


@dataclass(frozen=True)
class GoldTable:
    """One declared gold table.

    Attributes:
        name: table name in schema ``gold``.
        description: one sentence for people.
        key: columns of the grain.
        model: Pandera model; each field has a description (the formula in business words) and, in its metadata,
            ``label_fr`` and ``unit``.
        silver: the silver tables it reads.
        owners: who answers for the figures.
    """

    name: str
    description: str
    key: Sequence[str]
    model: type[pa_polars.DataFrameModel]
    silver: Sequence[str]
    owners: Sequence[str]

    @property
    def sql(self) -> str:
        return (files("ebp_lakehouse.gold") / f"{self.name}.sql").read_text(encoding="utf-8")

    @property
    def schema(self) -> pa_polars.DataFrameSchema:
        return self.model.to_schema()

    @property
    def columns(self) -> dict[str, Any]:
        """Name → Pandera column, in order."""
        return dict(self.schema.columns)

    def metadata(self, column: str) -> Mapping[str, str]:
        return self.columns[column].metadata or {}

    def arrow_schema(self) -> pa.Schema:
        """The declared columns with their formulas as comments, then the two clocks and the partition."""
        frame = pl.DataFrame(schema={name: column.dtype.type for name, column in self.columns.items()})
        declared = [
            pa.field(field.name, _plain(field.type), metadata={"comment": self.columns[field.name].description or ""})
            for field in frame.to_arrow().schema
        ]
        clocks = [pa.field(name, kind, metadata={"comment": text}) for name, (kind, text) in CLOCKS.items()]
        return pa.schema([*declared, *clocks])


def _plain(kind: pa.DataType) -> pa.DataType:
    """Polars' large and view strings are plain strings in the lake."""
    return pa.string() if pa.types.is_large_string(kind) or kind == pa.string_view() else kind
