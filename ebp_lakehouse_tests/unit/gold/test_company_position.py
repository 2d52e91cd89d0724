"""gold.company_position where the mini company has no case: money sent back, reminders, who waits, what is not billed."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ebp_lakehouse.gold.company.company_position import COMPANY_POSITION
from ebp_lakehouse_tests.unit.gold.company_facts import D, company, contract, key, sale, visit
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, computed, day_key


def test_what_is_done_and_not_invoiced_grows_old() -> None:
    # 100 of 1 March, 30 days old, and 50 of the 31st, invoiced the day after; the invoiced one, the planned one, the free one and April's do not wait.
    visits = [
        visit("e1", "2026-03-01", billable_amount=100),
        visit("e2", "2026-03-31", billable_amount=50, is_invoiced=True, invoice_date=date(2026, 4, 1)),
        visit("e3", "2026-03-01", billable_amount=70, is_invoiced=True, invoice_date=date(2026, 3, 31)),
        visit("e3b", "2026-03-01", billable_amount=70, is_invoiced=True),  # of an invoice that is nowhere nobody knows
        visit("e4", "2026-03-01", billable_amount=70, state="Scheduled"),
        visit("e5", "2026-03-01"),
        visit("e6", "2026-04-01", billable_amount=70),
    ]
    (row,) = computed(COMPANY_POSITION, company(fact_interventions=visits), D)
    assert (row["done_not_invoiced_count"], row["done_not_invoiced_amount"]) == (2, Decimal(150))
    assert row["done_not_invoiced_age_days"] == 15.0
    (row,) = computed(COMPANY_POSITION, company(), D)
    assert (row["done_not_invoiced_count"], row["done_not_invoiced_age_days"]) == (0, None)


def test_reminders_are_told_by_their_last_level() -> None:
    """Of 31 March: level 1: 10 and 20 (its level is not known), 2: 30, 3 and above: 40 and 50; 60 without one, 70 a credit."""
    instalment = {
        "side": "customer", "third_id": "C", "document_date": date(2026, 1, 15), "due_date": date(2026, 2, 28),
        "assigned_amount": 0, "financial_discount_amount": 0, "is_rejected": False, "is_set_off": False,
        "is_doubtful": False,
    }  # fmt: skip
    reminded = [(10, 1, 1), (20, 2, None), (30, 2, 2), (40, 3, 3), (50, 4, 4), (60, 0, 0), (-70, 1, 1)]
    payments = [
        {**instalment, "payment_key": str(n), "commitment_id": f"I{n}", "amount": balance, "balance": balance,
         "reminder_count": count, "last_reminder_level": level}
        for n, (balance, count, level) in enumerate(reminded)
    ]  # fmt: skip
    (row,) = computed(COMPANY_POSITION, company(fact_payments=payments), D)
    assert (row["reminders_count"], row["reminders_amount"]) == (5, Decimal(150))
    assert [row[f"reminders_level_{level}_count"] for level in (1, 2, 3)] == [2, 1, 2]
    assert [row[f"reminders_level_{level}_amount"] for level in (1, 2, 3)] == [Decimal(30), Decimal(30), Decimal(90)]


def test_who_waits_ordered_an_item_that_a_supplier_is_late_with() -> None:
    """P was due on 20 March and came on 2 April, Q is due in April. C1 waits for P in two orders, C2's came after the day."""
    bought = {
        "document_type": "Order", "date_key": day_key("2026-03-01"), "supplier_key": "S", "supplier_id": "S", "quantity": 4,
        "net_amount_excl_tax": 100, "net_amount_incl_tax": 120, "row_origin": "line",
    }  # fmt: skip
    purchases = [
        {**bought, "document_id": "PC1", "product_id": "P", "promised_date": date(2026, 3, 20), "due_state": "Received",
         "complete_receipt_date": date(2026, 4, 2)},
        {**bought, "document_id": "PC2", "product_id": "Q", "promised_date": date(2026, 4, 20), "due_state": "Open"},
        {**bought, "document_id": "PC4", "product_id": "Xy", "promised_date": date(2026, 3, 20), "due_state": "Overdue"},
        # A free line has no item that anybody could have ordered.
        {**bought, "document_id": "PC3", "product_id": "NO_ITEM", "promised_date": date(2026, 3, 20), "due_state": "Overdue"},
    ]  # fmt: skip

    def order(number: str, customer: str, day: str, product: str, remaining: int, came: str | None = None) -> Any:
        delivery = date.fromisoformat(came) if came else None
        return sale(
            number, "Order", day, 10, customer_id=customer, product_id=product, invoice_date_key=-2,
            remaining_quantity_to_deliver=remaining, complete_delivery_date=delivery, net_unit_price_excl_tax=10,
            remaining_quantity_to_invoice=1,
        )  # fmt: skip

    orders = [
        order("O1", "C1", "2026-03-02", "P", 3),
        order("O2", "c1", "2026-03-05", "P", 1),  # the same customer as it was typed
        order("O3", "C2", "2026-03-02", "P", 0, "2026-04-01"),
        order("O4", "C3", "2026-03-02", "P", 0, "2026-03-31"),  # came on the day
        order("O5", "C4", "2026-03-02", "Q", 5),  # not late
        order("O6", "C5", "2026-04-01", "P", 5),  # ordered after the day
        order("O7", "C6", "2026-03-02", "P", 0),  # closed without a delivery
        order("O8", "C7", "2026-03-02", "NO_ITEM", 5),
        order("O9", "C9", "2026-03-02", "xY", 5),  # an item of no master, as it was typed
        sale("F1", "Invoice", "2026-01-15", 100, customer_id="C8", remaining_quantity_to_deliver=5),
    ]
    (row,) = computed(COMPANY_POSITION, company(fact_sales=orders, fact_purchases=purchases), D)
    assert row["late_supplier_lines_count"] == 3
    assert row["customers_waiting_count"] == 3


