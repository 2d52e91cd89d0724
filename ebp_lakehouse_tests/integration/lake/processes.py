"""What other processes do to a lake in these tests. Top-level functions: `spawn` imports them by name."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from ebp_lakehouse.errors import ConflictError
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import TableWriter, open_at_pin
from ebp_lakehouse.lake.publication import Move, Pin
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings


def pin_of(version: int, rows: int, view: dict[str, Any] | None = None) -> Pin:
    return Pin(version, {}, "passed", "2026-11-23", "2026-11-23T00:00:00", rows, view or {"kind": "table"})


def rows_of(*ids: int) -> pa.Table:
    return pa.table({"id": pa.array(ids, pa.int64()), "name": [f"n{number}" for number in ids]})


def append(lake: Lake, key: str, *ids: int) -> tuple[TableWriter, Move]:
    """Append rows from what is published; nothing is visible yet."""
    writer = open_at_pin(lake, key, publication.latest(lake).pins.get(key))
    commit = writer.append(rows_of(*ids), partition_by=[])
    return writer, Move(writer.based_on, pin_of(commit.version, len(ids)))


def publish_rows(settings: Settings, key: str, *ids: int) -> publication.Record:
    _, move = append(Lake.open(settings), key, *ids)
    return catalog.publish(settings, {key: move}, "test")


def publish_many(settings: Settings, key: str, times: int) -> None:
    for number in range(times):
        publish_rows(settings, key, number)


def publish_same_base(settings: Settings, key: str, version: int, based_on: int | None, results: Any) -> None:
    try:
        publication.commit(Lake.open(settings), {key: Move(based_on, pin_of(version, 1))}, "race")
        results.put("published")
    except ConflictError:
        results.put("conflict")


def die_after_delta_commit(settings: Settings, key: str) -> None:
    append(Lake.open(settings), key, 99)
    os.kill(os.getpid(), signal.SIGKILL)


def die_after_record(settings: Settings, key: str) -> None:
    lake = Lake.open(settings)
    _, move = append(lake, key, 99)
    publication.commit(lake, {key: move}, "killed")
    os._exit(137)


TABLES_READ = ("silver/one", "silver/two")
PAUSE = 3  # of each reader, so that fifty of them leave the publisher some of the machine


def rows_at(number: int) -> int:
    """Rows of both tables in publication ``number``."""
    return 100 + number


@dataclass
class Reading:
    """What one reader saw: the publications in order, and what was wrong."""

    numbers: list[int] = field(default_factory=list)
    wrong: str = ""


def read_until(settings: Settings, ready: Any, stop: Any, newest: Any, results: Any, threads: int) -> None:
    """``threads`` readers in this process, each connecting again and again until ``stop``, one after the other.

    ``newest`` is the newest publication that any reader has seen.
    """
    ready.wait(120)
    with ThreadPoolExecutor(threads) as pool:
        readers = [
            pool.submit(_keep_reading, settings, stop, newest, PAUSE * place / threads) for place in range(threads)
        ]
        results.put([reader.result() for reader in readers])


def _keep_reading(settings: Settings, stop: Any, newest: Any, begin_after: float) -> Reading:
    reading = Reading()
    stop.wait(begin_after)
    while not stop.is_set() and not reading.wrong:
        try:
            reading.numbers.append(_read_consistently(settings))
            with newest.get_lock():
                newest.value = max(newest.value, reading.numbers[-1])
        except Exception as error:  # noqa: BLE001 - the test shows whatever it is
            reading.wrong = f"after {reading.numbers[-1:]}: {type(error).__name__}: {error}"
        stop.wait(PAUSE)
    return reading


def _read_consistently(settings: Settings) -> int:
    """Connect and read both tables twice: all of it must be of the one publication that the catalog names."""
    with catalog.connect(settings=settings) as connection:
        ((number,),) = connection.execute("SELECT number FROM publication").fetchall()
        for _ in range(2):
            for table in ("one", "two"):
                found = connection.execute(f"SELECT min(number), max(number), count(*) FROM silver.{table}").fetchall()
                expected = [(number, number, rows_at(number))]
                if found != expected:
                    raise AssertionError(f"publication {number}, table {table}: {found}, not {expected}")
        told = connection.execute("SELECT DISTINCT row_count FROM freshness").fetchall()
        if told != [(rows_at(number),)]:
            raise AssertionError(f"publication {number}: freshness says {told}")
    return int(number)
