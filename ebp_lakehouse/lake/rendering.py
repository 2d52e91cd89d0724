"""Write a catalog: the views of one publication record into a DuckDB file, every view that did not change left as it is.

Not here: where catalogs lie and who gets which (catalog.py), the SQL of a view (views.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import duckdb
from deltalake import DeltaTable

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake import views
from ebp_lakehouse.lake.delta import load
from ebp_lakehouse.lake.publication import PRIVATE, SCHEMAS, Pin, Record
from ebp_lakehouse.lake.session import quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings

FOOTERS_AT_ONCE = 8
FRESHNESS = {
    "layer": "bronze, silver or gold.",
    "table_name": "The table's name in its schema.",
    "ingestion_date": "Partition of the run that last published it.",
    "published_at": "When that run published it.",
    "check_state": "State of its checks in that run; a table whose checks fail keeps its last good version.",
    "row_count": "Rows of the table as readers see it; of bronze, the live rows.",
}


@dataclass(frozen=True)
class _Wanted:
    """One table of a catalog: its Delta table (key and pin), and that of its personal columns where they lie apart."""

    lake: str
    parts: tuple[tuple[str, Pin], ...]

    @property
    def fingerprint(self) -> str:
        versions = " ".join(f"{key} {pin.version}" for key, pin in self.parts)
        return f"{self.lake} {versions} {self.pin.view}"

    @property
    def pin(self) -> Pin:
        """Of a table in two parts that of the common one: it tells how the table is shown, and how recent it is."""
        return self.parts[0][1]


def _wanted(lake: Lake, record: Record, *, private: bool) -> dict[str, _Wanted]:
    """Name → table: the common ones; in a private catalog also personal columns, and tables that are wholly personal."""
    parts: dict[str, list[tuple[str, Pin]]] = {}
    for key, pin in sorted(record.pins.items(), key=lambda item: item[0].startswith(f"{PRIVATE}/")):
        if private or not key.startswith(f"{PRIVATE}/"):
            parts.setdefault(key.removeprefix(f"{PRIVATE}/"), []).append((key, pin))
    return {name: _Wanted(lake.url, tuple(own)) for name, own in parts.items()}


def write_views(
    settings: Settings, lake: Lake, record: Record, opened: Mapping[str, DeltaTable], path: str, *, private: bool
) -> None:
    """Bring the catalog file ``path`` up to ``record``.

    Args:
        settings: for the session.
        lake: where the tables lie.
        record: the publication.
        opened: handles of tables by key, so that they need not be opened again; one at another version is not used.
        path: a DuckDB file: new, or an earlier catalog of the same lake.
        private: show personal columns, and tables that are wholly personal.
    """
    wanted = _wanted(lake, record, private=private)
    with session(settings, path) as connection:
        # Each view binds its files' footers, some three times.
        connection.execute("SET GLOBAL parquet_metadata_cache = true")
        done = _rendered(connection)
        changed = {
            name: [_table_files(lake, key, pin, opened) for key, pin in table.parts]
            for name, table in wanted.items()
            if done.get(name) != table.fingerprint
        }
        if lake.s3 is not None:
            _read_footers(connection, [files for parts in changed.values() for files in parts])
        connection.begin()  # else each of some hundred statements waits for the disk
        for schema in SCHEMAS:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name, (public, *apart) in changed.items():
            for statement in views.statements(name, wanted[name].pin.view, public, apart[0] if apart else None):
                connection.execute(statement)
        connection.execute(
            "INSERT OR REPLACE INTO main.rendered SELECT unnest(?), unnest(?)",
            [list(changed), [wanted[name].fingerprint for name in changed]],
        )
        _write_freshness(connection, wanted)
        connection.execute(
            "CREATE OR REPLACE TABLE main.publication AS SELECT ? AS number, ? AS published_at, ? AS run_id, ? AS lake",
            [record.number, record.published_at, record.run_id, lake.url],
        )
        connection.commit()


def _rendered(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Fingerprints of the tables whose views the file holds, by key."""
    connection.execute("CREATE TABLE IF NOT EXISTS main.rendered (key VARCHAR PRIMARY KEY, fingerprint VARCHAR)")
    return dict(connection.execute("SELECT key, fingerprint FROM main.rendered").fetchall())


def _read_footers(connection: duckdb.DuckDBPyConnection, tables: Sequence[views.TableFiles]) -> None:
    """Have the cache hold the footers of ``tables``: making views asks for one after the other, each a store's answer."""

    def read(files: views.TableFiles) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {files.relation()} LIMIT 0")

    with ThreadPoolExecutor(FOOTERS_AT_ONCE) as pool:
        list(pool.map(read, tables))


def _write_freshness(connection: duckdb.DuckDBPyConnection, wanted: Mapping[str, _Wanted]) -> None:
    """``freshness``: how recent each table of the catalog is, for readers who wonder whether to trust it."""
    connection.execute(
        """CREATE OR REPLACE TABLE main.freshness (
            layer VARCHAR, table_name VARCHAR, ingestion_date DATE, published_at TIMESTAMPTZ, check_state VARCHAR,
            row_count BIGINT
        )"""
    )
    pins = {name: table.pin for name, table in wanted.items()}
    connection.execute(
        "INSERT INTO main.freshness SELECT split_part(unnest(?), '/', 1), split_part(unnest(?), '/', 2), "
        "unnest(?)::DATE, unnest(?)::TIMESTAMPTZ, unnest(?), unnest(?)::BIGINT",
        [
            list(pins),
            list(pins),
            [pin.ingestion_date for pin in pins.values()],
            [pin.published_at for pin in pins.values()],
            [pin.check_state for pin in pins.values()],
            [pin.rows for pin in pins.values()],
        ],
    )
    for column, text in FRESHNESS.items():
        connection.execute(f"COMMENT ON COLUMN main.freshness.{column} IS {quote_literal(text)}")


def _table_files(lake: Lake, key: str, pin: Pin, opened: Mapping[str, DeltaTable]) -> views.TableFiles:
    table = opened.get(key)
    if table is None or table.version() != pin.version:
        table = load(lake, key, pin.version)
    if table is None:
        raise LakeError(f"{lake.uri(key)} is published at version {pin.version} but its Delta log is gone.")
    return views.TableFiles.of(table)