def test_what_is_paid_after_the_day_is_still_owed_on_it_and_what_came_back_was_never_paid() -> None:
    bill = {
        "side": "supplier", "third_id": "S", "partner_id": "S", "document_id": "A1", "document_type": "Invoice",
        "document_date": date(2026, 3, 1), "due_date": date(2026, 4, 30), "amount": 500, "balance": 0,
        "assigned_amount": 0, "financial_discount_amount": 0, "is_rejected": False, "is_set_off": False,
        "is_doubtful": False,
    }  # fmt: skip
    paid = [
        {**bill, "payment_key": "1", "commitment_id": "I1", "assigned_amount": 300, "settlement_date": date(2026, 3, 20)},
        {**bill, "payment_key": "2", "commitment_id": "I1", "assigned_amount": 150, "settlement_date": date(2026, 4, 2)},
        # of 50 the bank sent the transfer back: they are in the balance, and were at no time paid
        {**bill, "payment_key": "3", "commitment_id": "I1", "assigned_amount": 50, "settlement_date": date(2026, 4, 3),
         "is_rejected": True},
        {**bill, "payment_key": "4", "commitment_id": "I1", "balance": 50},
    ]  # fmt: skip
    (row,) = computed(COMPANY_POSITION, company(fact_payments=paid), D)
    assert row["payables"] == Decimal("200.00")  # 50 open + 150 paid in April


