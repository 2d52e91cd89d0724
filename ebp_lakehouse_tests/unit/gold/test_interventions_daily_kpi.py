"""gold.interventions_daily_kpi on a dozen appointments: what the mini company does not exercise, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.field.interventions_daily_kpi import INTERVENTIONS_DAILY_KPI
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, problems, silver

MONDAY, TUESDAY, WEDNESDAY = "2026-03-02", "2026-03-03", "2026-03-04"


def appointment(name: str, day: str, state: str, **others: Any) -> dict[str, Any]:
    return {
        "intervention_key": name, "schedule_date_key": day_key(day), "state": state, "intervention_type": "Repair",
        "billable_amount": 0, "is_invoiced": False, "rescheduled_count": 0, "is_overdue": False, **others,
    }  # fmt: skip


APPOINTMENTS = [
    appointment("a", MONDAY, "Done", actual_duration_minutes=90, scheduled_duration_minutes=60, billable_amount=80,
                sla_met_flag=True, time_to_intervention_hours=10, customer_satisfaction_score=5),
    appointment("b", MONDAY, "Done", actual_duration_minutes=30, scheduled_duration_minutes=60, billable_amount=20,
                is_invoiced=True, sla_met_flag=False, time_to_intervention_hours=20, customer_satisfaction_score=4),
    # no time typed in: not in the mean, not in the gap; the invoice and the answer came after the day
    appointment("c", MONDAY, "Done", scheduled_duration_minutes=600, rescheduled_count=2, time_to_intervention_hours=30,
                billable_amount=7, is_invoiced=True, invoice_date="2026-04-02", customer_satisfaction_score=1,
                customer_satisfaction_date="2026-04-02"),
    appointment("d", MONDAY, "Cancelled", billable_amount=500),
    appointment("e", MONDAY, "Scheduled", is_overdue=True),
    # visits of a contract due on 15 March: 2 March is 13 days before, 1 April 17 days after; repairs are no visits
    appointment("f", TUESDAY, "Done", intervention_type="Maintenance", contract_id="k1"),
    appointment("g", TUESDAY, "Done", contract_id="K1"),
    appointment("h", "2026-04-01", "Done", intervention_type="Maintenance", contract_id="K1"),
    # tomorrow waits
    appointment("z", "2026-04-02", "Done", billable_amount=1000),
]  # fmt: skip
DELETED = [{"intervention_key": "x", "schedule_date_key": day_key(WEDNESDAY), "state": "Cancelled"}]
TIME = [
    {"date_key": day_key(MONDAY), "available_minutes": 400, "intervention_minutes": 300, "billable_minutes": 100, "travel_minutes": 60},
    {"date_key": day_key(MONDAY), "available_minutes": 200, "intervention_minutes": 0, "billable_minutes": 0, "travel_minutes": 0},
    # a Saturday's emergency: nobody is available, so there is no rate
    {"date_key": day_key(TUESDAY), "available_minutes": 0, "intervention_minutes": 60, "billable_minutes": 0, "travel_minutes": 0},
]  # fmt: skip
VISITS = [
    {
        "contract_id": "K1",
        "due_date": "2026-03-15",
        "first_date": "2026-01-01",
        "last_date": "2026-06-30",
    }
]


@pytest.fixture
def connection() -> Any:
    tables = {
        "dim_date": calendar("2026-01-01", "2026-12-31"),
        "fact_interventions": APPOINTMENTS,
        "fact_deleted_appointments": DELETED,
        "fact_technician_time": TIME,
        "fact_contract_visits": VISITS,
    }
    with silver(tables) as made:
        yield made


def test_a_day_is_worked_out_by_hand(connection: Any) -> None:
    rows = {row["date_id"]: row for row in computed(INTERVENTIONS_DAILY_KPI, connection, "2026-04-01")}
    monday = rows[20260302]
    assert (
        monday["total_interventions_count"],
        monday["interventions_completed_count"],
        monday["interventions_cancelled_count"],
        monday["interventions_overdue_count"],
    ) == (5, 3, 1, 1)
    assert monday["avg_duration_minutes"] == 60  # (90 + 30) / 2
    assert monday["planning_gap_percent"] == 0  # (90 + 30) / (60 + 60) - 1
    assert monday["total_billable_amount"] == Decimal("107.00")  # the cancelled 500 are nobody's
    assert (monday["not_invoiced_count"], monday["not_invoiced_amount"]) == (2, Decimal("87.00"))
    assert monday["avg_customer_satisfaction"] == 4.5
    assert monday["sla_compliance_rate"] == 0.5
    assert monday["utilization_rate"] == 0.5  # 300 / 600
    assert monday["occupancy_rate"] == 0.6  # 360 / 600
    assert monday["billable_rate"] == pytest.approx(1 / 6)
    assert monday["schedule_completion_rate"] == 0.6  # 3 / (3 + 1 + 1)
    assert monday["cancellation_rate"] == 0.2
    assert monday["interventions_rescheduled_count"] == 1
    assert monday["median_time_to_intervention_hours"] == 20
    assert monday["p90_time_to_intervention_hours"] == 28  # 20 + 0.8 x (30 - 20)


def test_a_visit_is_on_time_within_fifteen_days_of_its_due_date(connection: Any) -> None:
    rows = {row["date_id"]: row for row in computed(INTERVENTIONS_DAILY_KPI, connection, "2026-04-01")}
    assert rows[20260303]["preventive_on_time_rate"] == 1  # f: 12 days before; g is a repair
    assert rows[20260401]["preventive_on_time_rate"] == 0  # h: 17 days after
    assert rows[20260302]["preventive_on_time_rate"] is None
    wider = computed(INTERVENTIONS_DAILY_KPI, connection, "2026-04-01", preventive_tolerance_days=17)
    assert wider[-1]["preventive_on_time_rate"] == 1


def test_days_without_anybody_available_have_no_rate_and_deleted_appointments_are_cancelled(connection: Any) -> None:
    rows = {row["date_id"]: row for row in computed(INTERVENTIONS_DAILY_KPI, connection, "2026-04-01")}
    assert rows[20260303]["utilization_rate"] is None
    assert (rows[20260304]["total_interventions_count"], rows[20260304]["interventions_cancelled_count"]) == (1, 1)
    assert max(rows) == 20260401


def test_what_is_lost_or_doubled_is_found(connection: Any) -> None:
    name = "computed.interventions_daily_kpi"
    for change in (
        f"DELETE FROM {name} WHERE date_id = 20260302",
        f"UPDATE {name} SET total_billable_amount = 0.01 WHERE date_id = 20260304",
        f"UPDATE {name} SET interventions_cancelled_count = 3 WHERE date_id = 20260304",
    ):
        assert problems(INTERVENTIONS_DAILY_KPI, connection, "2026-04-01", change), change
