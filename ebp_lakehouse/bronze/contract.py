"""Contract of bronze rows, derived from the registry and the source's own columns; checked on what a batch appended.

Not here: whether the rows are all there (reconcile.py) and what happens to a table that fails (batch.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa
from pandera import Check

from ebp_lakehouse.bronze.state import reading
from ebp_lakehouse.bronze.versions import METADATA_SCHEMA, SOURCE_SYSTEM
from ebp_lakehouse.lake.delta import TableWriter, arrow_schema, file_uris
from ebp_lakehouse.lake.session import quote_identifier, quote_literal
from ebp_lakehouse.source.introspection import SourceTable
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.validation import MAX_PROBLEMS, problems_of


def check_appended(writer: TableWriter, before: Sequence[str], table: SourceTable, spec: TableSpec) -> list[str]:
    """What is wrong with the files that a commit added to those of ``before``, in words; nothing when all is well.

    Types of every column come from the Delta schema; only metadata and key columns are read back.
    """
    if writer.table is None:
        return []
    schema = arrow_schema(writer.table)
    problems = _wrong_types(schema, table, spec)
    uris = sorted(set(file_uris(writer.table)) - set(before))
    if not uris or problems:
        return problems
    frame = _read(writer, uris, [*METADATA_SCHEMA.names, *spec.key])
    return problems_of(rows_schema(spec, schema), frame)


def rows_schema(spec: TableSpec, schema: pa.Schema) -> pa_polars.DataFrameSchema:
    """Pandera's view of the metadata and key columns of one table."""
    checks: dict[str, list[Any]] = {
        "_bronze_source_system": [Check.eq(SOURCE_SYSTEM)],
        "_bronze_source_table": [Check.eq(spec.name)],
        "_bronze_record_hash": [Check.str_matches(r"^[0-9a-f]{32}$")],
        "_bronze_file_name": [Check.str_matches(r"^(snapshot|batch|window|cdc)/.+$")],
        "_bronze_position": [Check.ge(0)],
    }
    return pa_polars.DataFrameSchema(
        {
            name: pa_polars.Column(_polars(schema.field(name).type), checks=checks.get(name, []), nullable=False)
            for name in (*METADATA_SCHEMA.names, *spec.key)
        },
        unique=[*spec.key, "_bronze_valid_from"],
        strict=True,
        name=spec.lake_key,
    )


def _wrong_types(schema: pa.Schema, table: SourceTable, spec: TableSpec) -> list[str]:
    declared = {field.name: field.type for field in METADATA_SCHEMA}
    declared |= {column.name: column.arrow for column in table.columns}
    problems = [f"column {name} is missing" for name in (*METADATA_SCHEMA.names, *spec.key) if name not in schema.names]
    problems += [
        f"column {field.name} is {field.type}, declared {declared[field.name]}"
        for field in schema
        if field.name in declared and field.type != declared[field.name]
    ]
    return problems[:MAX_PROBLEMS]


def _read(writer: TableWriter, uris: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    columns = ", ".join(map(quote_identifier, names))
    files = ", ".join(map(quote_literal, uris))
    with reading(writer.lake) as connection:
        table = connection.execute(f"SELECT {columns} FROM read_parquet([{files}])").to_arrow_table()
    return pl.DataFrame(pl.from_arrow(table))


def _polars(kind: pa.DataType) -> Any:
    return pl.DataFrame(pl.from_arrow(pa.table({"x": pa.array([], kind)}))).schema["x"]
