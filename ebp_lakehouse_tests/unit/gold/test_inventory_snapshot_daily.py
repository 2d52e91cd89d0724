"""gold.inventory_snapshot_daily: risk, demand and what to order, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.stock.inventory_snapshot_daily import INVENTORY_SNAPSHOT_DAILY
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, computed, day_key, silver

D = "2026-03-31"


def item(name: str, **more: Any) -> dict[str, Any]:
    return {
        "product_key": name, "product_id": name, "is_current": True, "is_replenished": True, "lead_time_days": 10,
        "purchase_price": 2, "order_multiple_quantity": 10, **more,
    }  # fmt: skip


def held(name: str, quantity: int, day: str = D, **more: Any) -> dict[str, Any]:
    return {
        "product_key": name, "product_id": name, "warehouse_key": "W", "warehouse_id": "W", "date_key": day_key(day),
        "quantity_on_hand": quantity, "quantity_available": quantity, "ordered_by_customers": 0, "on_order_suppliers": 0,
        "stock_value": 2 * quantity, "pump": 2, **more,
    }  # fmt: skip


def moved(name: str, day: str, quantity: int, *, is_demand: bool = True) -> dict[str, Any]:
    return {
        "product_id": name, "warehouse_id": "W", "date_key": day_key(day), "quantity": quantity, "is_demand": is_demand,
    }  # fmt: skip


def snapshot(
    items: Rows, stock: Rows, movements: Rows = (), purchases: Rows = (), receipts: Rows = ()
) -> dict[str, dict[str, Any]]:
    connection = silver(
        {
            "dim_date": calendar("2025-01-01", "2026-12-31"), "dim_product": items, "fact_inventory": stock,
            "dim_warehouse": [{"warehouse_key": "W", "warehouse_id": "W", "is_main": True}],
            "fact_stock_movements": movements, "fact_purchases": purchases, "fact_purchase_receipts": receipts,
        }
    )  # fmt: skip
    return {row["product_id"]: row for row in computed(INVENTORY_SNAPSHOT_DAILY, connection, D)}


def test_what_is_ordered_reaches_the_maximum_in_whole_packs() -> None:
    """10 on hand, 4 promised to customers: 6, at or below the 20 of the reorder point. To the maximum of 50 lack 44: 5 x 10."""
    figures = {"ordered_by_customers": 4, "reorder_point": 20, "maximum_stock": 50}
    items = [item("P"), item("GONE", is_replenished=False)]
    rows = snapshot(items, [held("P", 10, **figures), held("GONE", 10, **figures)])
    assert (rows["P"]["reorder_recommendation"], rows["P"]["recommended_cost"]) == (Decimal(50), Decimal(100))
    assert rows["GONE"]["reorder_recommendation"] == 0  # inactive, replaced, or bought for each order


def test_the_risk_of_running_out() -> None:
    """One issue a day and ten days of lead time: 9 are too few, 10 to 16 are few, 17 enough; nothing is too little."""
    stock = [held(f"P{n}", n, mean_daily_issue=1) for n in (9, 10, 16, 17)] + [held("P0", 0, reorder_point=5)]
    rows = snapshot([item(row["product_id"]) for row in stock], stock)
    assert {name: row["stock_out_risk_level"] for name, row in rows.items()} == {
        "P0": "High", "P9": "High", "P10": "Medium", "P16": "Medium", "P17": "Low",
    }  # fmt: skip


def test_what_sold_four_months_ago_is_still_in_demand() -> None:
    """Demand of 180 days, none of it in the last 90: nothing left is a risk, five pieces are not; without demand none is told."""
    stock = [held("EMPTY", 0), held("FIVE", 5), held("OLD", 0), held("NEVER", 0), held("BACK", 0)]
    movements = [moved(name, "2025-12-01", -18) for name in ("EMPTY", "FIVE")]
    movements += [moved("OLD", "2025-09-01", -18), moved("BACK", "2025-12-01", 3)]
    rows = snapshot([item(row["product_id"]) for row in stock], stock, movements)
    assert {name: row["stock_out_risk_level"] for name, row in rows.items()} == {
        "EMPTY": "High", "FIVE": "Low", "OLD": None, "NEVER": None, "BACK": None,
    }  # fmt: skip
    assert rows["BACK"]["demand_per_day"] == 0  # three came back of what was sold before: that is no negative demand


def test_before_the_first_capture_nothing_is_recommended() -> None:
    """What customers and suppliers still owe is not known then: not even the supplier's minimum may be told."""
    unknown = {"ordered_by_customers": None, "on_order_suppliers": None}
    row = snapshot([item("P", order_minimum_quantity=30)], [held("P", 1, **unknown)])["P"]
    assert (row["reorder_recommendation"], row["recommended_cost"]) == (None, None)


def test_demand_is_what_left_for_customers_up_to_the_day() -> None:
    # 18 pieces in 180 days: 0.1 a day. Spread: mean square 18 x 18 / 180 = 1.8, less 0.01: sqrt(1.79). Safety for ten days:
    # 1.645 x sqrt(1.79) x sqrt(10). A transfer and tomorrow's sale are no demand of the window.
    movements = [
        moved("P", "2026-02-01", -18),
        moved("P", "2026-02-02", -100, is_demand=False),
        moved("P", "2026-04-01", -50),
    ]
    stock = [held("P", 7), held("P", 0, "2026-03-01"), held("P", -1, "2026-03-02"), held("P", 3, "2026-03-03")]
    row = snapshot([item("P")], stock, movements)["P"]
    assert row["demand_per_day"] == pytest.approx(0.1)
    assert row["safety_stock"] == pytest.approx(1.645 * 1.79**0.5 * 10**0.5)
    assert row["stock_out_days"] == 2  # empty on 1 March, negative on the 2nd


