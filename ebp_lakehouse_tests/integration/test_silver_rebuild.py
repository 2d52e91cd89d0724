"""Published silver = a full rebuild from the same bronze, whatever changed, in whatever order tables were brought up.

Seeded sequences of: a batch of changes at the source (or none), then a run of some tables for some past day. It must hold

- of a table that was run and is healthy: both its parts are, row for row, what a build of all tables from the record's
  bronze gives, whatever the other published tables lag behind; a row has the run's day exactly if it is not as it was;
- of any other table: its pins and its Delta tables are as they were;
- of a table that is as it was: the same. When that is every table there is no record, and no file anywhere in the lake.

A table that its own audit refuses counts among the others; once all are run together, none is refused for want of one.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.delta import load
from ebp_lakehouse.lake.publication import PRIVATE, Record
from ebp_lakehouse.lake.session import quote_identifier
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.lake.views import TableFiles
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.audit import SilverResult, run_silver
from ebp_lakehouse.silver.build import Build, build_models, scratch_catalog
from ebp_lakehouse.silver.contract import INGESTION_DATE, Column, TableContract, contracts
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse_tests.conftest import NIGHTLY
from ebp_lakehouse_tests.integration.changing_bronze import ChangingBronze
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT

pytestmark = pytest.mark.timeout(3600 if NIGHTLY else 1200)  # a step is two runs of dbt

SEEDS, STEPS = (range(1, 21), 6) if NIGHTLY else (range(1, 2), 2)  # each step is two builds of everything
FIRST_DAY = date(2026, 3, 31)
TABLES = list(contracts(load_manifest(DBT_PROJECT)).values())


@pytest.fixture(scope="module")
def first_load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with the mini company's bronze and all of silver."""
    folder = tmp_path_factory.mktemp("first_load")
    house = House(folder)
    house.bronze.load(folder)
    house.run(TABLES, FIRST_DAY)
    assert house.record.pins.keys() >= {f"silver/{table.name}" for table in TABLES}
    return folder / "lake"


@pytest.mark.parametrize("seed", SEEDS)
def test_published_is_a_full_rebuild(first_load: Path, tmp_path: Path, seed: int) -> None:
    shutil.copytree(first_load, tmp_path / "lake")
    house, hand = House(tmp_path), random.Random(seed)  # noqa: S311
    for step in range(STEPS):
        if step == 0 or hand.random() < 0.7:
            print(*house.bronze.change(hand, changes=hand.choice([2, 5, 12])), sep="\n")
            house.rebuild()
        share = hand.choice([0.2, 0.8])
        some = [table for table in TABLES if hand.random() < share]
        house.run(some, FIRST_DAY + timedelta(days=hand.randrange(-400, 3)))

    result = house.run(TABLES, FIRST_DAY + timedelta(days=9))
    refused = {name: outcome for name, outcome in result.outcomes.items() if not outcome.healthy}
    assert not refused, {name: (o.error, o.problems, o.tests) for name, o in refused.items()}
    assert house.seen, "no change of this seed reached silver"

    files = house.files()
    house.run(TABLES, FIRST_DAY - timedelta(days=hand.randrange(900)))
    assert house.files() == files, "nothing changed, and something was written"


