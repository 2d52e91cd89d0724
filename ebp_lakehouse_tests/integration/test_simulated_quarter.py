"""A company lives a quarter; at its end every past day is computed as it was known, and is what was published on that day.

On some days bronze takes what changed at the source since the last capture: documents entered, entered late, corrected and
deleted, payments, appointments, masters. Silver and every gold table are then run and published for that day, as the hourly
run does, and what a reader sees is kept. At the end one back-fill of those days, into a gold that holds nothing, must give it
again, in every row and every declared column.

Nothing here waits for the machine's clock: a capture bears the instant it is given, and today is a parameter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ebp_lakehouse.gold import compute as compute_module
from ebp_lakehouse.gold.compute import GoldResult, compute
from ebp_lakehouse.gold.contract import AS_KNOWN, BASIS, RESTATED, GoldTable
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.session import quote_identifier, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.lake.views import GOLD_DELETED, GOLD_PARTITION, TableFiles
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.audit import run_silver
from ebp_lakehouse.silver.contract import contracts
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse_tests.conftest import NIGHTLY
from ebp_lakehouse_tests.integration.changing_bronze import ChangingBronze, typed_versions
from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.mini_company.quarter import captured_on
from ebp_lakehouse_tests.mini_company.rows import CAPTURED
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, declared_tables

pytestmark = pytest.mark.timeout(5400 if NIGHTLY else 900)  # a day is two builds of silver, or three

PARIS, UTC = ZoneInfo("Europe/Paris"), ZoneInfo("UTC")
FIRST, EARLY, QUIET, LAST = date(2026, 1, 12), date(2026, 2, 20), date(2026, 2, 22), date(2026, 3, 31)
DAYS = sorted({FIRST, EARLY, QUIET, LAST, *(FIRST + timedelta(days=n) for n in (range(0, 85, 4) if NIGHTLY else ()))})
# Every evening but that of the Sunday, ten minutes before midnight; once more ten minutes after, which is the next day.
NIGHT = EARLY + timedelta(days=1)
CAPTURES = {
    **{day: datetime(day.year, day.month, day.day, 23, 50, tzinfo=PARIS) for day in DAYS if day != QUIET},
    NIGHT: datetime(NIGHT.year, NIGHT.month, NIGHT.day, 0, 10, tzinfo=PARIS),
}
SILVER = contracts(load_manifest(DBT_PROJECT))

# Says what the code declares, of nothing that a lake could have known later: of a past day too it is what it says now.
OF_THE_CODE = {"kpi_catalogue"}
# No two items are sold together often enough.
EMPTY = {"product_affinity"}

Rows = list[tuple[Any, ...]]


class Quarter:
    """The lake of the company, and what readers saw of gold on the evenings of its days."""

    def __init__(self, folder: Path) -> None:
        self.settings = Settings(lake_url=str(folder / "lake"))
        self.evenings: dict[date, dict[str, Rows]] = {}
        bronze = ChangingBronze(self.settings)
        instants = {day: at.astimezone(UTC).replace(tzinfo=None) for day, at in sorted(CAPTURES.items())}
        captures = captured_on({day: at.isoformat(sep=" ") for day, at in instants.items()})
        versions = typed_versions(folder, catalog_rows(declared_tables(), captures))
        for day in sorted({*DAYS, *instants}):
            if day in instants:
                bronze.captured_at = instants[day]
                taken = {table: _captured_at(rows, instants[day]) for table, rows in versions.items()}
                bronze.publish({table: rows for table, rows in taken.items() if rows.num_rows or day == FIRST})
            if day in DAYS:
                self._publish(day)
                self.evenings[day] = self._read()

    def backfill(self, days: Sequence[date]) -> dict[str, GoldResult]:
        """The days, computed after the last one into a gold that holds nothing; not published."""
        record = publication.latest(Lake.open(self.settings))
        bare = replace(record, pins={key: pin for key, pin in record.pins.items() if "gold/" not in key})
        results = compute(self.settings, bare, GOLD_TABLES, SILVER, days, DAYS[-1] + timedelta(days=1))
        assert {name: result.findings for name, result in results.items() if result.findings} == {}
        return results

    def shown(self, table: GoldTable, result: GoldResult, day: date) -> Rows:
        """What a reader of a back-filled table would have seen on the evening of `day`."""
        relation, columns = _relation(table, result), _columns(table)
        if table.kind == "series":
            newest = f"PARTITION BY {', '.join(map(quote_identifier, table.key))} ORDER BY {GOLD_PARTITION} DESC"
            sql = f"""SELECT {columns} FROM (
                FROM {relation} WHERE {GOLD_PARTITION} <= DATE '{day}' QUALIFY row_number() OVER ({newest}) = 1
            ) WHERE NOT {GOLD_DELETED}"""
        else:
            partitions = "=" if table.kind == "state" else "<="
            sql = f"SELECT {columns} FROM {relation} WHERE {GOLD_PARTITION} {partitions} DATE '{day}'"
        with session(self.settings) as connection:
            return connection.execute(f"{sql} ORDER BY ALL").fetchall()

    def bases(self, table: GoldTable, result: GoldResult) -> set[str]:
        with session(self.settings) as connection:
            rows = connection.execute(f"SELECT DISTINCT {BASIS} FROM {_relation(table, result)}").fetchall()
        return {row[0] for row in rows}

    def _publish(self, day: date) -> None:
        """Silver and gold of the open day, as the hourly run makes them."""
        silver = run_silver(self.settings, list(SILVER.values()), day)
        assert {name for name, outcome in silver.outcomes.items() if not outcome.healthy} == set()
        results = compute(self.settings, silver.record, GOLD_TABLES, SILVER, [day], day)
        assert {name: result.findings for name, result in results.items() if result.findings} == {}
        moves = {key: move for result in results.values() for key, move in result.moves.items()}
        catalog.publish(self.settings, moves, f"gold of {day}")

    def _read(self) -> dict[str, Rows]:
        with catalog.connect(settings=self.settings, private=True) as connection:
            return {
                table.name: connection.execute(
                    f"SELECT {_columns(table)} FROM gold.{table.name} ORDER BY ALL"
                ).fetchall()
                for table in GOLD_TABLES
            }


@pytest.fixture(scope="module")
def quarter(tmp_path_factory: pytest.TempPathFactory) -> Quarter:
    return Quarter(tmp_path_factory.mktemp("quarter"))


def test_a_back_fill_as_known_is_what_was_published_on_each_day(quarter: Quarter) -> None:
    results = quarter.backfill(DAYS)
    wrong = {
        f"{table.name} of {day}": found
        for table in GOLD_TABLES
        for day in DAYS
        if (
            found := differences(
                table, quarter.evenings[day][table.name], quarter.shown(table, results[table.name], day)
            )
        )
    }
    assert wrong == {}
    bases = {table.name: quarter.bases(table, results[table.name]) for table in GOLD_TABLES}
    expected = {table.name: {AS_KNOWN} for table in GOLD_TABLES}
    assert bases == expected | {name: {RESTATED} for name in OF_THE_CODE} | {name: set() for name in EMPTY}


def test_with_what_is_known_now_the_past_is_another(quarter: Quarter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would prove nothing: most tables of an early day were changed by what was learnt after it."""
    monkeypatch.setattr(compute_module, "first_load", lambda *_: date.max)
    days = [day for day in DAYS if day <= EARLY]
    results = quarter.backfill(days)
    assert {result.basis for result in results.values()} == {RESTATED}
    other = {
        table.name
        for table in GOLD_TABLES
        if differences(table, quarter.evenings[EARLY][table.name], quarter.shown(table, results[table.name], EARLY))
    }
    assert len(other) >= 0.7 * len(GOLD_TABLES), other
    assert other & OF_THE_CODE == set()


