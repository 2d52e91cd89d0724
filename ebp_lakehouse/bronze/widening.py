"""History under a wider type: a stored column read as the type that now holds both (``types.common``).

Not here: when a type widens (canonical.py), the rewritten files' commit (append.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import duckdb
import pyarrow as pa
from deltalake import Schema

from ebp_lakehouse.lake.session import quote_identifier, quote_literal
from ebp_lakehouse.lake.views import duckdb_type
from ebp_lakehouse.source.types import normalised

BATCH_ROWS = 4096


def widened(stored: pa.Schema, wanted: pa.Schema) -> list[str]:
    """Columns of ``stored`` that ``wanted`` holds as another type."""
    kinds = {f.name: normalised(f.type) for f in stored}
    return [f.name for f in wanted if not kinds.get(f.name, f.type).equals(f.type)]


def column_as(name: str, stored: pa.DataType, wanted: pa.DataType) -> str:
    """SQL of one stored column as ``wanted``, under its name.

    As text it is PostgreSQL's; of a float, a text that reads back as the same number.
    """
    column, stored = quote_identifier(name), normalised(stored)
    if stored.equals(wanted):
        return column
    if pa.types.is_string(wanted):
        return f"{_text(column, stored)} AS {column}"
    kind = duckdb_type(Schema.from_arrow(pa.schema([("x", wanted)])).fields[0].type)
    return f"CAST({column} AS {kind}) AS {column}"


def _text(column: str, stored: pa.DataType) -> str:
    if pa.types.is_binary(stored):
        return rf"('\x' || lower(hex({column})))"
    text = f"CAST({column} AS VARCHAR)"
    if pa.types.is_floating(stored):
        return rf"replace(replace(regexp_replace({text}, '\.0$', ''), 'nan', 'NaN'), 'inf', 'Infinity')"
    if pa.types.is_temporal(stored):
        return rf"regexp_replace({text}, '^(\S+) \(BC\)(.*)$', '\1\2 BC')"
    return text


def rewritten(
    connection: duckdb.DuckDBPyConnection, uri: str, stored: pa.Schema, wanted: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The rows of one file of a table of schema ``stored``, with the columns and types of ``wanted``."""
    relation = f"read_parquet({quote_literal(uri)}, hive_partitioning = false)"
    present = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
    names = [name for name in wanted.names if name in present]
    columns = [column_as(name, stored.field(name).type, wanted.field(name).type) for name in names]
    for batch in connection.execute(f"SELECT {', '.join(columns)} FROM {relation}").to_arrow_reader(BATCH_ROWS):
        yield _completed(batch, names, wanted)


def _completed(batch: pa.RecordBatch, present: Sequence[str], wanted: pa.Schema) -> pa.RecordBatch:
    arrays = [
        batch.column(present.index(f.name)).cast(f.type) if f.name in present else pa.nulls(batch.num_rows, f.type)
        for f in wanted
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=wanted)
