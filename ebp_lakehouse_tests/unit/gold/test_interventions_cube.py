"""gold.interventions_cube: every cell against an independent count over the facts, and a few worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from ebp_lakehouse.gold.field.interventions_cube import INTERVENTIONS_CUBE
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, problems, silver

D = "2026-03-31"
DIMENSIONS = ("year_month", "intervention_type", "state", "region", "under_contract")
# day, type, state, place, contract, customer, billable, first call
FACTS: list[tuple[Any, ...]] = [
    ("2026-02-10", "Repair", "Done", "lyon", False, "C1", 100, True),
    ("2026-02-11", "Repair", "Done", "lyon", False, "C1", 50, False),
    ("2026-02-12", "Maintenance", "Done", "lyon", True, "C2", 0, None),
    ("2026-03-02", "Repair", "Cancelled", "geneva", False, "C3", 999, None),
    ("2026-03-03", "Repair", "Done", "nowhere", True, "C3", 7, True),
    ("2026-04-01", "Repair", "Done", "lyon", False, "C9", 5, True),  # tomorrow
]


@pytest.fixture
def connection() -> Any:
    interventions = [
        {
            "intervention_key": str(number), "schedule_date_key": day_key(day), "intervention_type": kind, "state": state,
            "location_key": place, "is_under_contract": contract, "customer_id": customer, "billable_amount": amount,
            "is_first_call_resolution": first, "is_invoiced": False, "rescheduled_count": 0, "is_overdue": False,
        }
        for number, (day, kind, state, place, contract, customer, amount, first) in enumerate(FACTS)
    ]  # fmt: skip
    tables = {
        "dim_date": calendar("2026-01-01", "2026-12-31"),
        "dim_location": [{"location_key": "lyon", "region": "Auvergne-Rhône-Alpes"}, {"location_key": "geneva"}],
        "fact_interventions": interventions,
        "fact_deleted_appointments": [
            # one before the first appointment that was kept
            {"intervention_key": "x", "schedule_date_key": day_key("2026-01-05"), "customer_id": "C1"},
            {"intervention_key": "y", "schedule_date_key": day_key("2026-03-05"), "customer_id": "C1"},
        ],
        "fact_technician_time": [],
        "fact_contract_visits": [],
    }
    with silver(tables) as made:
        yield made


def flat() -> list[tuple[tuple[str, ...], str, int]]:
    """Each appointment up to D as its five coordinates, its customer and its billable amount."""
    region = {"lyon": "Auvergne-Rhône-Alpes"}
    rows = [
        ((day[:7], kind, state, region.get(place, "Non renseigné"), "Oui" if contract else "Non"), customer, amount)
        for day, kind, state, place, contract, customer, amount, _ in FACTS
        if day <= D
    ]
    deleted = [
        ((month, "Non renseigné", "Cancelled", "Non renseigné", "Non renseigné"), "C1", 0)
        for month in ("2026-01", "2026-03")
    ]
    return [*rows, *deleted]


def test_every_cell_is_what_counting_over_the_facts_gives(connection: Any) -> None:
    cells = {tuple(row[name] or "*" for name in DIMENSIONS): row for row in computed(INTERVENTIONS_CUBE, connection, D)}
    expected: dict[tuple[str, ...], list[tuple[tuple[str, ...], str, int]]] = {}
    for fact in flat():
        for cell in product(*((value, "*") for value in fact[0])):
            expected.setdefault(cell, []).append(fact)
    assert set(cells) == set(expected)
    for cell, facts in expected.items():
        row = cells[cell]
        assert row["interventions_count"] == len(facts)
        named = [name for name, value in zip(DIMENSIONS, cell, strict=True) if value != "*"]
        assert row["grouping_name"] == (", ".join(named) or "total")
        assert row["customers_count"] == len({customer for _, customer, _ in facts})
        assert row["billable_amount"] == sum(amount for where, _, amount in facts if where[2] == "Done")
        assert row["grouping_id"] == sum(bit for bit, value in zip((16, 8, 4, 2, 1), cell, strict=True) if value == "*")


def test_what_cannot_be_summed_is_right_on_every_level(connection: Any) -> None:
    cells = {tuple(row[name] or "*" for name in DIMENSIONS): row for row in computed(INTERVENTIONS_CUBE, connection, D)}
    total = cells["*", "*", "*", "*", "*"]
    assert (total["interventions_count"], total["customers_count"]) == (7, 3)  # C1, C2, C3
    assert total["billable_amount"] == Decimal("157.00")
    assert total["first_call_resolution_rate"] == pytest.approx(2 / 3)
    assert cells["*", "Repair", "*", "Auvergne-Rhône-Alpes", "*"]["first_call_resolution_rate"] == 0.5
    assert cells["*", "*", "*", "Non renseigné", "*"]["interventions_count"] == 4  # Geneva, nowhere and two deleted


def test_without_appointments_the_cube_is_empty() -> None:
    tables = dict.fromkeys(
        ("dim_date", "dim_location", "fact_interventions", "fact_deleted_appointments", "fact_technician_time",
         "fact_contract_visits"), (),
    )  # fmt: skip
    with silver(tables) as empty:
        assert computed(INTERVENTIONS_CUBE, empty, D) == []


def test_a_cell_that_is_lost_is_found(connection: Any) -> None:
    name = "computed.interventions_cube"
    for change in (
        f"DELETE FROM {name} WHERE grouping_id = 0 AND year_month = '2026-02' AND intervention_type = 'Maintenance'",
        f"DELETE FROM {name} WHERE grouping_id = 5",
        f"UPDATE {name} SET billable_amount = 158 WHERE grouping_id = 31",
        f"UPDATE {name} SET state = 'Scheduled' WHERE grouping_id = 27 AND state = 'Done'",
    ):
        assert problems(INTERVENTIONS_CUBE, connection, D, change), change


def test_the_planning_gap_of_a_group_is_of_the_appointments_that_have_both_times() -> None:
    # Repairs: 90 and 60 achieved of 60 and 60 planned: 150 / 120. Without a plan, or without an achieved time, nothing is compared.
    times = [("Repair", 60, 90), ("Repair", 60, 60), ("Repair", 0, 500), ("Repair", 500, None), ("Install", 100, 80)]
    interventions = [
        {"intervention_key": str(number), "schedule_date_key": day_key("2026-03-02"), "intervention_type": kind, "state": "Done",
         "customer_id": "C", "billable_amount": 0, "scheduled_duration_minutes": planned, "actual_duration_minutes": achieved,
         "is_invoiced": False, "rescheduled_count": 0, "is_overdue": False}
        for number, (kind, planned, achieved) in enumerate(times)
    ]  # fmt: skip
    tables = dict.fromkeys(INTERVENTIONS_CUBE.silver_read, ())
    with silver(
        {**tables, "dim_date": calendar("2026-03-01", "2026-03-31"), "fact_interventions": interventions}
    ) as made:
        rows = computed(INTERVENTIONS_CUBE, made, D)
    by_type = {row["intervention_type"]: row["planning_gap_percent"] for row in rows if row["grouping_id"] == 23}
    assert by_type == {"Repair": pytest.approx(25.0), "Install": pytest.approx(-20.0)}
    (total,) = [row["planning_gap_percent"] for row in rows if row["grouping_id"] == 31]
    assert total == pytest.approx((230 / 220 - 1) * 100)