def test_the_quarter_moves_every_table(quarter: Quarter) -> None:
    still = {name for name, rows in quarter.evenings[FIRST].items() if rows == quarter.evenings[LAST][name]}
    assert still == OF_THE_CODE | EMPTY


def test_a_day_on_which_nothing_was_entered_is_a_day(quarter: Quarter) -> None:
    """Published silver speaks of the newest document; gold of a Sunday speaks of the Sunday."""
    published = {
        (row["date_id"], row["stock_value"] > 0)
        for row in _dicts("company_position", quarter.evenings[QUIET]["company_position"])
        if row["date_id"] >= int(f"{EARLY:%Y%m%d}")
    }
    assert published == {(int(f"{EARLY:%Y%m%d}"), True), (int(f"{QUIET:%Y%m%d}"), True)}


def differences(table: GoldTable, published: Rows, computed: Rows) -> list[str]:
    """What differs between two states of a table, a few rows of each kind."""
    if published == computed:
        return []
    key = [list(table.columns).index(name) for name in table.key]
    before, after = ({tuple(row[i] for i in key): row for row in rows} for rows in (published, computed))
    found = [f"only published: {one}" for one in list(before.keys() - after.keys())[:3]]
    found += [f"only computed: {one}" for one in list(after.keys() - before.keys())[:3]]
    for one in before.keys() & after.keys():
        columns = zip(table.columns, before[one], after[one], strict=True)
        found += [f"{one} {name}: published {was}, computed {now}" for name, was, now in columns if was != now]
    return found[:12]


def _captured_at(versions: pa.Table, instant: datetime) -> pa.Table:
    return versions.filter(pc.equal(versions[CAPTURED], pa.scalar(instant, versions.schema.field(CAPTURED).type)))


def _relation(table: GoldTable, result: GoldResult) -> str:
    opened = result.moves[table.lake_key].opened
    assert opened is not None
    return TableFiles.of(opened).relation()


def _columns(table: GoldTable) -> str:
    return ", ".join(map(quote_identifier, table.columns))


def _dicts(name: str, rows: Rows) -> list[Mapping[str, Any]]:
    (table,) = (table for table in GOLD_TABLES if table.name == name)
    return [dict(zip(table.columns, row, strict=True)) for row in rows]
