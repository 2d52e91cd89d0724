"""gold.deal_profitability: what counts, what waits, what counts once, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from hashlib import md5
from typing import Any

import pytest

from ebp_lakehouse.gold.field.deal_profitability import DEAL_PROFITABILITY
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, problems, silver

D = "2026-03-31"


def key(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


DEALS = [
    {"deal_key": key("D1"), "deal_id": "D1", "customer_id": "C1", "customer_ids": ["C1", "C2"], "budget_sales": 1000,
     "budget_costs": 400, "budget_hours": 10, "ebp_margin": 350},
    {"deal_key": key("D2"), "deal_id": "D2", "customer_ids": []},
    {"deal_key": key("orphan"), "deal_id": "(orphan)", "customer_ids": []},
]  # fmt: skip


def sale(deal: str, day: str, kind: str, amount: int) -> dict[str, Any]:
    return {"deal_id": deal, "date_key": day_key(day), "document_type": kind, "net_amount_excl_tax": amount}


SALES = [
    sale("D1", "2026-01-10", "Quote", 5000),
    sale("D1", "2026-01-20", "Order", 900),
    sale("d1", "2026-02-01", "Invoice", 800),  # the code in another case
    sale("D1", "2026-02-02", "DepositInvoice", 300),
    sale("D1", "2026-02-03", "CreditNote", -50),
    sale("D1", "2026-04-01", "Invoice", 70),  # tomorrow
    sale("D9", "2026-02-01", "Invoice", 33),  # no such deal
]


def cost(deal: str, kind: str, day: str | None, amount: int, *, hours: int | None = None, counted: bool = True) -> Any:
    return {
        "deal_key": key(deal), "deal_id": deal, "cost_type": kind, "date_key": day_key(day) if day else -1,
        "amount": amount, "hours": hours, "is_counted": counted,
    }  # fmt: skip


COSTS = [
    cost("D1", "Purchase", "2026-02-01", 200),
    cost("D1", "Purchase", "2026-02-01", 120, counted=False),  # taken from stock too
    cost("D1", "Stock", "2026-02-05", 110),
    cost("D1", "Hours", None, 150, hours=6),
    cost("D1", "Hours", None, 50, hours=2),
    cost("D1", "Purchase", "2026-04-02", 999),
    cost("orphan", "Purchase", "2026-02-01", 77),
]


@pytest.fixture
def connection() -> Any:
    tables = {
        "dim_date": calendar("2026-01-01", "2026-12-31"),
        "dim_deal": DEALS,
        "dim_customer": [{"customer_id": "C1", "customer_key": key("C1"), "is_current": True}],
        "fact_sales": SALES,
        "fact_deal_costs": COSTS,
    }
    with silver(tables) as made:
        yield made


def test_a_deal_is_worked_out_by_hand(connection: Any) -> None:
    table = {row["deal_id"]: row for row in computed(DEAL_PROFITABILITY, connection, D)}
    assert set(table) == {"D1", "D2"}
    one = table["D1"]
    money = {
        "order_intake": 900, "invoiced": 750, "purchase_costs": 200, "stock_costs": 110, "hours_costs": 200,
        "actual_costs": 510, "margin": 240, "cost_drift": 110, "sales_drift": -250, "budget_margin": 600,
        "ebp_margin": 350, "margin_gap": -110,
    }  # fmt: skip
    assert {name: one[name] for name in money} == {name: Decimal(amount) for name, amount in money.items()}
    assert (one["actual_hours"], one["hours_drift"]) == (Decimal(8), Decimal(-2))
    assert one["margin_percent"] == pytest.approx(32)  # 240 / 750
    assert one["cost_drift_percent"] == pytest.approx(27.5)  # 110 / 400
    assert (one["customer_key"], one["customers_count"]) == (key("C1"), 2)


def test_a_deal_of_which_nothing_is_known_has_zeros_and_no_rates(connection: Any) -> None:
    two = {row["deal_id"]: row for row in computed(DEAL_PROFITABILITY, connection, D)}["D2"]
    assert (two["invoiced"], two["actual_costs"], two["budget_costs"]) == (Decimal(0), Decimal(0), Decimal(0))
    assert (two["margin_percent"], two["cost_drift_percent"], two["margin_gap"]) == (None, None, None)
    assert two["customer_key"] == key("unknown")


def test_money_that_is_lost_is_found(connection: Any) -> None:
    name = "computed.deal_profitability"
    for change in (
        f"UPDATE {name} SET invoiced = 751 WHERE deal_id = 'D1'",
        f"UPDATE {name} SET order_intake = 0 WHERE deal_id = 'D1'",
        f"UPDATE {name} SET actual_costs = 630 WHERE deal_id = 'D1'",
        f"DELETE FROM {name} WHERE deal_id = 'D2'",
    ):
        assert problems(DEAL_PROFITABILITY, connection, D, change), change
