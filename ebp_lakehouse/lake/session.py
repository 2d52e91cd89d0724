"""DuckDB sessions: offline extensions, S3 secret, memory and thread limits. Every DuckDB connection starts here.

Not here: what a session sees (catalog.py).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.settings import Settings

S3_EXTENSION = "httpfs"
RESULT_BUFFER = "1GB"  # filled only as far as a result goes


def quote_identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def quote_literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def extension_file(name: str) -> Path:
    """The signed extension inside its wheel; DuckDB loads it from there, so nothing is downloaded or installed.

    Raises:
        LakeError: the wheel is missing or is for another DuckDB.
    """
    module = f"duckdb_extension_{name}"
    spec = importlib.util.find_spec(module)
    wheel = f"duckdb-extension-{name.replace('_', '-')}=={duckdb.__version__}"
    if spec is None or spec.origin is None:
        raise LakeError(f"DuckDB's extension {name} is not installed. Run: pip install {wheel}")
    path = Path(spec.origin).parent / "extensions" / f"v{duckdb.__version__}" / f"{name}.duckdb_extension"
    if not path.is_file():
        raise LakeError(
            f"DuckDB is {duckdb.__version__} but its extension {name} is for another one. Run: pip install {wheel}"
        )
    return path


def extension_directory(folder: Path, names: tuple[str, ...] = (S3_EXTENSION,)) -> Path:
    """Lay ``folder`` out as a DuckDB extension directory of links to the wheels, for tools that LOAD by name (dbt)."""
    with duckdb.connect() as connection:
        platform = str(connection.execute("PRAGMA platform").fetchall()[0][0])
    target = folder / f"v{duckdb.__version__}" / platform
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        link = target / f"{name}.duckdb_extension"
        if not link.exists():
            link.symlink_to(extension_file(name))
    return folder


def session(settings: Settings, database: str = ":memory:", *, read_only: bool = False) -> duckdb.DuckDBPyConnection:
    """A DuckDB connection that can read the lake. Use it from one thread; take ``.cursor()`` for another."""
    connection = duckdb.connect(
        database,
        read_only=read_only,
        config={
            "memory_limit": settings.memory_limit,
            "threads": settings.threads,
            "autoinstall_known_extensions": "false",
            "preserve_insertion_order": "false",
        },
    )
    # A result that several last steps fill (a UNION ALL, an outer join) hangs for good when one of them fills the buffer of
    # a streamed result before the others end: duckdb/duckdb#22215, seen with 43 000 changed rows of fact_inventory.
    connection.execute(f"SET streaming_buffer_size = '{RESULT_BUFFER}'")
    if settings.s3 is not None:
        connection.execute(f"LOAD {quote_literal(str(extension_file(S3_EXTENSION)))}")
        parameters = ", ".join(f"{key} {quote_literal(value)}" for key, value in settings.s3.duckdb_secret().items())
        connection.execute(f"CREATE OR REPLACE SECRET lake (TYPE s3, {parameters})")
        # A lake's files never change: the size of one need not be asked for at every look at it.
        connection.execute("SET GLOBAL enable_http_metadata_cache = true")
        connection.execute("SET GLOBAL httpfs_connection_caching = true")
    return connection


def default_database(connection: duckdb.DuckDBPyConnection) -> str:
    """Where names without a database are looked up."""
    return str(connection.execute("SELECT current_database()").fetchall()[0][0])


@contextmanager
def small_buffer(connection: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor on the database of ``connection`` with DuckDB's own result buffer of 1 MB: rows leave it as they are read.

    For queries with one last step, a scan or a sort; what befalls others is said in ``session``.
    """
    database = default_database(connection)
    with connection.cursor() as cursor:
        cursor.execute(f"USE {quote_identifier(database)}")
        yield cursor


@contextmanager
def beside(connection: duckdb.DuckDBPyConnection, database: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """A cursor for any query, for another thread: ``connection`` itself runs nothing. ``database`` is the default of both."""
    with connection.cursor() as cursor:
        cursor.execute(f"USE {quote_identifier(database)}; SET streaming_buffer_size = '{RESULT_BUFFER}'")
        yield cursor


@contextmanager
def shared(connection: duckdb.DuckDBPyConnection, threads: int) -> Iterator[int]:
    """While it lasts, several statements may run at once in the database of ``connection``: yields how many.

    Each runs in a thread of its caller, and DuckDB has so many of its own beside them (it counts one for itself) that
    ``threads`` run in all. More of them than cores take a third more of the processor for the same statements (ADR 17).
    """
    at_once = min(threads, max(2, threads // 2))
    connection.execute(f"SET threads = {threads - at_once + 1}")
    try:
        yield at_once
    finally:
        connection.execute(f"SET threads = {threads}")
