"""What other processes do to a lake in these tests. Top-level functions: `spawn` imports them by name."""

from __future__ import annotations

import os
import signal
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
