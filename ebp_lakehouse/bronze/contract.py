"""Contract of bronze rows, derived from the registry and the source's own columns; checked on what a batch appended.

Not here: whether the rows are all there (reconcile.py) and what happens to a table that fails (batch.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa
from pandera import Check

from ebp_lakehouse.bronze.reshaping import LABEL
from ebp_lakehouse.bronze.routes import Route
from ebp_lakehouse.bronze.state import reading
from ebp_lakehouse.bronze.versions import METADATA_SCHEMA, SOURCE_SYSTEM
from ebp_lakehouse.lake.delta import TableWriter, arrow_schema, file_uris
from ebp_lakehouse.lake.session import quote_identifier, quote_literal
from ebp_lakehouse.source.introspection import SourceTable
from ebp_lakehouse.source.naming import column_names
from ebp_lakehouse.source.registry import TableSpec
from ebp_lakehouse.source.types import common, normalised
from ebp_lakehouse.validation import MAX_PROBLEMS, problems_of


def check_appended(
    writer: TableWriter, before: Sequence[str], table: SourceTable, spec: TableSpec, key: Sequence[str]
) -> list[str]:
    """What is wrong with the files that a commit added to those of ``before``, in words; nothing when all is well.

    ``key`` are the lake's names of the key columns. Types of every column come from the Delta schema; only metadata and key columns are read back.
    """
    if writer.table is None:
        return []
    schema = arrow_schema(writer.table)
    problems = _wrong_types(schema, table, key)
    uris = sorted(set(file_uris(writer.table)) - set(before))
    if not uris or problems:
        return problems
    frame = _read(writer, uris, list(dict.fromkeys([*METADATA_SCHEMA.names, *key])))
    # A version that ends a row of a former key may lack a value in the present one; a live row may not.
    live = frame.filter(~pl.col("_bronze_is_deleted"))
    problems = [f"{name}: a key without value ({n} rows)" for name in key if (n := live[name].null_count())]
    return [*problems, *problems_of(rows_schema(spec, schema, key), frame)]


def rows_schema(spec: TableSpec, schema: pa.Schema, key: Sequence[str]) -> pa_polars.DataFrameSchema:
    """Pandera's view of the metadata and key columns of one table."""
    checks: dict[str, list[Any]] = {
        "_bronze_source_system": [Check.eq(SOURCE_SYSTEM)],
        "_bronze_source_table": [Check.eq(spec.name)],
        "_bronze_record_hash": [Check.str_matches(r"^[0-9a-f]{32}$")],
        "_bronze_file_name": [Check.str_matches(f"^({'|'.join((*get_args(Route), LABEL))})/.+$")],
        "_bronze_position": [Check.ge(0)],
    }
    return pa_polars.DataFrameSchema(
        {
            name: pa_polars.Column(
                _polars(schema.field(name).type),
                checks=checks.get(name, []),
                nullable=name not in METADATA_SCHEMA.names,
            )
            for name in dict.fromkeys((*METADATA_SCHEMA.names, *key))
        },
        unique=[*key, "_bronze_valid_from"],
        strict=True,
        name=spec.lake_key,
    )


def _wrong_types(schema: pa.Schema, table: SourceTable, key: Sequence[str]) -> list[str]:
    """Columns that are missing, or cannot hold what is declared (a type that widened once holds more)."""
    declared = {field.name: field.type for field in METADATA_SCHEMA}
    names = column_names(((column.number, column.name) for column in table.columns), schema.names)
    declared |= {names[column.name]: column.arrow for column in table.columns}
    problems = [f"column {name} is missing" for name in (*METADATA_SCHEMA.names, *key) if name not in schema.names]
    problems += [
        f"column {field.name} is {field.type}, declared {declared[field.name]}"
        for field in schema
        if field.name in declared
        and not common(declared[field.name], normalised(field.type)).equals(normalised(field.type))
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
