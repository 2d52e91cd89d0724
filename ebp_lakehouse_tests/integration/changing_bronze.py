"""Bronze of the mini company as real, pinned Delta tables, and a seeded hand that changes rows of it like people do in EBP.

No server: versions are appended as a batch would. Not here: what silver must make of it (test_silver_rebuild.py).
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from ebp_lakehouse.bronze.batch import FIRST_LOADED_AT
from ebp_lakehouse.bronze.versions import METADATA_SCHEMA
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import open_at_pin
from ebp_lakehouse.lake.publication import Move, Pin
from ebp_lakehouse.lake.session import quote_identifier
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse.source.registry import Registry
from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.mini_company.rows import CAPTURED, DELETED, FINAL, Row
from ebp_lakehouse_tests.unit.silver.mock_bronze import declared_tables, write_catalog

DAY = "_bronze_ingestion_date"
Version = dict[str, Any]
LISTED = (
    "sale_document_line",
    "stock_movement",
    "schedule_event",
    "purchase_document_line",
)  # a row is a row of a fact


class ChangingBronze:
    """Bronze in the lake of ``settings``; ``captured_at`` is the instant of its last batch."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.captured_at = datetime.fromisoformat(FINAL)
        sources = {spec.asset: spec.name for spec in Registry.load()}
        self.keys = {table: tuple(reference()[sources[table]].key) for table in declared_tables()}

    def load(self, scratch: Path) -> None:
        """Publish every table with every version that the mini company has of it."""
        self.publish(typed_versions(scratch, catalog_rows(declared_tables())))

    def change(self, hand: random.Random, changes: int) -> list[str]:
        """One batch of random changes of rows, each of another table; what was done, in words.

        One of them always takes a row from a fact: by chance alone most seeds had no row of silver vanish.
        """
        self.captured_at += timedelta(hours=hand.choice([1, 30, 400]))
        told, batch = [], dict[str, pa.Table]()
        with catalog.connect(settings=self.settings) as connection:
            counts = {table: self._count(connection, table) for table in self.keys}
            tables = [table for table, count in counts.items() if count]
            listed = hand.choice(LISTED)
            others = hand.sample([table for table in tables if table != listed], k=changes - 1)
            for table in (listed, *others):
                stored = self._newest(connection, table)
                deleted = 1.0 if table == listed else 0.2
                what, version = self._changed(hand, table, stored.to_pylist(), deleted)
                told.append(f"{table}: {what}")
                if version is not None:
                    batch[table] = pa.Table.from_pylist([version], schema=stored.schema)
        self.publish(batch)
        return told

    def _changed(
        self, hand: random.Random, table: str, newest: Sequence[Version], deleted: float
    ) -> tuple[str, Version | None]:
        """One row's next version: deleted, inserted again, or with another value in one column."""
        row = hand.choice(newest)
        name = "/".join(str(row[column]) for column in self.keys[table])
        stamped = row | {CAPTURED: self.captured_at, DAY: self.captured_at.date()}
        if row[DELETED]:
            return f"{name} again", stamped | {DELETED: False}
        if hand.random() < deleted:
            return f"{name} deleted", stamped | {DELETED: True}
        held = {*METADATA_SCHEMA.names, *self.keys[table]}
        columns = [column for column in row if column not in held]
        hand.shuffle(columns)
        for column in columns:
            others = sorted({other[column] for other in newest if other[column] is not None} - {row[column]})
            others += _invented(row[column])
            if others:
                value = hand.choice(others)
                return f"{name}.{column} = {value} (was {row[column]})", stamped | {column: value}
        return f"{name} has no other value", None

    def _count(self, connection: duckdb.DuckDBPyConnection, table: str) -> int:
        row = connection.execute(f"SELECT count(*) FROM bronze.{quote_identifier(table)}").fetchone()
        return int(row[0]) if row else 0

    def _newest(self, connection: duckdb.DuckDBPyConnection, table: str) -> pa.Table:
        """The newest version of each key, deleted ones too, with the columns that are stored."""
        key = ", ".join(map(quote_identifier, self.keys[table]))
        sql = f"""SELECT * EXCLUDE (_bronze_valid_to) FROM bronze.{quote_identifier(table)}
            WHERE _bronze_valid_to IS NULL ORDER BY {key}"""
        return connection.execute(sql).to_arrow_table()

    def publish(self, batch: dict[str, pa.Table]) -> None:
        """Append versions and pin them, all in one record."""
        lake = Lake.open(self.settings)
        record = publication.latest(lake)
        moves = {}
        for table, versions in batch.items():
            key, stored = f"bronze/{table}", versions
            for column in METADATA_SCHEMA:
                if column.name not in versions.column_names:  # silver reads none of them
                    stored = stored.append_column(column.name, pa.nulls(versions.num_rows, column.type))
            pin = record.pins.get(key)
            writer = open_at_pin(lake, key, pin)
            commit = writer.append(stored, partition_by=[])
            rows = stored.num_rows + (pin.rows if pin else 0)
            view = {"kind": "bronze", "key": list(self.keys[table])}
            day, now = self.captured_at.date().isoformat(), self.captured_at.isoformat()
            position = pin.position if pin else {"horizon": "1", FIRST_LOADED_AT: now}
            moves[key] = Move(writer.based_on, Pin(commit.version, position, "passed", day, now, rows, view))
        catalog.publish(self.settings, moves, "bronze")


def typed_versions(scratch: Path, rows: dict[str, list[Row]]) -> dict[str, pa.Table]:
    """Every declared table with its versions in the declared types."""
    mock = write_catalog(scratch / "mock.duckdb", rows)
    with duckdb.connect(str(mock), read_only=True) as connection:
        return {
            table: connection.execute(f"SELECT * FROM bronze.{quote_identifier(f'_{table}')}").to_arrow_table()
            for table in declared_tables()
        }


def _invented(value: Any) -> list[Any]:
    """Values that no other row need have."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, Decimal):
        return [value + 1, value * 2] if value else [value + 1]
    return []
