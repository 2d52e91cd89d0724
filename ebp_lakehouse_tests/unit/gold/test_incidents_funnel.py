"""gold.incidents_funnel: reopenings, escalation, targets and clock errors, worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest

from ebp_lakehouse.gold.field.incidents_funnel import INCIDENTS_FUNNEL
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, problems, silver


def incident(name: str, start: str, end: str | None = None, **others: Any) -> dict[str, Any]:
    return {
        "incident_key": name, "incident_id": name, "creation_date_key": day_key(start[:10]), "start_at": start,
        "end_at": end, "reopened_at": [], "withdrawn_end_at": [], **others,
    }  # fmt: skip


INCIDENTS = [
    # opened on the 1st, answered on the 2nd, ended on the 3rd, opened again on the 5th, ended on the 6th
    incident("i1", "2026-03-01 08:00", "2026-03-06 10:00", first_response_at="2026-03-02 08:00",
             reopened_at=["2026-03-05 09:00"], withdrawn_end_at=["2026-03-03 12:00"],
             time_to_first_response_hours=24, time_to_resolution_hours=122, sla_met_flag=False,
             sla_missed_at="2026-03-04 08:00"),
    # resolved the day it was opened by two technicians, within target
    incident("i2", "2026-03-03 08:00", "2026-03-03 18:00", first_response_at="2026-03-03 09:00",
             time_to_first_response_hours=1, time_to_resolution_hours=10, sla_met_flag=True),
    # answer and end typed before the opening: told on the 4th
    incident("i3", "2026-03-04 08:00", "2026-03-02 08:00", first_response_at="2026-03-02 07:00",
             time_to_first_response_hours=0, time_to_resolution_hours=0),
    incident("i4", "2026-03-06 08:00"),
    incident("i5", "2026-03-08 08:00"),
]  # fmt: skip
EVENTS = [
    {"intervention_key": name, "incident_id": code, "state": state, "start_at": start}
    for name, code, state, start in [
        ("e1", "I2", "Done", "2026-03-03 09:00"),
        ("e2", "i2", "Done", "2026-03-03 14:00"),
        ("e3", "i4", "Cancelled", "2026-03-06 09:00"),
    ]
]
TEAM = [
    {"intervention_key": event, "colleague_id": colleague}
    for event, colleague in [("e1", "T1"), ("e1", "t1"), ("e2", "T2"), ("e3", "T3")]
]


@pytest.fixture
def connection() -> Any:
    tables = {
        "dim_date": calendar("2026-01-01", "2026-12-31"),
        "fact_incidents": INCIDENTS,
        "fact_interventions": EVENTS,
        "fact_intervention_technicians": TEAM,
    }
    with silver(tables) as made:
        yield made


def test_each_day_is_worked_out_by_hand(connection: Any) -> None:
    rows = computed(INCIDENTS_FUNNEL, connection, "2026-03-07")
    counts = [
        "new_incidents_count", "resolved_incidents_count", "reopened_incidents_count", "backlog_count",
        "in_progress_incidents_count",
    ]  # fmt: skip
    assert {row["date_id"] % 100: tuple(row[name] for name in counts) for row in rows} == {
        1: (1, 0, 0, 1, 0),  # i1
        2: (0, 0, 0, 1, 1),  # answered
        3: (1, 2, 0, 0, 0),  # i2 opened; i1 (for the first time) and i2 ended
        4: (1, 1, 0, 0, 0),  # i3 in a day
        5: (0, 0, 1, 1, 1),  # i1 again, answered long ago
        6: (1, 1, 0, 1, 0),  # i4 opened, i1 ended
        7: (0, 0, 0, 1, 0),  # i5 of tomorrow waits
    }
    by_day = {row["date_id"] % 100: row for row in rows}
    assert by_day[3]["escalation_rate"] == 1  # i1 is opened again later, i2 had T1 (as t1 too) and T2
    assert by_day[4]["escalation_rate"] == 0
    assert by_day[1]["escalation_rate"] is None
    assert by_day[3]["avg_time_to_resolution_hours"] == 10  # i1 has its hours on its last end
    assert by_day[6]["avg_time_to_resolution_hours"] == 122
    assert (by_day[2]["avg_time_to_resolution_hours"], by_day[4]["avg_time_to_resolution_hours"]) == (None, 0)  # i3
    assert (by_day[2]["avg_time_to_first_response_hours"], by_day[4]["avg_time_to_first_response_hours"]) == (24, 0)
    assert [row["sla_missed_count"] for row in rows] == [0, 0, 0, 1, 0, 0, 0]
    assert [row["sla_met_count"] for row in rows] == [0, 0, 1, 0, 0, 0, 0]


def test_a_past_day_does_not_know_what_came_later(connection: Any) -> None:
    (*_, last) = computed(INCIDENTS_FUNNEL, connection, "2026-03-04")
    assert (last["date_id"], last["backlog_count"], last["reopened_incidents_count"]) == (20260304, 0, 0)
    third = computed(INCIDENTS_FUNNEL, connection, "2026-03-03")[-1]
    assert third["escalation_rate"] == 0.5  # i2 only: i1's reopening lies ahead


def test_who_was_called_off_did_not_come() -> None:
    tables = {
        "dim_date": calendar("2026-01-01", "2026-12-31"),
        "fact_incidents": [incident("i1", "2026-03-01 08:00", "2026-03-02 08:00")],
        "fact_interventions": [
            {"intervention_key": name, "incident_id": "i1", "state": state, "start_at": "2026-03-01 10:00"}
            for name, state in (("e1", "Done"), ("e2", "Cancelled"))
        ],
        "fact_intervention_technicians": [
            {"intervention_key": "e1", "colleague_id": "T1"},
            {"intervention_key": "e2", "colleague_id": "T2"},
        ],
    }
    with silver(tables) as connection:
        assert computed(INCIDENTS_FUNNEL, connection, "2026-03-02")[-1]["escalation_rate"] == 0


def test_without_incidents_days_run_from_the_first_appointment_with_zeros() -> None:
    tables = {
        "dim_date": calendar("2026-01-01", "2026-12-31"),
        "fact_incidents": [],
        "fact_interventions": [{"intervention_key": "e", "schedule_date_key": 20260305, "state": "Done"}],
        "fact_intervention_technicians": [],
    }
    with silver(tables) as connection:
        rows = computed(INCIDENTS_FUNNEL, connection, "2026-03-07")
    assert [row["date_id"] for row in rows] == [20260305, 20260306, 20260307]
    assert {(row["backlog_count"], row["new_incidents_count"], row["escalation_rate"]) for row in rows} == {
        (0, 0, None)
    }


def test_a_backlog_that_does_not_follow_is_found(connection: Any) -> None:
    name = "computed.incidents_funnel"
    for change in (
        f"UPDATE {name} SET backlog_count = 5 WHERE date_id = 20260305",
        f"UPDATE {name} SET in_progress_incidents_count = 2 WHERE date_id = 20260307",
        f"DELETE FROM {name} WHERE date_id = 20260301",
    ):
        assert problems(INCIDENTS_FUNNEL, connection, "2026-03-07", change), change