class House:
    """A lake with its bronze; every run of silver in it is held against the newest rebuild."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.settings = Settings(lake_url=str(folder / "lake"))
        self.bronze = ChangingBronze(self.settings)
        self.rebuilds = 0
        self.seen: set[str] = set()
        self.rebuilt: Build | None = None

    @property
    def lake(self) -> Lake:
        return Lake.open(self.settings)

    @property
    def record(self) -> Record:
        return publication.latest(self.lake)

    def files(self) -> dict[Path, int]:
        """Every file of the lake and when it was written."""
        return {path: path.stat().st_mtime_ns for path in (self.folder / "lake").rglob("*") if path.is_file()}

    def rebuild(self) -> None:
        """All tables from the bronze of now, in a database that saw nothing before."""
        self.rebuilds += 1
        scratch = self.folder / f"rebuild{self.rebuilds}"
        scratch.mkdir()
        copied = Path(shutil.copy(scratch_catalog(self.settings, self.record), scratch / "catalog.duckdb"))
        wanted = [f"+{table.name}" for table in TABLES]
        self.rebuilt = build_models(self.settings, copied, wanted, scratch, excluded=("test", "unit_test"))
        assert {r.status for r in self.rebuilt.results.values()} == {"success"}

    def run(self, tables: Sequence[TableContract], day: date) -> SilverResult:
        before = self.record
        result = run_silver(self.settings, tables, day)
        if self.rebuilt is not None:
            self.check(before, result, day)
        return result

    def check(self, before: Record, result: SilverResult, day: date) -> None:
        after = self.record
        assert result.record.number == after.number
        differences = [outcome.difference for outcome in result.outcomes.values() if outcome.difference]
        self.seen |= {kind for d in differences for kind in ("added", "updated", "deleted") if getattr(d, kind)}
        assert (after.number == before.number) == (after.pins == before.pins), "a record that moves no pin"
        with self.compared(before, after) as connection:
            for table in TABLES:
                outcome = result.outcomes.get(table.name)
                for key, columns in parts(table).items():
                    newest = load(self.lake, key)
                    assert newest is not None
                    assert newest.version() == after.pins[key].version, f"{key}: a commit that nobody published"
                    earlier, published = f'earlier."{key}"', f'published."{key}"'
                    if outcome is None or not outcome.healthy:
                        assert after.pins[key] == before.pins[key], f"{key} was not to be published"
                    else:
                        assert only_in_one(connection, published, f"silver.{table.name}", columns) == [], key
                        assert after.pins[key].rows == count(connection, f"FROM {published}")
                    moved = after.pins[key] != before.pins[key]
                    assert moved == bool(only_in_one(connection, earlier, published, columns)), key
                check_provenance(connection, f"silver/{table.name}", table, day)

    @contextmanager
    def compared(self, before: Record, after: Record) -> Iterator[duckdb.DuckDBPyConnection]:
        """The rebuild as ``silver``; both parts of each table, read from their files, as ``earlier`` and ``published``."""
        assert self.rebuilt is not None
        with self.rebuilt.connect(self.settings) as connection:
            for schema, record in (("earlier", before), ("published", after)):
                connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
                for key in (key for table in TABLES for key in parts(table)):
                    stored = load(self.lake, key, record.pins[key].version)
                    assert stored is not None
                    files = TableFiles.of(stored).relation()
                    connection.execute(f'CREATE OR REPLACE VIEW {schema}."{key}" AS FROM {files}')
            yield connection


def parts(table: TableContract) -> dict[str, str]:
    """The Delta tables of a silver table → their columns as SQL, the stamp left out."""
    found: dict[str, Sequence[Column]] = {f"silver/{table.name}": table.public_columns()}
    if table.private_columns():
        found[f"{PRIVATE}/silver/{table.name}"] = table.private_columns()
    return {key: ", ".join(quote_identifier(c.name) for c in columns) for key, columns in found.items()}


def only_in_one(connection: duckdb.DuckDBPyConnection, one: str, other: str, columns: str) -> list[tuple[Any, ...]]:
    """Some of the rows that two relations do not share; a row that one holds twice counts twice."""
    one, other = f"SELECT {columns} FROM {one}", f"SELECT {columns} FROM {other}"
    return connection.execute(
        f"((({one}) EXCEPT ALL ({other})) UNION ALL (({other}) EXCEPT ALL ({one}))) LIMIT 3"
    ).fetchall()


def check_provenance(connection: duckdb.DuckDBPyConnection, key: str, table: TableContract, day: date) -> None:
    """A row that is as it was has the day it had; any other the day of this run."""
    columns = parts(table)[key]
    earlier, published = f'earlier."{key}"', f'published."{key}"'
    as_it_was = f"SELECT {columns} FROM {published} INTERSECT SELECT {columns} FROM {earlier}"
    wanted = f"""
        SELECT p.* EXCLUDE ({INGESTION_DATE}), CASE WHEN w.{table.key} IS NULL THEN DATE '{day}' ELSE e.{INGESTION_DATE} END
        FROM {published} AS p
        LEFT JOIN ({as_it_was}) AS w USING ({table.key}) LEFT JOIN {earlier} AS e USING ({table.key})
    """
    assert connection.execute(f"(FROM {published}) EXCEPT ({wanted}) LIMIT 3").fetchall() == [], key


def count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(f"SELECT count(*) {sql}").fetchone()
    return int(row[0]) if row else 0
