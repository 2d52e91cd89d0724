"""What the lake holds of one table at the writer's version: newest version per key, last values, sums.

Only the few columns that are needed are read from the Parquet files. Not here: deciding (fold.py), writing (ingest.py).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from weakref import WeakKeyDictionary

import duckdb
import polars as pl
import pyarrow as pa
from deltalake import DeltaTable

from ebp_lakehouse.bronze.fold import HASH, IS_DELETED, POSITION, STATE_SCHEMA, VALID_FROM
from ebp_lakehouse.bronze.widening import column_as
from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake.delta import arrow_schema, stored_rows
from ebp_lakehouse.lake.session import quote_identifier, quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.lake.views import TableFiles, bronze_relations
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.extraction import SourceFigures, Sums
from ebp_lakehouse.source.registry import Grouping
from ebp_lakehouse.source.types import normalised

# Finding where few rows lie and reading only them takes less than every column of many: 0.15 s of CPU, not 0.21, for
# 10 of 112 684 rows of 336 columns; for 300 of them there is no difference.
FEW_ROWS, MANY_ROWS = 100, 10_000
PLACE = ("filename", "file_row_number")  # what DuckDB tells of a row of a Parquet file
MEMORY_LIMIT = "800MB"  # for all tables being written, two at a time, beside Arrow and delta-rs
_instances: WeakKeyDictionary[Lake, duckdb.DuckDBPyConnection] = WeakKeyDictionary()
_opening = threading.Lock()


@dataclass(frozen=True)
class CurrentState:
    """Newest version per key (``frame``: key columns + ``STATE_SCHEMA``) and what is derived from it."""

    frame: pl.DataFrame

    @property
    def live(self) -> int:
        return self.frame.height - int(self.frame[IS_DELETED].sum())

    def live_digests(self) -> frozenset[bytes]:
        """MD5 of the live rows, 16 bytes each. A deleted row's is left out: inserted again, it must be seen."""
        return frozenset(map(bytes.fromhex, self.frame.filter(~pl.col(IS_DELETED))[HASH]))


def empty_state(key_schema: pa.Schema) -> CurrentState:
    keys = pl.DataFrame(pl.from_arrow(key_schema.empty_table()))
    return CurrentState(
        keys.with_columns(pl.lit(None, kind).alias(name) for name, kind in STATE_SCHEMA.items()).clear()
    )


class LakeState:
    """The state of one table, read when something first asks for it: most batches of most tables bring nothing.

    Safe to ask from the reading thread and the writing thread. ``digest in state`` asks for the live rows' digests.
    """

    def __init__(self, lake: Lake, table: DeltaTable | None, key_schema: pa.Schema, stack: ExitStack) -> None:
        self._lake, self._table, self._key_schema, self._stack = lake, table, key_schema, stack
        self._lock = threading.RLock()
        self._session: duckdb.DuckDBPyConnection | None = None
        self._state: CurrentState | None = None
        self._digests: frozenset[bytes] | None = None

    @property
    def session(self) -> duckdb.DuckDBPyConnection:
        with self._lock:
            if self._session is None:
                self._session = self._stack.enter_context(reading(self._lake))
            return self._session

    @property
    def current(self) -> CurrentState:
        with self._lock:
            if self._state is None:
                self._state = (
                    empty_state(self._key_schema)
                    if self._table is None
                    else current_state(self.session, self._table, self._key_schema)
                )
            return self._state

    def __contains__(self, digest: object) -> bool:
        if self._digests is None:
            with self._lock:
                self._digests = self.current.live_digests()
        return digest in self._digests


@contextmanager
def reading(lake: Lake) -> Iterator[duckdb.DuckDBPyConnection]:
    """A DuckDB session on the lake for one table's batch: a cursor of the lake's one instance (opening one takes 20 ms)."""
    connection = _instance(lake).cursor()
    try:
        yield connection
    except duckdb.OutOfMemoryException as error:
        raise LakeError(
            f"Reading a table of {lake.url} needs more than the {MEMORY_LIMIT} that a batch gives it. Nothing of this "
            "table was published. Merge its files (ebp-lakehouse maintain) and run again."
        ) from error
    except duckdb.IOException as error:
        raise lake.explain(error, "reading a table's files") from error
    finally:
        connection.close()


def _instance(lake: Lake) -> duckdb.DuckDBPyConnection:
    with _opening:
        if lake not in _instances:
            connection = session(Settings(lake_url=lake.url, s3=lake.s3, memory_limit=MEMORY_LIMIT))
            # A timestamp's text is PostgreSQL's, whose sessions are in UTC.
            connection.execute("SET GLOBAL TimeZone = 'UTC'")
            # A file's footer is read once for its contract, its sums and its rows; the rows themselves are not kept.
            connection.execute("SET GLOBAL parquet_metadata_cache = true")
            connection.execute("SET GLOBAL enable_external_file_cache = false")
            _instances[lake] = connection
        return _instances[lake]


