"""What a gold table declares: SQL, Pandera model, grain, kind. One gold table = one .sql and one .py side by side.

The formulas live beside the columns, as the fields' descriptions, and are the text of the data dictionary.
Not here: computing (compute.py) and partitions (partition.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import duckdb
import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa

from ebp_lakehouse.lake.views import GOLD_DELETED as DELETED
from ebp_lakehouse.lake.views import GOLD_MONTH as MONTH
from ebp_lakehouse.lake.views import GOLD_PARTITION as PARTITION

KNOWN_AT, BASIS = "_known_at", "_basis"
AS_KNOWN, RESTATED = "as_known", "restated"
CLOCKS: dict[str, tuple[pa.DataType, str]] = {
    KNOWN_AT: (pa.timestamp("us"), "UTC instant up to which the lake's knowledge of EBP was used."),
    BASIS: (pa.string(), "as_known: what was known at the end of the partition's day; restated: what is known now."),
    PARTITION: (pa.date32(), "Partition (ingestion date) whose run computed this row."),
}
# Stored, not shown: readers of the current view never see a withdrawn row, and the month is the file layout's affair.
STORED: dict[str, pa.DataType] = {DELETED: pa.bool_(), MONTH: pa.date32()}

Kind = Literal["series", "state", "daily"]
Computation = Callable[[duckdb.DuckDBPyConnection, Mapping[str, Any]], pa.Table]


@dataclass(frozen=True)
class GoldTable:
    """One declared gold table.

    Attributes:
        name: table name in schema ``gold``.
        description: one sentence for people.
        key: columns of the grain; of a series and of a daily table the date or period may come first.
        model: Pandera model; each field has a description (the formula in business words) and, in its metadata,
            ``label_fr`` and ``unit``.
        silver: the silver tables it reads.
        owners: who answers for the figures.
        kind: what partition D holds (semantics §5). ``series``: the rows whose figures differ from what the partitions
            before D say; readers see, per key, the newest. ``state``: the whole table as it stands on D; readers see
            the newest partition. ``daily``: the rows of date D alone; readers see all partitions.
        uses: gold tables computed before it, which its SQL reads as ``computed.<name>``.
        private: figures of persons: the table lies under ``private/`` and only the privileged catalog shows it.
        computation: instead of SQL: ``(connection, values of the parameters) → table``.
    """

    name: str
    description: str
    key: Sequence[str]
    model: type[pa_polars.DataFrameModel]
    silver: Sequence[str]
    owners: Sequence[str]
    kind: Kind = "series"
    uses: Sequence[GoldTable] = ()
    private: bool = False
    computation: Computation | None = None

    @property
    def lake_key(self) -> str:
        return f"{'private/' if self.private else ''}gold/{self.name}"

    @property
    def sql(self) -> str:
        """The query, from the .sql file beside the model's module."""
        return self._beside(f"{self.name}.sql").read_text(encoding="utf-8")

    @property
    def identities(self) -> str | None:
        """SQL of what must hold between ``computed.<name>`` and its sources; None where no identity is declared.

        It gives one text column ``problem``, and no row when all is well.
        """
        path = self._beside(f"{self.name}_identities.sql")
        return path.read_text(encoding="utf-8") if path.is_file() else None

    def _beside(self, name: str) -> Path:
        return Path(str(sys.modules[self.model.__module__].__file__)).with_name(name)

    def closure(self) -> list[GoldTable]:
        """What must be computed for it, itself last."""
        ordered: dict[str, GoldTable] = {}
        for used in self.uses:
            ordered |= {table.name: table for table in used.closure()}
        return [*ordered.values(), self]

    @property
    def silver_read(self) -> list[str]:
        """The silver tables that it and what it uses read."""
        return list(dict.fromkeys(name for table in self.closure() for name in table.silver))

    @property
    def schema(self) -> pa_polars.DataFrameSchema:
        return self.model.to_schema()

    @property
    def columns(self) -> dict[str, Any]:
        """Name → Pandera column, in order."""
        return dict(self.schema.columns)

    def metadata(self, column: str) -> Mapping[str, Any]:
        return self.columns[column].metadata or {}

    def declared_schema(self) -> pa.Schema:
        """The declared columns with their formulas as comments."""
        frame = pl.DataFrame(schema={name: column.dtype.type for name, column in self.columns.items()})
        return pa.schema(
            [
                pa.field(f.name, _plain(f.type), metadata={"comment": self.columns[f.name].description or ""})
                for f in frame.to_arrow().schema
            ]
        )

    def arrow_schema(self) -> pa.Schema:
        """What is stored: the declared columns, the two clocks and the partition, the mark and the month."""
        clocks = [pa.field(name, kind, metadata={"comment": text}) for name, (kind, text) in CLOCKS.items()]
        stored = [pa.field(name, kind) for name, kind in STORED.items()]
        return pa.schema([*self.declared_schema(), *clocks, *stored])

    @property
    def partition_column(self) -> str:
        """A day's files where readers want one day only; else a month's, so that a year is twelve."""
        return PARTITION if self.kind == "state" else MONTH


def named_in(connection: duckdb.DuckDBPyConnection, sql: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters that a query names; DuckDB refuses any other."""
    (statement,) = connection.extract_statements(sql)
    return {name: values[name] for name in sorted(statement.named_parameters)}


def _plain(kind: pa.DataType) -> pa.DataType:
    """Polars' large and view strings are plain strings in the lake."""
    return pa.string() if pa.types.is_large_string(kind) or kind == pa.string_view() else kind
