"""The partition rule: worked by hand, and as properties over random orders of back-fill."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import duckdb
import pandera.polars as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandera.typing.polars import Series

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.partition import HISTORY, Partitions


class Sales(pa.DataFrameModel):
    date_id: Series[int] = pa.Field(description="day")
    revenue: Series[int] = pa.Field(description="revenue", nullable=True)


class Places(pa.DataFrameModel):
    place: Series[int] = pa.Field(description="a key without a day")
    revenue: Series[int] = pa.Field(description="revenue", nullable=True)


SERIES = GoldTable("sales", "test", ("date_id",), Sales, (), ())
PLACES = GoldTable("places", "test", ("place",), Places, (), ())
STATE = replace(PLACES, kind="state")
D = [date(2026, 1, 29), date(2026, 1, 30), date(2026, 1, 31), date(2026, 2, 1), date(2026, 2, 2)]
KEY = [int(day.strftime("%Y%m%d")) for day in D]
Figures = Mapping[int, int | None]


def partitions_of(table: GoldTable) -> Partitions:
    connection = duckdb.connect()
    connection.register("declared", table.arrow_schema().empty_table())
    connection.execute(f"CREATE TABLE {HISTORY} AS FROM declared")
    return Partitions(connection, table)


def run(partitions: Partitions, index: int, figures: Figures) -> int:
    """Compute partition D[index] with ``figures`` (index of the key → revenue)."""
    name = partitions.table.key[0]
    rows = "".join(
        f"UNION ALL SELECT {KEY[i]}, {'NULL' if v is None else v}::BIGINT " for i, v in sorted(figures.items())
    )
    partitions.connection.execute(
        f"""CREATE OR REPLACE TABLE figures AS SELECT key::BIGINT AS {name}, revenue FROM (
        SELECT 0 AS key, 0::BIGINT AS revenue WHERE false {rows})"""
    )
    return partitions.replace(D[index], "figures", datetime(2026, 3, index + 1), "as_known")  # noqa: DTZ001


def view(partitions: Partitions, upto: int) -> dict[int, int | None]:
    """What a reader of partition D[upto] sees: per key the row of the greatest partition not after it."""
    name = partitions.table.key[0]
    rows = partitions.connection.execute(
        f"""SELECT {name}, revenue FROM (
            FROM {HISTORY} WHERE _gold_partition_date <= DATE '{D[upto]}'
            QUALIFY row_number() OVER (PARTITION BY {name} ORDER BY _gold_partition_date DESC) = 1
        ) WHERE NOT _gold_is_deleted ORDER BY 1"""
    ).fetchall()
    return {KEY.index(key): value for key, value in rows}


def partition(partitions: Partitions, index: int) -> dict[int, int | None]:
    """The rows that a partition holds, marks of withdrawn keys apart."""
    rows = partitions.connection.execute(
        f"""SELECT {partitions.table.key[0]}, revenue FROM {HISTORY}
        WHERE _gold_partition_date = DATE '{D[index]}' AND NOT _gold_is_deleted ORDER BY 1"""
    ).fetchall()
    return {KEY.index(key): value for key, value in rows}


def test_a_partition_holds_what_changed_and_its_own_day() -> None:
    series = partitions_of(SERIES)
    run(series, 0, {0: 10})
    run(series, 1, {0: 10, 1: 20})
    assert partition(series, 1) == {1: 20}
    run(series, 2, {0: 15, 1: 20, 2: 0})  # a late invoice restates the first day
    assert partition(series, 2) == {0: 15, 2: 0}
    assert view(series, 1) == {0: 10, 1: 20}
    assert view(series, 2) == {0: 15, 1: 20, 2: 0}
    assert series.live_rows() == 3


def test_a_second_run_touches_nothing() -> None:
    series = partitions_of(SERIES)
    run(series, 0, {0: 10})
    run(series, 1, {0: 11, 1: None})
    series.touched.clear()
    run(series, 1, {0: 11, 1: None})
    run(series, 0, {0: 10})
    assert series.touched == set()


def test_a_late_backfill_does_not_change_what_later_partitions_show() -> None:
    series = partitions_of(SERIES)
    run(series, 0, {0: 10})
    run(series, 2, {0: 10, 1: 5, 2: 7})
    run(series, 1, {0: 9, 1: 5})  # on the second day, 9 was known; on the third it was 10 again
    assert view(series, 1) == {0: 9, 1: 5}
    assert view(series, 2) == {0: 10, 1: 5, 2: 7}
    assert partition(series, 2)[0] == 10


def test_a_key_that_left_the_series_is_seen_no_more_but_was_there_before() -> None:
    places = partitions_of(PLACES)
    run(places, 0, {0: 10, 1: 20})
    run(places, 1, {0: 10})  # the only invoice of the second place was moved elsewhere
    assert view(places, 0) == {0: 10, 1: 20}
    assert view(places, 1) == {0: 10}
    assert places.live_rows() == 1
    run(places, 2, {0: 10, 1: 3})  # and came back
    assert view(places, 2) == {0: 10, 1: 3}


def test_a_day_on_which_nothing_changed_is_known_to_have_been_computed() -> None:
    places = partitions_of(PLACES)
    run(places, 0, {0: 10, 1: 20})
    run(places, 2, {0: 10, 1: 20})
    run(places, 1, {0: 11, 1: 20})  # back-filled later; it must not show through the third day
    assert view(places, 2) == {0: 10, 1: 20}


def test_a_state_is_replaced_as_a_whole_and_leaves_the_others_alone() -> None:
    state = partitions_of(STATE)
    run(state, 0, {0: 10, 1: 20})
    run(state, 1, {0: 10})
    assert (partition(state, 0), partition(state, 1)) == ({0: 10, 1: 20}, {0: 10})
    run(state, 0, {2: 1})
    assert (partition(state, 0), partition(state, 1)) == ({2: 1}, {0: 10})
    state.touched.clear()
    run(state, 1, {0: 10})
    assert state.touched == set()
    run(state, 1, {})
    assert (partition(state, 1), state.touched) == ({}, {D[1]})


states = st.lists(
    st.dictionaries(st.integers(0, 4), st.one_of(st.none(), st.integers(0, 2)), min_size=1), min_size=5, max_size=5
)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([SERIES, PLACES]), states, st.permutations(range(5)), st.lists(st.integers(0, 4), max_size=4))
def test_any_order_of_backfills_shows_each_day_as_computed(
    table: GoldTable, known: list[dict[int, int | None]], order: list[int], again: list[int]
) -> None:
    """Whatever the order and the repetitions, the view as of D equals what was computed for D: rows come and go."""
    computed = known if table is PLACES else [{index: 0} | figures for index, figures in enumerate(known)]
    series = partitions_of(table)
    for index in [*order, *again]:
        run(series, index, computed[index])
    for index in range(5):
        assert view(series, index) == computed[index]


@pytest.mark.parametrize("column", ["date_id", "total_revenue_excl_tax", "conversion_rate"])
def test_every_formula_is_written_beside_its_column(column: str) -> None:
    from ebp_lakehouse.gold.sales.sales_daily_kpi import SALES_DAILY_KPI  # noqa: PLC0415

    field = SALES_DAILY_KPI.arrow_schema().field(column)
    assert field.metadata[b"comment"]
    assert SALES_DAILY_KPI.metadata(column)["label_fr"]
