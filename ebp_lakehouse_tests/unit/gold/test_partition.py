"""The partition rule of daily series: worked by hand, and as a property over random orders of back-fill."""

from __future__ import annotations

from datetime import date

import duckdb
import pandera.polars as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.typing.polars import Series

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.partition import COMPUTED, HISTORY, DailySeries


class Sales(pa.DataFrameModel):
    date_id: Series[int] = pa.Field(description="day")
    revenue: Series[int] = pa.Field(description="revenue", nullable=True)


TABLE = GoldTable("sales", "test", ("date_id",), Sales, (), ())
D = [date(2026, 1, day) for day in range(1, 6)]
KEY = [20260100 + day for day in range(1, 6)]


def new_series() -> DailySeries:
    connection = duckdb.connect()
    connection.execute(
        f"""CREATE TEMP TABLE {HISTORY} (date_id BIGINT, revenue BIGINT, _known_at TIMESTAMP, _basis VARCHAR,
        _gold_partition_date DATE)"""
    )
    return DailySeries(connection, TABLE)


def run(series: DailySeries, index: int, figures: dict[int, int | None]) -> int:
    """Compute partition D[index] with ``figures`` (day index → revenue)."""
    rows = ", ".join(f"({KEY[i]}, {'NULL' if v is None else v})" for i, v in figures.items())
    series.connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE {COMPUTED} AS SELECT date_id::BIGINT AS date_id, revenue::BIGINT AS revenue,
        now()::TIMESTAMP AS _known_at, 'as_known' AS _basis, DATE '{D[index]}' AS _gold_partition_date
        FROM (VALUES {rows}) t(date_id, revenue)"""
    )
    return series.replace(D[index], KEY[index])


def view(series: DailySeries, upto: int) -> dict[int, int | None]:
    """What a reader of partition D[upto] sees: per day the row of the greatest partition not after it."""
    rows = series.connection.execute(
        f"""SELECT date_id, revenue FROM {HISTORY} WHERE _gold_partition_date <= DATE '{D[upto]}'
        QUALIFY row_number() OVER (PARTITION BY date_id ORDER BY _gold_partition_date DESC) = 1 ORDER BY 1"""
    ).fetchall()
    return {key - KEY[0]: value for key, value in rows}


def partition(series: DailySeries, index: int) -> dict[int, int | None]:
    rows = series.connection.execute(
        f"SELECT date_id, revenue FROM {HISTORY} WHERE _gold_partition_date = DATE '{D[index]}' ORDER BY 1"
    ).fetchall()
    return {key - KEY[0]: value for key, value in rows}


def test_a_partition_holds_what_changed_and_its_own_day() -> None:
    series = new_series()
    run(series, 0, {0: 10})
    run(series, 1, {0: 10, 1: 20})
    assert partition(series, 1) == {1: 20}
    run(series, 2, {0: 15, 1: 20, 2: 0})  # a late invoice restates the first day
    assert partition(series, 2) == {0: 15, 2: 0}
    assert view(series, 1) == {0: 10, 1: 20}
    assert view(series, 2) == {0: 15, 1: 20, 2: 0}


def test_a_second_run_touches_nothing() -> None:
    series = new_series()
    run(series, 0, {0: 10})
    run(series, 1, {0: 11, 1: None})
    series.touched.clear()
    run(series, 1, {0: 11, 1: None})
    run(series, 0, {0: 10})
    assert series.touched == set()


def test_a_late_backfill_does_not_change_what_later_partitions_show() -> None:
    series = new_series()
    run(series, 0, {0: 10})
    run(series, 2, {0: 10, 1: 5, 2: 7})
    run(series, 1, {0: 9, 1: 5})  # on the second day, 9 was known; on the third it was 10 again
    assert view(series, 1) == {0: 9, 1: 5}
    assert view(series, 2) == {0: 10, 1: 5, 2: 7}
    assert partition(series, 2)[0] == 10


states = st.lists(st.lists(st.integers(0, 2), min_size=5, max_size=5), min_size=5, max_size=5)


@settings(max_examples=150)
@given(states, st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=4))
def test_any_order_of_backfills_shows_each_day_as_computed(
    known: list[list[int]], order: list[int], again: list[int]
) -> None:
    """Whatever the order and the repetitions, the view as of D equals the series computed for D."""
    series = new_series()
    for index in [*order, *again]:
        run(series, index, {i: known[index][i] for i in range(index + 1)})
    for index in range(5):
        assert view(series, index) == {i: known[index][i] for i in range(index + 1)}


@pytest.mark.parametrize("column", ["date_id", "total_revenue_excl_tax", "conversion_rate"])
def test_every_formula_is_written_beside_its_column(column: str) -> None:
    from ebp_lakehouse.gold.sales_daily_kpi import SALES_DAILY_KPI  # noqa: PLC0415

    field = SALES_DAILY_KPI.arrow_schema().field(column)
    assert field.metadata[b"comment"]
    assert SALES_DAILY_KPI.metadata(column)["label_fr"]
