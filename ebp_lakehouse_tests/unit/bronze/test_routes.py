"""Which way in, by what changed since the last position."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from ebp_lakehouse.bronze.routes import XID_REACH, Position, advanced, choose
from ebp_lakehouse.source.extraction import Capture
from ebp_lakehouse.source.introspection import Column, SourceTable

NOW = datetime(2026, 11, 23, 10)  # noqa: DTZ001
TABLE = SourceTable("T", "public", 7, (Column("Id", "uuid", False, 1),), ("Id",), True, True, 0)


def capture(horizon: int = 100, next_xid: int = 110, at: datetime = NOW, system: str = "1/2") -> Capture:
    made = Capture("postgresql://nowhere/x", [])
    made.horizon, made.next_xid, made.captured_at, made.system, made.batch_id = horizon, next_xid, at, system, "b"
    return made


BEFORE = advanced(capture(90, 95, NOW - timedelta(hours=1)), TABLE, None, "snapshot")


def test_position_survives_json_and_keeps_64_bits() -> None:
    big = replace(BEFORE, horizon=2**53 + 1, number=2**53 + 1)
    assert Position.from_json(big.to_json()) == big
    assert big.to_json()["horizon"] == str(2**53 + 1)


@pytest.mark.parametrize(
    ("before", "table", "now", "route"),
    [
        (None, TABLE, capture(), "snapshot"),
        (BEFORE, TABLE, capture(), "batch"),
        (replace(BEFORE, horizon=None), TABLE, capture(), "snapshot"),
        (BEFORE, replace(TABLE, oid=8), capture(), "snapshot"),
        (BEFORE, replace(TABLE, has_xmin=False), capture(), "snapshot"),
        (BEFORE, replace(TABLE, columns=(*TABLE.columns, Column("x", "text", True, 2))), capture(), "snapshot"),
        (BEFORE, TABLE, capture(system="9/2", horizon=3, next_xid=3), "snapshot"),
        (BEFORE, TABLE, capture(90 + XID_REACH, 90 + XID_REACH), "snapshot"),
        (BEFORE, TABLE, capture(80, 95), "stale"),
        (BEFORE, TABLE, capture(90, 95, NOW - timedelta(hours=2)), "stale"),
        (BEFORE, TABLE, capture(90, 95), "batch"),
    ],
)
def test_choice(before: Position | None, table: SourceTable, now: Capture, route: str) -> None:
    assert choose(now, table, before).route == route


def test_a_window_moves_no_horizon_and_numbers_never_fall() -> None:
    assert advanced(capture(), TABLE, BEFORE, "window") == replace(BEFORE, number=100)
    assert advanced(capture(horizon=3, system="9/2"), TABLE, BEFORE, "window") == BEFORE
    assert advanced(capture(), TABLE, None, "window").horizon is None
    assert advanced(capture(horizon=3, system="9/2"), TABLE, BEFORE, "snapshot").number == BEFORE.number