def test_a_deposit_waits_until_the_day_of_what_it_settles() -> None:
    """1 000 of 1 March settle 700 of 1 June and 200 of 15 March; 100 are free. On the evening of 31 March: 100 + 700."""
    cash = {"third_id": "C", "settlement_date": date(2026, 3, 1), "is_deposit": True, "is_rejected": False}
    settlements = [
        {**cash, "settlement_key": "1", "settlement_id": "R1", "amount": 1000, "unassigned_amount": 100},
        {**cash, "settlement_key": "2", "settlement_id": "R2", "amount": 50, "unassigned_amount": 0, "is_deposit": False},
        {**cash, "settlement_key": "3", "settlement_id": "R3", "amount": 30, "unassigned_amount": 0, "is_rejected": True},
        {**cash, "settlement_key": "4", "settlement_id": "R4", "amount": 9, "unassigned_amount": 0,
         "settlement_date": date(2026, 4, 1)},
    ]  # fmt: skip
    settled = [
        ("R1", "2026-06-01", 700, "2026-03-01", False),
        ("R1", "2026-03-15", 200, "2026-03-01", False),
        ("R2", "2026-06-01", 50, "2026-03-01", False),  # no deposit
        ("R3", "2026-06-01", 30, "2026-03-01", True),
        ("R4", "2026-06-01", 9, "2026-04-01", False),  # received after the day
    ]
    payments = [
        {"payment_key": str(n), "side": "customer", "third_id": "C", "commitment_id": f"I{n}", "settlement_id": settlement,
         "document_date": day, "settlement_date": paid, "amount": amount, "assigned_amount": amount,
         "financial_discount_amount": 0, "balance": 0, "is_rejected": is_rejected, "is_set_off": False,
         "is_doubtful": False}
        for n, (settlement, day, amount, paid, is_rejected) in enumerate(settled)
    ]  # fmt: skip
    (row,) = computed(COMPANY_POSITION, company(fact_settlements=settlements, fact_payments=payments), D)
    assert row["deposits_not_applied"] == Decimal("800.00")


def test_the_position_is_what_was_open_on_that_evening() -> None:
    sales = [
        sale("F1", "Invoice", "2026-01-15", 100),
        # ordered in March and invoiced on 10 April, when nothing remains: all of it was open on 31 March
        sale("C1", "Order", "2026-03-01", 500, invoice_date_key=day_key("2026-04-10"), net_unit_price_excl_tax=500,
             remaining_quantity_to_invoice=0),
        # invoiced in part before the day: what remains
        sale("C2", "Order", "2026-03-02", 90, invoice_date_key=day_key("2026-03-05"), net_unit_price_excl_tax=30,
             remaining_quantity_to_invoice=2),
        sale("L1", "Delivery", "2026-03-03", 70, invoice_date_key=day_key("2026-04-01")),
        sale("R1", "Return", "2026-03-04", -20, invoice_date_key=-2),
        sale("R2", "Return", "2026-03-04", -30, invoice_date_key=day_key("2026-03-06")),
        sale("L2", "Delivery", "2026-03-03", 40, invoice_date_key=day_key("2026-03-31")),
    ]  # fmt: skip
    line = {
        "document_type": "Order", "row_origin": "line", "date_key": day_key("2026-03-01"), "supplier_id": "S",
        "product_id": "P", "quantity": 10, "net_amount_excl_tax": 200, "promised_date": "2026-03-20",
    }  # fmt: skip
    ordered = [
        {**line, "purchase_key": "1", "due_state": "Overdue"},  # 6 of 10 lack: 120
        # Late on the day, when 3 had come; the other 7, 140, since.
        {**line, "purchase_key": "2", "due_state": "Received", "complete_receipt_date": "2026-04-05"},
        {
            **line,
            "purchase_key": "3",
            "due_state": "Received",
            "complete_receipt_date": "2026-03-25",
        },  # there by the day
    ]
    came = [("1", "2026-03-25", 4), ("2", "2026-03-31", 3), ("2", "2026-04-05", 7), ("3", "2026-03-25", 10)]
    receipts = [
        {"order_purchase_key": order, "date_key": day_key(day), "received_quantity": quantity}
        for order, day, quantity in came
    ]
    pieces = [
        {"customer_product_key": key(name), "customer_product_id": name, "is_active": is_active}
        for name, is_active in (("Q1", True), ("Q2", True), ("Q3", False))
    ]
    covered = contract("K1", "2026-01-01", customer_product_ids=["Q1", "Q3"])
    tables: dict[str, Rows] = {
        "fact_sales": sales, "fact_purchases": ordered, "fact_purchase_receipts": receipts, "dim_equipment": pieces,
        "dim_contract": [covered],
    }  # fmt: skip
    (row,) = computed(COMPANY_POSITION, company(**tables), D)
    assert row["order_backlog"] == 560  # 500, and 2 x 30
    assert row["delivered_not_invoiced"] == 50  # 70 - 20: R1 waits for its credit note, R2 has it
    assert (row["late_supplier_lines_count"], row["late_supplier_lines_amount"]) == (2, 260)
    assert row["contract_coverage_percent"] == 50.0  # Q1 of Q1 and Q2; Q3 is out of use
    assert row["customers_at_risk_count"] == 0  # the only customer has nobody to be ranked with: Medium


