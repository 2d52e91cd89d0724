"""gold.technician_calendar_load: the window, free time and overbooking, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ebp_lakehouse.gold.field.technician_calendar_load import TECHNICIAN_CALENDAR_LOAD
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, problems, silver

D = "2026-03-31"


def day(date: str, available: float, planned: float, internal: float = 0, travel: float = 0) -> dict[str, Any]:
    return {
        "colleague_key": "1" * 32, "colleague_id": "T1", "date_key": day_key(date), "schedule_minutes": 420,
        "absent_minutes": 420 - available if available <= 420 else 0, "available_minutes": available,
        "planned_minutes": planned, "internal_minutes": internal, "travel_minutes": travel,
    }  # fmt: skip


DAYS = [
    day("2025-03-31", 420, 1),  # twelve months and a day ago
    day("2025-04-01", 420, 300, 60, 30),
    day("2026-03-30", 200, 240),  # half absent and overbooked
    day("2026-03-31", 0, 0),  # absent
    day("2026-05-26", 420, 420),  # eight weeks ahead: 31 March + 56 days; full, not more
    day("2026-05-27", 420, 1),
]


@pytest.fixture
def connection() -> Any:
    with silver({"dim_date": calendar("2025-01-01", "2026-12-31"), "fact_technician_time": DAYS}) as made:
        yield made


def test_the_window_and_the_load_of_each_day(connection: Any) -> None:
    rows = {row["date_id"]: row for row in computed(TECHNICIAN_CALENDAR_LOAD, connection, D)}
    figures = {
        date: (row["free_minutes"], row["is_overbooked"], row["load_rate"], row["is_future"])
        for date, row in rows.items()
    }
    assert figures == {
        20250401: (30, False, round(390 / 420, 9), False),
        20260330: (0, True, 1.2, False),
        20260331: (0, False, None, False),
        20260526: (0, False, 1, True),
    }


def test_the_window_is_a_parameter(connection: Any) -> None:
    narrow = computed(TECHNICIAN_CALENDAR_LOAD, connection, D, load_months_back=1, load_weeks_ahead=0)
    assert [row["date_id"] for row in narrow] == [20260330, 20260331]


def test_lost_minutes_are_found(connection: Any) -> None:
    name = "computed.technician_calendar_load"
    for change in (
        f"DELETE FROM {name} WHERE date_id = 20260330",
        f"UPDATE {name} SET free_minutes = 5 WHERE date_id = 20260330",
    ):
        assert problems(TECHNICIAN_CALENDAR_LOAD, connection, D, change), change
