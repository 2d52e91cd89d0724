"""Many readers while much is published: no error, no torn read, never two publications mixed."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import open_at_pin
from ebp_lakehouse.lake.publication import Move
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.lake.processes import TABLES_READ, pin_of, read_until, rows_at

SPAWN = multiprocessing.get_context("spawn")
PUBLISHES, PROCESSES, THREADS = 100, 2, 25
WAIT_AT_EVERY = 5  # publications: the publisher lets a reader see this one, however fast the machine is

pytestmark = pytest.mark.timeout(400)


def publish_both(settings: Settings, number: int) -> None:
    """Publication ``number``: every row of both tables says so, and their number of rows does, too."""
    lake, moves = Lake.open(settings), {}
    pins = publication.latest(lake).pins
    data = pa.table({"number": pa.array([number] * rows_at(number), pa.int64())})
    for key in TABLES_READ:
        writer = open_at_pin(lake, key, pins.get(key))
        commit = writer.overwrite(data)
        moves[key] = Move(writer.based_on, pin_of(commit.version, data.num_rows))
    record = catalog.publish(settings, moves, "test")
    assert record.number == number


def wait_until_seen(newest: Any, number: int, readers: list[Any]) -> None:
    deadline = time.monotonic() + 60
    while newest.value < number and time.monotonic() < deadline:
        assert all(reader.is_alive() for reader in readers), "a reader's process died"
        time.sleep(0.02)
    assert newest.value >= number, f"no reader saw publication {number} within a minute"


def test_fifty_readers_during_a_hundred_publications(tmp_path: Path) -> None:
    settings = Settings(lake_url=str(tmp_path / "lake"))
    publish_both(settings, 1)
    stop, newest, results = SPAWN.Event(), SPAWN.Value("q", 0), SPAWN.Queue()
    ready = SPAWN.Barrier(PROCESSES + 1)
    readers = [
        SPAWN.Process(target=read_until, args=(settings, ready, stop, newest, results, THREADS), daemon=True)
        for _ in range(PROCESSES)
    ]
    for reader in readers:
        reader.start()
    try:
        ready.wait(120)
        for number in range(2, PUBLISHES + 1):
            publish_both(settings, number)
            if number % WAIT_AT_EVERY == 0:
                wait_until_seen(newest, number, readers)
    finally:
        stop.set()
    outcomes = [outcome for _ in readers for outcome in results.get(timeout=120)]
    for reader in readers:
        reader.join(60)
    assert len(outcomes) == PROCESSES * THREADS
    assert [outcome.wrong for outcome in outcomes if outcome.wrong] == []
    assert all(outcome.numbers == sorted(outcome.numbers) for outcome in outcomes), "nobody goes back in time"
    assert all(len(set(outcome.numbers)) >= 2 for outcome in outcomes), "everybody read while it was published"
