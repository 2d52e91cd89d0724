"""What a process does until it is killed: a batch, silver and gold publication, maintenance. Imported by the children.

Each is the real code on a small lake. Not here: who is killed where, and what must hold then (test_crashes.py).
"""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandera.polars as pa_polars

from ebp_lakehouse import failpoints
from ebp_lakehouse.bronze.batch import BatchResult, run_batch
from ebp_lakehouse.gold.compute import compute
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.maintenance import maintain
from ebp_lakehouse.lake.session import quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import Column, TableContract
from ebp_lakehouse.silver.publish import stage
from ebp_lakehouse_tests.integration.bronze.conftest import declared

TODAY = date(2026, 11, 25)
ROWS = {
    "before": "(1, 'a', '01'), (2, 'b', '02'), (3, 'c', '03')",
    "after": "(1, 'a', '01'), (2, 'B', '22'), (4, 'd', '04')",
}

CONTRACT = TableContract(
    "s", "model.s", "Table d'essai.", "id",
    tuple(Column(n, t, n, n, n == "phone", {}) for n, t in (("id", "integer"), ("name", "varchar"), ("phone", "varchar"))),
    (), (), (),
)  # fmt: skip


def run(scenario: str, settings: Settings, point: str, argument: str = "after") -> None:
    """One scenario in this process, killed at ``point`` (empty: not at all)."""
    if point:
        os.environ[failpoints.VARIABLE] = point
    SCENARIOS[scenario](settings, argument)


def batch(settings: Settings, _: str) -> None:
    _healthy(run_batch(settings, [declared(), declared(name="U", asset="u")], [TODAY], TODAY, run_id="batch"))


def backfill(settings: Settings, _: str) -> None:
    """Four past days of two months as one run."""
    days = [date(2026, 1, 30) + timedelta(days=number) for number in range(4)]
    _healthy(run_batch(settings, [declared(name="W", asset="w")], days, TODAY, run_id="backfill"))


def _healthy(result: BatchResult) -> None:
    errors = {name: o.error for name, o in result.outcomes.items() if not o.healthy}
    if errors:
        raise AssertionError(errors)


def silver(settings: Settings, rows: str) -> None:
    """A table with a personal column: two Delta tables that must be published together."""
    lake = Lake.open(settings)
    record = publication.latest(lake)
    with session(settings) as connection:
        if record.number:
            path = catalog.local_catalog(settings, lake, record, private=True)
            connection.execute(f"ATTACH {quote_literal(str(path))} AS lake (READ_ONLY)")
        connection.execute("CREATE SCHEMA silver")
        connection.execute(f"CREATE TABLE silver.s AS FROM (VALUES {ROWS[rows]}) t(id, name, phone)")
        moves = stage(connection, lake, record, CONTRACT, TODAY).moves
    catalog.publish(settings, moves, "silver")


class _Series(pa_polars.DataFrameModel):
    date_id: int
    rows: int


class _Gold(GoldTable):
    sql = (
        "SELECT 20261100 + id::BIGINT AS date_id, length(name)::BIGINT + 10 * (name = upper(name))::BIGINT AS rows "
        "FROM silver.s WHERE $as_of::DATE IS NOT NULL"
    )


def gold(settings: Settings, day: str) -> None:
    """A daily series of the rows in ``silver.s``."""
    record = publication.latest(Lake.open(settings))
    table = _Gold("g", "Série d'essai.", ["date_id"], _Series, ["s"], ["data"])
    at = TODAY - timedelta(days=day == "before")
    made = compute(settings, record, [table], {"s": CONTRACT}, [at], at)["g"]
    if made.findings:
        raise AssertionError(made.findings)
    catalog.publish(settings, made.moves, "gold")


def maintenance(settings: Settings, _: str) -> None:
    """Eight days later: everything but the newest record may go."""
    done = maintain(settings, now=datetime.now(UTC) + timedelta(days=8))
    if done.failures:
        raise AssertionError(done.failures)


SCENARIOS: dict[str, Any] = {
    "batch": batch, "backfill": backfill, "silver": silver, "gold": gold, "maintenance": maintenance
}  # fmt: skip
