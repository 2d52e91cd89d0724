"""gold.equipment_park: windows of failures, cover of the day, equipment only seen on a visit, worked out by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import md5
from typing import Any

import pytest

from ebp_lakehouse.gold.field.equipment_park import EQUIPMENT_PARK
from ebp_lakehouse_tests.unit.gold.silver_rows import computed, problems, silver

D = "2026-03-31"


def key(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def piece(name: str, install: str | None, **others: Any) -> dict[str, Any]:
    return {
        "customer_product_key": key(name), "customer_product_id": name, "is_active": True, "install_date": install,
        "family_id": "F", **others,
    }  # fmt: skip


def visit(name: str, day: str, piece_id: str | None, kind: str, state: str = "Done", **others: Any) -> dict[str, Any]:
    return {
        "intervention_key": name, "start_at": f"{day} 08:00", "customer_product_id": piece_id, "state": state,
        "intervention_type": kind, "billable_amount": 0, "seen_customer_product_ids": [], **others,
    }  # fmt: skip


EQUIPMENT = [
    piece("Q1", "2020-01-01", customer_id="C1", product_id="P9", labour_warranty_end_date=D),
    piece("Q2", "2026-01-31", customer_id="GONE", parts_warranty_end_date="2026-03-30"),
    piece("Q3", "2016-03-31"),  # ten years old on the day
    piece("Q4", None, is_active=False),
    {"customer_product_key": key("unknown"), "customer_product_id": "(unknown)", "is_active": False},
]
CONTRACTS = [
    {"contract_id": "K1", "start_date": "2025-01-01", "end_date": "2025-12-31", "has_tacit_renewal": True, "customer_product_ids": ["q1"]},
    {"contract_id": "K2", "start_date": "2026-01-01", "end_date": D, "has_tacit_renewal": False, "customer_product_ids": ["Q1"]},
    {"contract_id": "K3", "start_date": "2026-04-01", "end_date": "2027-03-31", "has_tacit_renewal": False, "customer_product_ids": ["Q2"]},
    {"contract_id": "K4", "start_date": "2025-01-01", "end_date": None, "has_tacit_renewal": False, "cancellation_date": "2026-03-30", "customer_product_ids": ["Q2"]},
]  # fmt: skip
VISITS = [
    visit("a", "2026-03-31", "Q1", "Repair", billable_amount=100),
    visit("b", "2025-04-01", "q1", "Repair", billable_amount=50),  # the first day of the window
    visit("c", "2025-03-31", "Q1", "Repair"),  # the day before it
    visit("d", "2026-02-01", "Q1", "Maintenance", seen_customer_product_ids=["Q1", "Q2"], billable_amount=10),
    visit("e", "2026-04-02", "Q1", "Repair"),  # tomorrow waits
    visit("f", "2026-04-10", "Q1", "Maintenance", state="Scheduled"),
    visit("g", "2026-04-05", "Q1", "Maintenance", state="Cancelled"),
    visit("h", "2026-03-30", "Q2", "Repair", state="Cancelled"),
]
DUE = [
    {"contract_id": "K2", "due_date": "2026-02-28", "last_date": "2026-04-30", "visit_date": "2026-02-01"},
    {"contract_id": "K2", "due_date": "2026-06-30", "last_date": "2026-08-31"},
]


@pytest.fixture
def connection() -> Any:
    tables = {
        "dim_equipment": EQUIPMENT,
        "dim_contract": CONTRACTS,
        "dim_customer": [
            {"customer_id": "C1", "customer_key": key("old"), "is_current": False},
            {"customer_id": "C1", "customer_key": key("new"), "is_current": True},
        ],
        "dim_product": [],
        "fact_interventions": VISITS,
        "fact_contract_visits": DUE,
    }
    with silver(tables) as made:
        yield made


def test_the_park_is_worked_out_by_hand(connection: Any) -> None:
    park = {row["customer_product_id"]: row for row in computed(EQUIPMENT_PARK, connection, D)}
    assert set(park) == {"Q1", "Q2", "Q3", "Q4"}
    one = park["Q1"]
    assert (one["failures_12_months"], one["failures_count"], one["visits_count"]) == (2, 3, 4)
    assert one["mtbf_days"] == 182.5  # 365 days / 2
    # Q1 365 days, Q2 60 (31 January to 31 March), Q3 365, over the two failures of Q1; Q4 is out of use
    assert one["family_mtbf_days"] == (365 + 60 + 365) / 2
    assert (one["is_under_warranty"], one["is_under_contract"], one["contract_id"]) == (True, True, "K2")
    assert (one["last_visit_date"], one["next_visit_date"]) == (date(2026, 3, 31), date(2026, 4, 10))
    assert one["next_due_date"] == date(2026, 6, 30)
    assert one["revenue_since_install"] == Decimal("160.00")
    assert (one["customer_key"], one["product_key"]) == (key("new"), key("orphan"))
    assert one["age_years"] == pytest.approx(2281 / 365.25)
    two = park["Q2"]
    assert (two["visits_count"], two["failures_count"], two["mtbf_days"]) == (1, 0, None)  # only seen on d
    assert two["last_visit_date"] == date(2026, 2, 1)
    assert two["revenue_since_install"] == Decimal("0.00")  # d was for Q1
    assert (two["is_under_warranty"], two["is_under_contract"], two["is_contract_prospect"]) == (False, False, True)
    assert two["customer_key"] == key("orphan")
    # 3652 days / 365.25 = 9.9986 years: still an offer; the day after tomorrow no more
    assert park["Q3"]["is_contract_prospect"]
    assert not {row["customer_product_id"]: row for row in computed(EQUIPMENT_PARK, connection, "2026-04-02")}["Q3"][
        "is_contract_prospect"
    ]
    assert (park["Q4"]["age_years"], park["Q4"]["is_contract_prospect"]) == (None, False)


def test_a_contract_covers_the_day_on_which_it_is_cancelled(connection: Any) -> None:
    before = {row["customer_product_id"]: row for row in computed(EQUIPMENT_PARK, connection, "2026-03-30")}
    assert before["Q2"]["contract_id"] == "K4"


def test_a_piece_that_is_lost_or_revenue_that_is_doubled_is_found(connection: Any) -> None:
    name = "computed.equipment_park"
    for change in (
        f"DELETE FROM {name} WHERE customer_product_id = 'Q3'",
        f"UPDATE {name} SET revenue_since_install = 10 WHERE customer_product_id = 'Q2'",
        f"UPDATE {name} SET failures_12_months = 4 WHERE customer_product_id = 'Q1'",
    ):
        assert problems(EQUIPMENT_PARK, connection, D, change), change