def test_a_visit_that_was_not_made_stays_due_after_its_window_has_closed() -> None:
    contracts = [contract("K1", "2025-01-01"), contract("K2", "2025-01-01", end_date=date(2026, 2, 28))]
    visits = [
        ("K1", "2025-03-31", None),  # its window closed long ago
        ("K1", "2025-09-30", "2025-10-05"),  # made
        ("K1", "2026-02-28", "2026-04-02"),  # made after the day
        ("K1", "2026-03-30", None),
        ("K1", "2026-04-30", None),  # not due yet
        ("K2", "2025-06-30", None),  # of a contract that has ended
    ]
    rows = [
        {"contract_key": key(name), "contract_id": name, "due_date": due, "visit_date": made}
        for name, due, made in visits
    ]
    (row,) = computed(COMPANY_POSITION, company(dim_contract=contracts, fact_contract_visits=rows), D)
    assert row["visits_overdue_count"] == 3


def test_what_is_to_be_ordered_is_not_known_before_the_stock_was_captured() -> None:
    """On the day of the capture 10 pieces at 2 for the one item; of a day before it nobody knows what is on order: not 0."""
    product = {
        "product_key": "P", "product_id": "P", "is_current": True, "is_commercial_product": True, "is_replenished": True,
        "purchase_price": 2, "order_multiple_quantity": 10,
    }  # fmt: skip
    held = {
        "product_key": "P", "product_id": "P", "warehouse_key": "W", "warehouse_id": "W", "date_key": day_key(D),
        "quantity_on_hand": 1, "quantity_available": 1, "stock_value": 2, "pump": 2, "reorder_point": 5, "maximum_stock": 8,
    }  # fmt: skip
    captured = {**held, "quantity_reserved": 0, "ordered_by_customers": 0, "on_order_suppliers": 0}
    figures = []
    for rows in ([captured], [held], []):
        (row,) = computed(COMPANY_POSITION, company(dim_product=[product], fact_inventory=rows), D)
        figures.append((row["items_to_order_count"], row["items_to_order_cost"]))
    assert figures == [(1, Decimal(20)), (None, None), (None, None)]


def test_the_stock_of_a_day_that_is_not_kept_is_not_nothing() -> None:
    """Kept are the end of January and 10 March. Before, there was none; in between nobody knows; without any stock it is 0."""
    product = {"product_key": "P", "product_id": "P", "is_current": True, "is_commercial_product": True}
    held = {
        "product_key": "P", "product_id": "P", "warehouse_key": "W", "warehouse_id": "W", "quantity_on_hand": -2,
        "quantity_available": -2, "stock_value": -7, "pump": 2,
    }  # fmt: skip
    kept = [{**held, "date_key": day_key(day)} for day in ("2026-01-31", "2026-03-10")]

    def value(day: str, *stock: dict[str, Any], moved: str = "") -> tuple[Any, ...]:
        movement = {"product_id": "P", "warehouse_id": "W", "quantity": 3, "is_demand": False}
        movements = [{**movement, "date_key": day_key(moved)}] if moved else []
        tables: dict[str, Rows] = {
            "dim_product": [product], "fact_inventory": stock, "fact_stock_movements": movements,
        }  # fmt: skip
        (row,) = computed(COMPANY_POSITION, company(**tables), day)
        return row["stock_value"], row["negative_stocks_count"], row["negative_stocks_value"], row["dead_stock_value"]

    assert value("2026-03-10", *kept) == (-7, 1, -7, 0)
    assert value("2026-01-30", *kept) == (0, 0, 0, 0)
    assert value("2026-01-30", *kept, moved="2026-01-31") == (0, 0, 0, 0)
    assert value("2026-01-30", *kept, moved="2026-01-30") == (None, None, None, None)  # something came that day
    assert value("2026-02-15", *kept) == (None, None, None, None)
    assert value("2026-02-15") == (0, 0, 0, 0)
