"""gold.contract_profitability: revenue spread over two years, costs, renewal and churn, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.field.contract_profitability import CONTRACT_PROFITABILITY
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, problems, silver

D = "2026-03-31"


def contract(name: str, start: str, end: str | None, **others: Any) -> dict[str, Any]:
    return {
        "contract_key": name.lower() * 16, "contract_id": name, "start_date": start, "end_date": end,
        "has_tacit_renewal": False, "invoices_per_year": 1, "annual_fee": 365, "customer_id": "C1", **others,
    }  # fmt: skip


CONTRACTS = [
    contract("A1", "2025-01-01", "2025-12-31", has_tacit_renewal=True, invoices_per_year=4, annual_fee=1200),
    contract("A2", "2025-12-17", "2026-12-16"),
    contract("A3", "2025-06-01", "2026-05-31", cancellation_date="2026-01-15"),
    contract("A4", "2026-05-01", "2027-04-30"),  # still to begin
]
PRODUCTS = [
    {"product_key": "c", "is_maintenance_contract": True},
    {"product_key": "g", "is_maintenance_contract": False},
]


def sale(code: str, day: str, product: str, amount: float, cost: float = 0, kind: str = "Invoice") -> dict[str, Any]:
    return {
        "contract_id": code, "date_key": day_key(day), "product_key": product, "document_type": kind,
        "net_amount_excl_tax": amount, "cost_amount": cost,
    }  # fmt: skip


SALES = [
    # 365 over 365 days from 17 December 2025 on: 15 days in 2025, 90 in 2026 until 31 March
    sale("a2", "2025-12-01", "c", 365),
    # a quarter's 91 days (365 / 4), from 1 March on: 31 are over
    sale("A1", "2026-03-01", "c", 91),
    sale("A1", "2026-02-01", "g", 50, 30),
    sale("A1", "2026-02-02", "g", -10, -6, "CreditNote"),
    sale("A1", "2026-02-02", "g", 777, 1, "Order"),
    sale("A1", "2026-04-01", "g", 999),  # tomorrow
    sale("GONE", "2026-02-02", "g", 5),
]
VISITS = [
    {"intervention_key": key, "contract_id": code, "schedule_date_key": day_key(day), "intervention_type": kind,
     "state": state, "cost_amount": cost, "travel_minutes": travel}
    for key, code, day, kind, state, cost, travel in [
        ("v1", "a1", "2026-01-10", "Maintenance", "Done", 0, 30),
        ("v2", "A1", "2026-02-10", "Repair", "Done", 44, None),
        ("v3", "A1", "2026-03-10", "Maintenance", "Cancelled", 99, 60),
        ("v4", "A2", "2026-04-10", "Maintenance", "Done", 99, 60),
    ]
]  # fmt: skip
TEAMS = [
    {"intervention_key": key, "minutes": minutes} for key, minutes in [("v1", 60), ("v1", 30), ("v2", 60), ("v3", 0)]
]
COLLEAGUES = [
    {"colleague_id": who, "is_technician": technician, "is_active": active, "hourly_cost": cost}
    for who, technician, active, cost in [
        ("T1", True, True, 30),
        ("T2", True, True, 50),
        ("T3", True, False, 999),
        ("JD", False, True, 999),
        ("T4", True, True, 0),
    ]
]
DUE = [
    {"contract_key": "a1" * 16, "contract_id": "A1", "due_date": due, "visit_date": visit}
    for due, visit in [("2026-01-31", "2026-01-10"), ("2026-02-28", None), ("2026-04-30", None)]
]


@pytest.fixture
def connection() -> Any:
    tables = {
        "dim_date": calendar("2025-01-01", "2027-12-31"),
        "dim_contract": CONTRACTS,
        "dim_customer": [{"customer_id": "C1", "customer_key": "0" * 32, "is_current": True}],
        "dim_product": PRODUCTS,
        "dim_colleague": COLLEAGUES,
        "fact_sales": SALES,
        "fact_interventions": VISITS,
        "fact_intervention_technicians": TEAMS,
        "fact_contract_visits": DUE,
    }
    with silver(tables) as made:
        yield made


def years(connection: Any, as_of: str = D) -> dict[tuple[str, int], dict[str, Any]]:
    rows = computed(CONTRACT_PROFITABILITY, connection, as_of)
    return {(row["contract_id"], row["fiscal_year"]): row for row in rows}


def test_revenue_belongs_to_the_days_that_it_covers(connection: Any) -> None:
    table = years(connection)
    assert set(table) == {("A1", 2025), ("A1", 2026), ("A2", 2025), ("A2", 2026), ("A3", 2025), ("A3", 2026)}
    first, second = table["A2", 2025], table["A2", 2026]
    # invoiced on 1 December, covered from the start of the contract on the 17th
    assert (first["invoiced"], first["recognised_revenue"]) == (Decimal("365.00"), Decimal("15.00"))
    assert first["deferred_revenue"] == Decimal("350.00")
    assert (second["invoiced"], second["recognised_revenue"]) == (Decimal("0.00"), Decimal("90.00"))
    assert second["deferred_revenue"] == Decimal("260.00")
    one = table["A1", 2026]
    assert one["invoiced"] == Decimal("131.00")  # 91 + 50 - 10
    assert one["recognised_revenue"] == Decimal("71.00")  # 31 + 50 - 10
    assert one["deferred_revenue"] == Decimal("60.00")


def test_costs_are_those_of_parts_hours_and_travel(connection: Any) -> None:
    one = years(connection)["A1", 2026]
    # mean hourly cost (30 + 50) / 2 = 40: v1 has 1.5 h = 60 and half an hour of travel = 20; v2 costs EBP's 44
    assert (one["labour_cost"], one["travel_cost"], one["parts_cost"]) == (
        Decimal("104.00"),
        Decimal("20.00"),
        Decimal("24.00"),
    )
    assert (one["total_cost"], one["margin"]) == (Decimal("148.00"), Decimal("-77.00"))
    assert one["margin_percent"] == pytest.approx(-77 / 71 * 100)
    assert (one["visits_done"], one["repairs_count"], one["labour_hours"]) == (1, 1, 2.5)
    assert (one["visits_due"], one["visits_overdue"]) == (2, 1)
    other = years(connection)["A2", 2026]
    assert (other["visits_due"], other["visits_done"]) == (None, 0)  # no periodicity; v4 is tomorrow's


def test_contracts_are_renewed_lost_and_summed(connection: Any) -> None:
    table = years(connection)
    assert [table["A1", year]["is_renewed"] for year in (2025, 2026)] == [True, False]
    assert table["A1", 2026]["renewal_date"] == date(2026, 12, 31)
    assert table["A2", 2026]["renewal_date"] == date(2026, 12, 16)
    assert [table["A3", year]["is_churned"] for year in (2025, 2026)] == [False, True]
    assert (table["A3", 2026]["is_active"], table["A3", 2026]["renewal_date"]) == (False, None)
    # A1 1200 / 12 + A2 365 / 12 = 30.42, each once; A3 is over, A4 not begun
    assert sum(row["monthly_recurring_revenue"] for row in table.values()) == Decimal("130.42")
    before = years(connection, "2026-01-10")
    assert before["A3", 2026]["is_active"]
    assert not before["A3", 2026]["is_churned"]


def test_money_that_is_lost_is_found(connection: Any) -> None:
    name = "computed.contract_profitability"
    for change in (
        f"UPDATE {name} SET invoiced = invoiced + 0.01 WHERE contract_id = 'A1' AND fiscal_year = 2026",
        f"UPDATE {name} SET deferred_revenue = 0 WHERE contract_id = 'A2'",
        f"UPDATE {name} SET visits_overdue = 3 WHERE contract_id = 'A1' AND fiscal_year = 2026",
        f"UPDATE {name} SET is_churned = true WHERE contract_id = 'A1'",
    ):
        assert problems(CONTRACT_PROFITABILITY, connection, D, change), change