def current_state(
    connection: duckdb.DuckDBPyConnection,
    table: DeltaTable,
    key_schema: pa.Schema,
    only: pl.DataFrame | None = None,
) -> CurrentState:
    """The newest version of every key, or of those of ``only`` (key columns)."""
    files = TableFiles.of(table)
    if not files.uris:
        return empty_state(key_schema)
    stored = arrow_schema(table)
    # The key may be of a wider type by now.
    shown = ", ".join(
        column_as(f.name, stored.field(f.name).type, f.type)
        if f.name in stored.names
        else f"CAST(NULL AS VARCHAR) AS {quote_identifier(f.name)}"
        for f in key_schema
    )
    relation = files.relation()
    if only is not None:
        connection.register("wanted_keys", only.to_arrow())
        relation = f"{relation} SEMI JOIN wanted_keys USING ({', '.join(map(quote_identifier, key_schema.names))})"
    found = connection.execute(
        f"SELECT {shown}, _bronze_record_hash AS {HASH}, _bronze_valid_from AS {VALID_FROM}, "
        f"_bronze_is_deleted AS {IS_DELETED}, _bronze_position AS {POSITION} FROM {relation}"
    ).to_arrow_table()
    typed = found.cast(pa.schema([*key_schema, *(found.schema.field(name) for name in STATE_SCHEMA)]))
    versions = pl.DataFrame(pl.from_arrow(typed)).sort(VALID_FROM)  # half of what arg_max takes in DuckDB
    return CurrentState(versions.unique(key_schema.names, keep="last"))


def last_values(
    connection: duckdb.DuckDBPyConnection,
    table: DeltaTable,
    rows: pl.DataFrame,
    key: Sequence[str],
    schema: pa.Schema,
    *,
    batch_rows: int = 4096,
) -> Iterator[pa.Table]:
    """The newest version's source columns of ``rows`` (key columns and ``VALID_FROM``), with ``HASH``, in blocks."""
    files = TableFiles.of(table)
    stored = [name for name in schema.names if name in files.columns]
    connection.register("wanted_rows", rows.select(*key, VALID_FROM).to_arrow())
    kinds = arrow_schema(table)
    as_wanted = {name: column_as(name, kinds.field(name).type, schema.field(name).type) for name in stored}
    columns = ", ".join(f"t.{quote_identifier(name)}" for name in stored)
    # A key's column may be NULL in versions of a time when the key was another one.
    on = " AND ".join(f"t.{name} IS NOT DISTINCT FROM w.{name}" for name in map(quote_identifier, key))
    joined = f"JOIN wanted_rows w ON {on} AND t._bronze_valid_from = w.{VALID_FROM}"
    where = ""
    if rows.height <= FEW_ROWS and stored_rows(table) >= MANY_ROWS:
        keys = ", ".join(as_wanted[name] for name in key if name in as_wanted)
        where = _where_they_lie(connection, files, keys, joined)
    reader = connection.execute(
        f"SELECT {columns}, t._bronze_record_hash AS {HASH} "
        f"FROM (SELECT {', '.join(as_wanted.values())}, _bronze_record_hash, _bronze_valid_from "
        f"FROM {files.relation()}{where}) t {joined}"
    ).to_arrow_reader(batch_rows)
    for batch in reader:
        block = pa.Table.from_batches([batch])
        columns_ = [
            block.column(f.name).cast(f.type) if f.name in stored else pa.nulls(block.num_rows, f.type) for f in schema
        ]
        yield pa.Table.from_arrays([*columns_, block.column(HASH)], schema=schema.append(pa.field(HASH, pa.string())))


def _where_they_lie(connection: duckdb.DuckDBPyConnection, files: TableFiles, keys: str, joined: str) -> str:
    """SQL that narrows a scan of ``files`` to few rows, found by their keys alone: a scan of 500 columns costs more.

    Another row may pass (one with the same number in another file). Empty where a column of the table hides the place.
    """
    if not files.uris or set(PLACE) & {name.casefold() for name in files.columns}:
        return ""
    found = connection.execute(
        f"SELECT {', '.join(PLACE)} FROM (SELECT {keys}, _bronze_valid_from, {', '.join(PLACE)} "
        f"FROM {files.relation()}) t {joined}"
    ).fetchall()
    if not found:
        return ""
    uris = ", ".join(map(quote_literal, sorted({uri for uri, _ in found})))
    numbers = ", ".join(map(str, sorted({number for _, number in found})))
    return f" WHERE {PLACE[0]} IN ({uris}) AND {PLACE[1]} IN ({numbers})"


def lake_figures(
    connection: duckdb.DuckDBPyConnection, table: DeltaTable, key: Sequence[str], source: SourceFigures
) -> SourceFigures:
    """Rows and sums of the live rows, computed like the source's: through the very relation that readers will see.

    A measure whose history is text (its type changed once) is numeric at the source: its live values are numbers.
    """
    _, current = bronze_relations(key, TableFiles.of(table))
    by = []
    for grouping in map(Grouping.parse, source.by):
        column = quote_identifier(grouping.column)
        by.append(f"(year({column})::BIGINT)::VARCHAR" if grouping.is_year else f"{column}::VARCHAR")
    kinds = {f.name: normalised(f.type) for f in arrow_schema(table)}
    sums = [
        f"sum({quote_identifier(name)}{'::DECIMAL(28,8)' if pa.types.is_string(kinds[name]) else ''})"
        for name in source.measures
    ]
    grouped = f" GROUP BY {', '.join(str(i + 1) for i in range(len(by)))}" if by else ""
    rows, result = 0, Sums()
    for line in connection.execute(
        f"SELECT {', '.join([*by, 'count(*)', *sums])} FROM ({current}){grouped}"
    ).fetchall():
        rows += line[len(by)]
        result[tuple(line[: len(by)])] = tuple(None if v is None else Decimal(v) for v in line[len(by) + 1 :])
    return SourceFigures(rows, source.measures, source.by, result if source.measures else {})