def test_of_an_open_order_what_has_not_come_yet_is_due() -> None:
    line = {
        "purchase_key": "1", "product_id": "P", "warehouse_id": "W", "document_type": "Order", "due_state": "Open",
        "date_key": day_key("2026-03-01"), "quantity": 30, "quantity_stock_unit": 60, "promised_date": "2026-04-10",
    }  # fmt: skip
    late = {**line, "purchase_key": "2", "promised_date": "2026-04-11"}  # after the ten days of lead time
    came = {"order_purchase_key": "1", "date_key": day_key("2026-03-31"), "received_quantity": 10}
    row = snapshot([item("P")], [held("P", 1)], purchases=[line, late], receipts=[came])["P"]
    assert row["due_quantity"] == 40  # 20 of 30, in packs of two


def test_on_a_past_evening_what_came_later_was_due() -> None:
    # Of 30 had come 10; the other 20 came on 2 April, and silver says Received. What was complete by the day is not due, nor
    # what was closed short, whenever that was.
    line = {
        "product_id": "P", "warehouse_id": "W", "document_type": "Order", "due_state": "Received",
        "date_key": day_key("2026-03-01"), "quantity": 30, "quantity_stock_unit": 30, "promised_date": "2026-04-01",
    }  # fmt: skip
    purchases = [
        {**line, "purchase_key": "1", "complete_receipt_date": "2026-04-02"},
        {**line, "purchase_key": "2", "complete_receipt_date": "2026-03-31"},
        {**line, "purchase_key": "3", "due_state": "ClosedShort"},
    ]
    receipts = [
        {"order_purchase_key": order, "date_key": day_key(day), "received_quantity": quantity}
        for order, day, quantity in (("1", "2026-03-31", 10), ("1", "2026-04-02", 20), ("2", "2026-03-31", 30))
    ]
    row = snapshot([item("P")], [held("P", 1)], purchases=purchases, receipts=receipts)["P"]
    assert row["due_quantity"] == 20


def test_a_receipt_dated_before_its_order_tells_no_lead_time() -> None:
    # P came after 4 and 11 days, 7.5 in the middle, and once before it was ordered; Q only so: the supplier's delay of 10.
    def receipt(number: str, product: str, ordered: str, came: str) -> dict[str, Any]:
        return {
            "purchase_key": number, "product_id": product, "document_type": "Receipt", "date_key": day_key(came),
            "brought_quantity": 1, "ordered_on": ordered,
        }  # fmt: skip

    purchases = [
        receipt("1", "P", "2026-03-01", "2026-03-05"), receipt("2", "P", "2026-03-01", "2026-03-12"),
        receipt("3", "P", "2026-03-20", "2026-03-01"), receipt("4", "Q", "2026-03-20", "2026-03-01"),
    ]  # fmt: skip
    # Within seven days and a half: what is promised in seven of them, not in eight.
    order = {
        "product_id": "P", "warehouse_id": "W", "document_type": "Order", "due_state": "Open",
        "date_key": day_key("2026-03-01"), "quantity": 1, "quantity_stock_unit": 1,
    }  # fmt: skip
    purchases += [
        {**order, "purchase_key": "5", "promised_date": "2026-04-07"},
        {**order, "purchase_key": "6", "promised_date": "2026-04-08"},
    ]
    rows = snapshot([item("P"), item("Q")], [held("P", 5), held("Q", 5)], purchases=purchases)
    assert (rows["P"]["lead_time_days"], rows["Q"]["lead_time_days"]) == (7.5, 10.0)
    assert rows["P"]["due_quantity"] == 1


def test_a_tenth_is_one_tenth() -> None:
    """To 30 from 29.9 lacks 0.1, one pack of a tenth; as doubles it is a little more. 66.025 of too much is 66.03."""
    product = item("P", order_multiple_quantity="0.1")
    row = snapshot([product], [held("P", 0, quantity_on_hand="29.9", reorder_point=30, maximum_stock=30)])["P"]
    assert row["reorder_recommendation"] == Decimal("0.1")
    rows = snapshot([item("P")], [held("P", 40, stock_value="132.05", maximum_stock=20)])
    assert rows["P"]["excess_value"] == Decimal("66.03")  # half of 132.05


def test_stock_that_never_came_in_is_as_old_as_what_is_known() -> None:
    """Movements are known from 1 March 2025: what has none, or only an issue of that month, lies there for twelve months."""
    stock = [held(name, 5) for name in ("TAKEN_OVER", "OLD_ISSUE", "ISSUED", "OLD", "NEW")]
    movements = [
        moved("OLD", "2025-03-01", 5),
        moved("OLD_ISSUE", "2025-03-31", -1),
        moved("ISSUED", "2025-04-01", -1),
        moved("NEW", "2025-04-01", 5),
    ]
    items = [item(row["product_id"]) for row in stock]
    rows = snapshot(items, stock, movements)
    assert {name for name, row in rows.items() if row["is_dead_stock"]} == {"TAKEN_OVER", "OLD_ISSUE", "OLD"}
    # Of a company whose movements begin in April 2025 nobody knows what happened in the twelve months before.
    rows = snapshot(items, stock, [row for row in movements if row["date_key"] >= day_key("2025-04-01")])
    assert not any(row["is_dead_stock"] for row in rows.values())
