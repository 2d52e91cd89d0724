"""gold.colleague_performance: team work, distance with the way back, roles and the score, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.field.colleague_performance import COLLEAGUE_PERFORMANCE
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, problems, silver

DEPOT = {"depot_latitude": 46.0, "depot_longitude": 5.0}
COLLEAGUES = [
    {"colleague_id": "T1", "colleague_key": "1" * 32, "is_salesperson": False, **DEPOT},
    {"colleague_id": "T2", "colleague_key": "2" * 32, "is_salesperson": True, **DEPOT},
]


def appointment(name: str, day: str, hour: int, **others: Any) -> dict[str, Any]:
    return {
        "intervention_key": name, "event_id": name, "schedule_date_key": day_key(day), "state": "Done",
        "start_at": f"{day} {hour:02}:00", "billable_amount": 0, "longitude": 5.0, **others,
    }  # fmt: skip


# Four appointments of T1 in March, 60 planned minutes and 75 achieved each; T2 helps on the last one.
APPOINTMENTS = [
    appointment("a", "2026-03-02", 8, latitude=46.1, distance_km=11.12, scheduled_duration_minutes=60,
                actual_duration_minutes=75, billable_amount=100, is_first_call_resolution=True),
    appointment("b", "2026-03-02", 10, latitude=46.2, distance_km=11.12, scheduled_duration_minutes=60,
                actual_duration_minutes=75, is_first_call_resolution=False),
    # no point: neither a leg nor a way back
    appointment("c", "2026-03-03", 8, scheduled_duration_minutes=60, actual_duration_minutes=75),
    appointment("d", "2026-03-04", 8, latitude=46.3, distance_km=33.36, scheduled_duration_minutes=60,
                actual_duration_minutes=75, billable_amount=50),
    appointment("e", "2026-03-05", 8, latitude=47.0, distance_km=111.19, state="Cancelled", billable_amount=999),
]  # fmt: skip
TEAM = [
    *({"intervention_key": k, "colleague_id": "T1", "is_main": True, "minutes": 75} for k in "abcd"),
    {"intervention_key": "e", "colleague_id": "T1", "is_main": True},
    {"intervention_key": "d", "colleague_id": "T2", "is_main": False, "minutes": 30},
]
TIME = [
    {"date_key": 20260302, "colleague_id": "T1", "available_minutes": 500, "intervention_minutes": 300, "billable_minutes": 150, "travel_minutes": 50},
    {"date_key": 20260302, "colleague_id": "T2", "available_minutes": 0, "intervention_minutes": 30, "billable_minutes": 0, "travel_minutes": 0},
    {"date_key": 20260320, "colleague_id": "T1", "available_minutes": 500, "intervention_minutes": 0, "billable_minutes": 0, "travel_minutes": 0},
]  # fmt: skip
SALES = [
    {"colleague_id": who, "date_key": day, "document_type": kind, "net_amount_excl_tax": amount}
    for who, day, kind, amount in [
        ("T2", 20260310, "Invoice", 500),
        ("T2", 20260311, "CreditNote", -40),
        ("T2", 20260311, "Order", 900),
        ("T2", 20260401, "Invoice", 10),
        ("GONE", 20260310, "Invoice", 7),
        (None, 20260310, "Invoice", 8),
    ]
]


@pytest.fixture
def connection() -> Any:
    tables = {
        "dim_date": calendar("2026-01-01", "2026-12-31"),
        "dim_colleague": COLLEAGUES,
        "fact_interventions": APPOINTMENTS,
        "fact_intervention_technicians": TEAM,
        "fact_technician_time": TIME,
        "fact_sales": SALES,
    }
    with silver(tables) as made:
        yield made


def march(connection: Any, as_of: str = "2026-03-15", **own: Any) -> dict[str, dict[str, Any]]:
    rows = computed(COLLEAGUE_PERFORMANCE, connection, as_of, **own)
    return {row["colleague_id"]: row for row in rows if row["period_start"] == date(2026, 3, 1)}


def test_a_month_is_worked_out_by_hand(connection: Any) -> None:
    one = march(connection)["T1"]
    assert (one["interventions_count"], one["interventions_completed_count"]) == (5, 4)
    assert one["avg_intervention_duration"] == 75
    # legs 11.12 + 11.12 + 33.36, back 0.2 and 0.3 degrees of 111.19 km
    assert one["total_distance_km"] == pytest.approx(55.60 + 22.24 + 33.36, abs=0.01)
    assert one["estimated_road_km"] == pytest.approx(111.20 * 1.3, abs=0.02)
    assert one["distance_per_intervention_km"] == pytest.approx(111.20 / 4, abs=0.01)
    assert one["first_call_resolution_rate"] == 0.5
    assert one["utilization_rate"] == 0.6  # 300 / 500: the 20th is still to come
    assert one["occupancy_rate"] == 0.7
    assert one["billable_rate"] == 0.3
    assert (one["field_revenue"], one["revenue_generated"]) == (Decimal("150.00"), Decimal("150.00"))
    assert one["field_revenue_per_hour"] == Decimal("30.00")  # 150 / 5 h
    assert one["efficiency_score"] is None  # four of the ten appointments that a score wants


def test_roles_are_not_added_and_team_mates_earn_no_revenue_of_the_leader(connection: Any) -> None:
    two = march(connection)["T2"]
    assert two["interventions_count"] == 1
    assert (two["field_revenue"], two["sales_revenue"]) == (Decimal("0.00"), Decimal("460.00"))
    assert two["revenue_generated"] == Decimal("460.00")
    assert two["avg_intervention_duration"] == 30
    assert two["total_distance_km"] is None
    assert two["utilization_rate"] is None
    assert march(connection)["GONE"]["revenue_generated"] == Decimal("0.00")  # no master says salesperson
    assert march(connection)["GONE"]["sales_revenue"] == Decimal("7.00")


def test_the_score_weighs_its_parts_and_a_missing_one_leaves_its_weight(connection: Any) -> None:
    # planned 240 / achieved 300 = 0.8; first calls 0.5; utilisation 0.6 / 0.75 = 0.8
    scored = march(connection, efficiency_minimum_completed=4)["T1"]
    assert scored["efficiency_score"] == pytest.approx(35 * 0.8 + 35 * 0.5 + 30 * 0.8)
    # T2 has only the time of others: nothing to judge
    assert march(connection, efficiency_minimum_completed=1)["T2"]["efficiency_score"] is None
    connection.execute("UPDATE silver.fact_interventions SET is_first_call_resolution = NULL")
    assert march(connection, efficiency_minimum_completed=4)["T1"]["efficiency_score"] == pytest.approx(80)


def test_revenue_that_is_lost_is_found(connection: Any) -> None:
    name = "computed.colleague_performance"
    for change in (
        f"UPDATE {name} SET field_revenue = 0 WHERE colleague_id = 'T1'",
        f"DELETE FROM {name} WHERE colleague_id = 'GONE'",
        f"UPDATE {name} SET interventions_completed_count = 6 WHERE colleague_id = 'T1'",
    ):
        assert problems(COLLEAGUE_PERFORMANCE, connection, "2026-03-15", change), change
