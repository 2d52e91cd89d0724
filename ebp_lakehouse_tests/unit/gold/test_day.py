"""Tables of one day asked for by several threads at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from time import sleep
from typing import Any

import duckdb
import pandera.polars as pa_polars
import pyarrow as pa
import pytest
from pandera.typing.polars import Series

from ebp_lakehouse.gold.compute import Day, _finish
from ebp_lakehouse.gold.contract import GoldTable

pytestmark = pytest.mark.timeout(60)  # a thread that is not told waits for ever


class Number(pa_polars.DataFrameModel):
    number: Series[int] = pa_polars.Field(description="a number")


class Source:
    """A table whose computation waits until it may go on, counts its calls, and can fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.may_go_on = Event()
        self.calls = 0
        self.table = GoldTable("source", "test", ("number",), Number, (), (), computation=self._compute)

    def _compute(self, connection: duckdb.DuckDBPyConnection, _: Mapping[str, Any]) -> pa.Table:
        self.calls += 1
        assert self.may_go_on.wait(30)
        if self.error:
            raise self.error
        return connection.execute("SELECT 1 AS number UNION ALL SELECT 2 ORDER BY number").to_arrow_table()


def user_of(source: Source, name: str) -> GoldTable:
    def doubled(connection: duckdb.DuckDBPyConnection, _: Mapping[str, Any]) -> pa.Table:
        return connection.execute("SELECT number * 2 AS number FROM computed.source ORDER BY number").to_arrow_table()

    return GoldTable(name, "test", ("number",), Number, (), (), uses=(source.table,), computation=doubled)


@pytest.fixture
def day() -> Iterator[Day]:
    with duckdb.connect() as connection:
        yield Day(connection, {})


def asked(day: Day, source: Source) -> list[Future[Any]]:
    """Four askers, of whom all but one must wait for the first."""
    tables = [source.table, *(user_of(source, f"user_{number}") for number in range(3))]
    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(day.table, table) for table in tables]
        while not all(job.running() for job in jobs):
            sleep(0.01)
        source.may_go_on.set()
    return jobs


def test_what_several_use_is_computed_once(day: Day) -> None:
    source = Source()
    frames = [job.result()[0]["number"].to_list() for job in asked(day, source)]
    assert frames == [[1, 2], [2, 4], [2, 4], [2, 4]]
    assert source.calls == 1


def test_an_error_that_is_nobodys_finding_reaches_all_who_wait(day: Day) -> None:
    source = Source(OSError("no space left"))
    errors = [job.exception() for job in asked(day, source)]
    assert [str(error) for error in errors] == ["no space left"] * 4
    assert source.calls == 1


def test_what_is_wrong_with_a_table_is_said_of_those_that_use_it(day: Day) -> None:
    source = Source(duckdb.OutOfRangeException("too big"))
    found = [job.result() for job in asked(day, source)]
    assert all(frame is None for frame, _ in found)
    assert found[0][1].error == "OutOfRangeException: too big"
    assert [findings.uses for _, findings in found[1:]] == [["gold/source, which it uses, is wrong"]] * 3


def test_after_an_error_the_jobs_that_have_not_begun_are_left() -> None:
    def fail() -> None:
        raise OSError("no space left")

    may_end, begun = Event(), list[int]()
    with ThreadPoolExecutor(1) as pool:
        failing = pool.submit(fail)
        pool.submit(may_end.wait, 30)  # the only thread is taken
        later = [pool.submit(begun.append, number) for number in range(3)]
        with pytest.raises(OSError, match="no space left"):
            _finish([failing, *later])
        may_end.set()
    assert all(job.cancelled() for job in later)
    assert not begun
