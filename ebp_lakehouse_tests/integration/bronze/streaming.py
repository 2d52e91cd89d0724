"""A source whose table T is followed by its change stream into a folder lake, through the very run of the assets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import duckdb
import psycopg
from psycopg import sql
from pydantic import SecretStr

from ebp_lakehouse.bronze.batch import BatchResult, TableOutcome, run_batch
from ebp_lakehouse.bronze.table_batch import TableBatch
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.registry import TableSpec

DAY = date(2026, 11, 23)
TABLE = 'CREATE TABLE "T" ("Id" varchar(20) PRIMARY KEY, amount numeric, kind smallint, note text)'


@dataclass
class StreamHouse:
    """``db`` writes like EBP; ``run`` is one run in mode cdc (or batch) over ``specs``."""

    db: psycopg.Connection[Any]
    settings: Settings
    specs: tuple[TableSpec, ...]
    results: list[BatchResult] = field(default_factory=list)

    def execute(self, *statements: str) -> None:
        for statement in statements:
            self.db.execute(statement)  # type: ignore[arg-type]

    def run(self, *, mode: str = "cdc", specs: tuple[TableSpec, ...] = (), **options: Any) -> BatchResult:
        settings = self.settings.model_copy(update={"ingest_mode": mode})
        self.results.append(run_batch(settings, specs or self.specs, [DAY], DAY, run_id="test", **options))
        return self.results[-1]

    def outcome(self, **options: Any) -> TableOutcome:
        """One run, and what became of the first table; whatever is wrong with it fails the test."""
        found = self.run(**options).outcomes[self.specs[0].asset]
        assert found.healthy, (found.error, found.differences, found.problems)
        return found

    def batch(self, **options: Any) -> TableBatch:
        batch = self.outcome(**options).batch
        assert batch is not None
        return batch

    @contextmanager
    def lake(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with connect(settings=self.settings) as connection:
            yield connection

    def query(self, text: str) -> list[tuple[Any, ...]]:
        with self.lake() as connection:
            return connection.execute(text).fetchall()

    def versions(self, key: str) -> list[tuple[Any, ...]]:
        """Note, deletion mark and route of every version of one key of T, in order of validity."""
        return self.query(
            "SELECT note, _bronze_is_deleted, split_part(_bronze_file_name, '/', 1) FROM bronze.t "
            f"WHERE \"Id\" = '{key}' ORDER BY _bronze_valid_from"
        )

    def source_rows(self) -> dict[str, tuple[Any, ...]]:
        return {row[0]: row for row in self.db.execute('SELECT "Id", amount, kind, note FROM "T"')}

    def lake_rows(self, at: object = None) -> dict[str, tuple[Any, ...]]:
        """The live rows now, or as they were at an instant (UTC without zone)."""
        relation = "bronze.t_current"
        if at is not None:
            relation = (
                f"bronze.t WHERE NOT _bronze_is_deleted AND _bronze_valid_from <= TIMESTAMP '{at}' "
                f"AND (_bronze_valid_to IS NULL OR _bronze_valid_to > TIMESTAMP '{at}')"
            )
        return {row[0]: row for row in self.query(f'SELECT "Id", amount, kind, note FROM {relation}')}

    def slots(self) -> list[str]:
        return [
            row[0]
            for row in self.db.execute(
                "SELECT slot_name FROM pg_replication_slots WHERE database = current_database() ORDER BY slot_name"
            )
        ]

    def written(self) -> int:
        """The server's WAL position now. A lag would also count what others write meanwhile: autovacuum, another test."""
        row = self.db.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint").fetchone()
        assert row is not None
        return int(row[0])

    def of(self, *specs: TableSpec) -> StreamHouse:
        return replace(self, specs=specs, results=[])


def stream_settings(url: str, lake: str) -> Settings:
    return Settings(source_url=SecretStr(url), lake_url=lake, ingest_mode="cdc", tables="SaleDocument")


def drop_slots(db: psycopg.Connection[Any]) -> None:
    """A database with a logical slot cannot be dropped."""
    for (name,) in db.execute(
        "SELECT slot_name FROM pg_replication_slots WHERE database = current_database()"
    ).fetchall():
        db.execute(sql.SQL("SELECT pg_drop_replication_slot({})").format(sql.Literal(name)))
