"""The three kinds of gold tables through a real lake: what readers see after runs, re-runs and back-fills of days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pandera.polars as pa_polars
import pytest
from pandera.typing.polars import Series

from ebp_lakehouse.gold.compute import GoldResult, compute
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.session import quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import Column, TableContract
from ebp_lakehouse.silver.publish import stage

D = [date(2026, 1, 30) + timedelta(days=number) for number in range(4)]  # two months
CONTRACT = TableContract(
    "s", "model.s", "Sales.", "id",
    tuple(Column(n, t, n, n, False, {}) for n, t in (("id", "integer"), ("day", "date"), ("place", "varchar"), ("amount", "integer"))),
    (), (), (),
)  # fmt: skip


class Place(pa_polars.DataFrameModel):
    place: Series[str] = pa_polars.Field(description="Place.")
    amount: Series[int] = pa_polars.Field(description="Sum.", nullable=True)


class Day(pa_polars.DataFrameModel):
    date_id: Series[int] = pa_polars.Field(description="Day.")
    amount: Series[int] = pa_polars.Field(description="Sum.", le=1000)


@dataclass(frozen=True)
class Written(GoldTable):
    """A gold table whose queries stand here."""

    query: str = ""
    rule: str | None = None

    @property
    def sql(self) -> str:
        return self.query

    @property
    def identities(self) -> str | None:
        return self.rule


BY_PLACE = "SELECT place, sum(amount)::BIGINT AS amount FROM silver.s WHERE day <= $as_of GROUP BY ALL"
PLACES = Written("places", "Per place.", ["place"], Place, ["s"], ["team:test"], "series", query=BY_PLACE)
OPEN = replace(PLACES, name="open", kind="state", query=BY_PLACE + " HAVING sum(amount) > 0")
DAYS = Written(
    "days", "The day.", ["date_id"], Day, ["s"], ["team:test"], "daily",
    query="SELECT strftime($as_of, '%Y%m%d')::BIGINT AS date_id, coalesce(sum(amount), 0)::BIGINT AS amount "
    "FROM silver.s WHERE day = $as_of",
)  # fmt: skip
TOTAL = Written(
    "total", "All places.", ["place"], Place, [], ["team:test"], "state", uses=[PLACES], private=True,
    query="SELECT 'all' AS place, sum(amount)::BIGINT AS amount FROM computed.places",
    rule="SELECT 'the sum differs' AS problem FROM computed.total WHERE amount <> (SELECT sum(amount) FROM computed.places)",
)  # fmt: skip
TABLES = (PLACES, OPEN, DAYS, TOTAL)
START = [(1, D[0], "Lyon", 10), (2, D[1], "Bourg", 20), (3, D[3], "Lyon", 5)]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(lake_url=str(tmp_path / "lake"))
    sell(made, START)
    return made


def sell(settings: Settings, rows: Sequence[tuple[int, date, str, int]]) -> None:
    """Publish ``silver.s``."""
    lake = Lake.open(settings)
    record = publication.latest(lake)
    values = ", ".join(f"({number}, DATE '{day}', '{place}', {amount})" for number, day, place, amount in rows)
    with session(settings) as connection:
        if record.number:
            path = catalog.local_catalog(settings, lake, record, private=True)
            connection.execute(f"ATTACH {quote_literal(str(path))} AS lake (READ_ONLY)")
        connection.execute(
            f"CREATE SCHEMA silver; CREATE TABLE silver.s AS FROM (VALUES {values}) t(id, day, place, amount)"
        )
        moves = stage(connection, lake, record, CONTRACT, D[0]).moves
    catalog.publish(settings, moves, "silver")


def run(settings: Settings, *days: date, tables: Sequence[GoldTable] = TABLES) -> dict[str, GoldResult]:
    """Materialise ``days``; the last is today."""
    record = publication.latest(Lake.open(settings))
    # Before the first load every day but today would be restated from what is published, as today is.
    results = compute(settings, record, tables, {"s": CONTRACT}, days, days[-1])
    catalog.publish(settings, {key: move for r in results.values() for key, move in r.moves.items()}, "gold")
    return results


def read(settings: Settings, sql: str, *, private: bool = False) -> list[tuple[Any, ...]]:
    with connect(settings=settings, private=private) as connection:
        return connection.execute(sql).fetchall()


def test_readers_see_series_states_and_days(settings: Settings) -> None:
    run(settings, *D)
    assert read(settings, "SELECT place, amount FROM gold.places ORDER BY 1") == [("Bourg", 20), ("Lyon", 15)]
    changes = "SELECT _gold_partition_date, place, amount FROM gold.places_history ORDER BY ALL"
    # On each day what changed; where nothing did, the first row, so that the day is known to have been computed.
    assert read(settings, changes) == [
        (D[0], "Lyon", 10), (D[1], "Bourg", 20), (D[2], "Bourg", 20), (D[3], "Bourg", 20), (D[3], "Lyon", 15),
    ]  # fmt: skip
    assert read(settings, "SELECT place, amount FROM gold.open ORDER BY 1") == [("Bourg", 20), ("Lyon", 15)]
    assert read(settings, "SELECT count(*) FROM gold.open_history") == [(1 + 2 + 2 + 2,)]
    assert read(settings, "SELECT amount FROM gold.days ORDER BY date_id") == [(10,), (20,), (0,), (5,)]
    assert read(settings, "SELECT amount FROM gold.total", private=True) == [(35,)]
    told = "SELECT table_name, row_count FROM freshness WHERE layer = 'gold' ORDER BY 1"
    assert read(settings, told, private=True) == [("days", 4), ("open", 2), ("places", 2), ("total", 1)]
    with pytest.raises(duckdb.CatalogException, match="total does not exist"):
        read(settings, "FROM gold.total")


def test_the_same_again_writes_nothing(settings: Settings) -> None:
    run(settings, *D)
    number = publication.latest(Lake.open(settings)).number
    again = run(settings, *D)
    assert {result.written for result in again.values()} == {0}
    assert publication.latest(Lake.open(settings)).number == number


def test_a_key_that_left_and_a_state_that_emptied_are_seen_no_more(settings: Settings) -> None:
    run(settings, *D[:3])
    sell(settings, [(1, D[0], "Lyon", -10)])
    run(settings, D[3])
    assert read(settings, "SELECT place, amount FROM gold.places") == [("Lyon", -10)]
    assert read(settings, "FROM gold.open") == []
    assert read(settings, "SELECT DISTINCT _gold_partition_date FROM gold.open_history ORDER BY 1") == [
        (day,) for day in D[:3]
    ]
    assert read(settings, "SELECT row_count FROM freshness WHERE table_name = 'open'") == [(0,)]


def test_a_past_day_done_again_leaves_the_others_as_they_are(settings: Settings) -> None:
    run(settings, *D)
    sell(settings, [(1, D[0], "Lyon", 11), *START[1:]])
    run(settings, D[0], D[3])
    assert read(settings, "SELECT amount FROM gold.days ORDER BY date_id") == [(11,), (20,), (0,), (5,)]
    on_days = "SELECT _gold_partition_date, amount FROM gold.open_history WHERE place = 'Lyon' ORDER BY 1"
    assert read(settings, on_days) == [(D[0], 11), (D[1], 10), (D[2], 10), (D[3], 16)]
    assert read(settings, "SELECT row_count FROM freshness WHERE table_name = 'days'") == [(4,)]


def test_what_uses_a_refused_table_is_kept_back_with_it_and_others_go_on(settings: Settings) -> None:
    run(settings, *D[:3])
    sell(settings, [*START, (4, D[3], "Mars", 7)])
    bad = replace(
        PLACES, rule="SELECT 'nobody sells on ' || place AS problem FROM computed.places WHERE place = 'Mars'"
    )
    results = run(settings, D[3], tables=(bad, OPEN, replace(TOTAL, uses=[bad])))
    assert results["places"].findings.identities == ["nobody sells on Mars"]
    assert results["total"].findings.uses == ["gold/places, which it uses, is wrong"]
    assert read(settings, "SELECT amount FROM gold.total", private=True) == [(30,)]
    assert read(settings, "SELECT count(*) FROM gold.places") == [(2,)]
    assert read(settings, "SELECT count(*) FROM gold.open") == [(3,)]


def test_a_query_that_fails_is_told_and_others_go_on(settings: Settings) -> None:
    broken = replace(OPEN, name="broken", query="SELECT place, error('no such place') AS amount FROM silver.s")
    results = run(settings, D[3], tables=(broken, OPEN))
    assert "no such place" in results["broken"].findings.error
    assert results["broken"].moves == {}
    assert read(settings, "SELECT count(*) FROM gold.open") == [(2,)]


@pytest.mark.parametrize("table", [OPEN, DAYS], ids=lambda table: table.kind)
def test_a_column_declared_later_is_null_in_older_partitions(settings: Settings, table: Written) -> None:
    class Wider(table.model):  # type: ignore[name-defined, misc]
        more: Series[int] = pa_polars.Field(description="More.", nullable=True)

    run(settings, *D[:3], tables=[table])
    wider = replace(table, model=Wider, query=f"SELECT *, 1::BIGINT AS more FROM ({table.query})")
    run(settings, D[3], tables=[wider])
    history = f"SELECT DISTINCT _gold_partition_date, more FROM gold.{table.name}_history ORDER BY 1"
    assert read(settings, history) == [(D[0], None), (D[1], None), (D[2], None), (D[3], 1)]


def test_doubles_are_kept_without_the_noise_of_the_order_they_were_added_in(settings: Settings) -> None:
    class Rate(pa_polars.DataFrameModel):
        place: Series[str] = pa_polars.Field(description="Place.")
        rate: Series[float] = pa_polars.Field(description="0.1 + 0.2.")

    query = "SELECT DISTINCT place, 0.1::DOUBLE + 0.2::DOUBLE AS rate FROM silver.s"
    run(settings, D[3], tables=[replace(OPEN, model=Rate, query=query)])
    assert read(settings, "SELECT DISTINCT rate FROM gold.open") == [(0.3,)]
