"""gold.monthly_kpi and company_position where the mini company has no case: the day a contract ends, money sent back."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from hashlib import md5
from typing import Any

import duckdb
import pytest

from ebp_lakehouse.gold.company.company_position import COMPANY_POSITION
from ebp_lakehouse.gold.company.monthly_kpi import MONTHLY_KPI
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, computed, day_key, silver

D = "2026-03-31"


def key(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def company(**tables: Rows) -> duckdb.DuckDBPyConnection:
    """A silver with these rows, one invoice of January, and everything else empty."""
    usual: dict[str, Rows] = {
        "dim_date": [{**day, "is_business_day": True} for day in calendar("2025-01-01", "2026-12-31")],
        "dim_product": [{"product_key": "P", "product_id": "P", "is_current": True, "is_commercial_product": True}],
        "dim_customer": [{"customer_key": "C", "customer_id": "C", "is_current": True}],
        "fact_sales": [sale("F1", "Invoice", "2026-01-15", 100)],
    }
    needed = dict.fromkeys((*MONTHLY_KPI.silver_read, *COMPANY_POSITION.silver_read), ())
    return silver({**needed, **usual, **tables})


def sale(document: str, kind: str, day: str, net: int, **more: Any) -> dict[str, Any]:
    return {
        "document_id": document, "document_type": kind, "row_origin": "line", "date_key": day_key(day), "product_key": "P",
        "product_id": "P", "customer_key": "C", "customer_id": "C", "net_amount_excl_tax": net,
        "tax_amount": net * 2 // 10, "tax_on_collection_amount": 0,
        "net_amount_incl_tax": net * 12 // 10, "cost_amount": 0, "discount_amount": 0, "quantity": 1, **more,
    }  # fmt: skip


def contract(number: str, start: str, **more: Any) -> dict[str, Any]:
    return {
        "contract_key": key(number), "contract_id": number, "start_date": date.fromisoformat(start), "has_tacit_renewal": False,
        **more,
    }  # fmt: skip


def test_a_contract_is_active_up_to_the_day_on_which_it_ends_or_is_cancelled() -> None:
    contracts = [
        contract("K1", "2026-01-01"),  # January, February, March
        contract(
            "K2", "2026-01-01", cancellation_date=date(2026, 2, 28)
        ),  # January, February: not cancelled before its end
        contract("K3", "2026-01-01", cancellation_date=date(2026, 2, 27)),  # January
        contract("K4", "2026-01-01", end_date=date(2026, 2, 28)),  # January, February
        contract("K5", "2026-03-31"),  # March
    ]
    rows = {row["period"]: row for row in computed(MONTHLY_KPI, company(dim_contract=contracts), D)}
    assert [rows[f"2026-0{month}"]["active_contracts_count"] for month in (1, 2, 3)] == [4, 3, 2]


def test_what_ebp_renewed_is_renewed_and_what_has_not_ended_is_not_lost() -> None:
    # Ten terms ended on 15 March and were renewed for a year, one ended for good on the 20th: 10 of 11. Tacitly in February: two
    # of three, the third was cancelled by then. What ends on 31 March has not ended on the 30th, and then is one of 12.
    march = date(2026, 3, 15)
    contracts = [
        contract(f"R{n}", "2024-03-16", end_date=date(2027, 3, 15), last_renewal_date=march) for n in range(10)
    ]
    contracts += [
        contract("LOST", "2025-03-21", end_date=date(2026, 3, 20)),
        contract("LATER", "2025-04-01", end_date=date(2026, 3, 31)),
        contract("TACIT", "2025-02-11", end_date=date(2026, 2, 10), has_tacit_renewal=True),
        contract("GONE", "2025-02-11", end_date=date(2026, 2, 10), has_tacit_renewal=True, cancellation_date=march),
        contract("LEFT", "2025-02-11", end_date=date(2026, 2, 10), has_tacit_renewal=True,
                 cancellation_date=date(2026, 2, 10)),
    ]  # fmt: skip

    def rates(day: str) -> list[float | None]:
        rows = computed(MONTHLY_KPI, company(dim_contract=contracts), day)
        return [row["renewal_rate_percent"] for row in rows]

    assert rates("2026-03-30") == [None, pytest.approx(200 / 3), pytest.approx(1000 / 11)]
    assert rates(D) == [None, pytest.approx(200 / 3), pytest.approx(1000 / 12)]


def test_a_fiscal_year_of_eighteen_months_is_compared_with_the_same_dates_one_year_before() -> None:
    # From July 2024 to December 2025. August 2025: 300 since July 2024, before July 2023 to August 2024: 100. March 2026: 100 since
    # January, before January to March 2025: 100, not the 200 since July 2024.
    calendar_days = [
        {**day, "is_business_day": True, "fiscal_year": 2025 if day["date_id"] < 20260101 else 2026}
        for day in calendar("2024-07-01", "2026-12-31")
    ]
    invoices = [sale(month, "Invoice", f"{month}-15", 100) for month in ("2024-08", "2025-03", "2025-08", "2026-03")]
    rows = {
        row["period"]: row for row in computed(MONTHLY_KPI, company(dim_date=calendar_days, fact_sales=invoices), D)
    }
    assert (rows["2025-08"]["revenue_fiscal_ytd"], rows["2025-08"]["revenue_fiscal_ytd_before"]) == (300, 100)
    assert (rows["2026-03"]["revenue_fiscal_ytd"], rows["2026-03"]["revenue_fiscal_ytd_before"]) == (100, 100)
    assert (rows["2025-07"]["revenue_fiscal_ytd_before"], rows["2026-03"]["growth_percent"]) == (None, 0.0)


def test_a_survey_is_of_the_month_in_which_it_was_sent_and_of_all_rows_of_its_document() -> None:
    # February: three sent, of which F2 (two rows) came back by 31 March, F3 after it, F4 never: 1 of 3. March: one sent on the
    # last day came back the same day; that of April is not sent yet.
    february = {"survey_sent_date": date(2026, 2, 10)}
    sales = [
        sale("F1", "Invoice", "2026-01-15", 100),
        *[sale("F2", "Invoice", "2026-01-20", 50, **february, survey_returned_date=date(2026, 3, 31))] * 2,
        sale("F3", "Invoice", "2026-01-20", 50, **february, survey_returned_date=date(2026, 4, 1)),
        sale("F4", "Invoice", "2026-02-01", 50, **february),
        sale("F5", "Invoice", "2026-02-01", 50, survey_sent_date=date(2026, 3, 31), survey_returned_date=date(2026, 3, 31)),
        sale("F6", "Invoice", "2026-02-01", 50, survey_sent_date=date(2026, 4, 1), survey_returned_date=date(2026, 4, 1)),
    ]  # fmt: skip
    rows = computed(MONTHLY_KPI, company(fact_sales=sales), D)
    figures = [(row["period"], row["surveys_sent_count"], row["survey_return_percent"]) for row in rows]
    assert figures == [("2026-01", 0, None), ("2026-02", 3, pytest.approx(100 / 3)), ("2026-03", 1, 100.0)]


def visit(name: str, day: str, **more: Any) -> dict[str, Any]:
    return {
        "intervention_key": key(name), "event_id": name, "schedule_date_key": day_key(day), "state": "Done",
        "intervention_type": "Repair", "billable_amount": 0, "is_invoiced": False, "is_overdue": False,
        "rescheduled_count": 0, **more,
    }  # fmt: skip


def test_the_month_of_service_counts_each_appointment_once_whatever_its_day() -> None:
    # February: one on the 1st after 100 hours, late, scored 1; nine on the 2nd after 10, in time but one, scored 5 but for two.
    # Median 10, the 90th centile 0.1 of the way from the ninth value to the tenth: 10 + 0.1 x 90. One of 1 April does not count.
    busy = [visit(f"e{n}", "2026-02-02", time_to_intervention_hours=10, sla_met_flag=n > 0) for n in range(9)]
    scores = [5, 5, 5, 5, 5, 5, 5, None, None]
    visits = [
        visit("late", "2026-02-01", time_to_intervention_hours=100, sla_met_flag=False, customer_satisfaction_score=1),
        *[{**one, "customer_satisfaction_score": score} for one, score in zip(busy, scores, strict=True)],
        visit("later", "2026-04-01", time_to_intervention_hours=1, sla_met_flag=True, customer_satisfaction_score=5),
    ]
    january, february, march = computed(MONTHLY_KPI, company(fact_interventions=visits), D)
    assert february["median_time_to_intervention_hours"] == 10.0
    assert february["p90_time_to_intervention_hours"] == pytest.approx(19.0)
    assert february["sla_compliance_percent"] == pytest.approx(80.0)
    assert february["avg_customer_satisfaction"] == pytest.approx(36 / 8)
    for empty in (january, march):
        assert (empty["sla_compliance_percent"], empty["avg_customer_satisfaction"]) == (None, None)


def test_the_month_tells_the_share_of_its_revenue_that_has_no_cost() -> None:
    # 30 - 10 of 100 + 30 - 10; of a day's rate nothing could be said about the month.
    sales = [
        sale("F1", "Invoice", "2026-01-15", 100, is_cost_missing=False),
        sale("F2", "Invoice", "2026-01-16", 30, is_cost_missing=True),
        sale("A1", "CreditNote", "2026-01-17", -10, is_cost_missing=True),
        sale("O1", "Order", "2026-01-17", 500, is_cost_missing=True),
    ]
    january = computed(MONTHLY_KPI, company(fact_sales=sales), D)[0]
    assert january["revenue_without_cost_percent"] == pytest.approx(20 / 120 * 100)


def test_what_is_done_and_not_invoiced_grows_old() -> None:
    # 100 of 1 March, 30 days old, and 50 of the 31st; the invoiced one, the planned one, the free one and April's do not wait.
    visits = [
        visit("e1", "2026-03-01", billable_amount=100),
        visit("e2", "2026-03-31", billable_amount=50),
        visit("e3", "2026-03-01", billable_amount=70, is_invoiced=True),
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
        "net_amount_excl_tax": 100, "net_amount_incl_tax": 120, "row_origin": "line", "received_quantity": 1,
    }  # fmt: skip
    purchases = [
        {**bought, "document_id": "PC1", "product_id": "P", "promised_date": date(2026, 3, 20), "due_state": "Received",
         "complete_receipt_date": date(2026, 4, 2)},
        {**bought, "document_id": "PC2", "product_id": "Q", "promised_date": date(2026, 4, 20), "due_state": "Open"},
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
        sale("F1", "Invoice", "2026-01-15", 100, customer_id="C8", remaining_quantity_to_deliver=5),
    ]
    (row,) = computed(COMPANY_POSITION, company(fact_sales=orders, fact_purchases=purchases), D)
    assert (row["late_supplier_lines_count"], row["late_supplier_lines_amount"]) == (2, Decimal(150))
    assert row["customers_waiting_count"] == 2


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
        {**line, "purchase_key": "1", "due_state": "Overdue", "received_quantity": 4},  # 6 of 10 lack: 120
        {**line, "purchase_key": "2", "due_state": "Received", "received_quantity": 10,
         "complete_receipt_date": "2026-04-05"},  # late on the day, received since
        {**line, "purchase_key": "3", "due_state": "Received", "received_quantity": 10,
         "complete_receipt_date": "2026-03-25"},  # late, but there by the day
    ]  # fmt: skip
    pieces = [
        {"customer_product_key": key(name), "customer_product_id": name, "is_active": is_active}
        for name, is_active in (("Q1", True), ("Q2", True), ("Q3", False))
    ]
    covered = contract("K1", "2026-01-01", customer_product_ids=["Q1", "Q3"])
    tables: dict[str, Rows] = {
        "fact_sales": sales, "fact_purchases": ordered, "dim_equipment": pieces, "dim_contract": [covered],
    }  # fmt: skip
    (row,) = computed(COMPANY_POSITION, company(**tables), D)
    assert row["order_backlog"] == 560  # 500, and 2 x 30
    assert row["delivered_not_invoiced"] == 50  # 70 - 20: R1 waits for its credit note, R2 has it
    assert (row["late_supplier_lines_count"], row["late_supplier_lines_amount"]) == (2, 120)
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


def test_quotes_too_young_to_be_judged_count_in_neither_rate_of_conversion() -> None:
    """January: two of 100 and 300, the first converted by 40 %: 1 of 2, and 40 of 400. March's have time left."""
    quotes = [
        ("D1", "2026-01-10", 100, "2026-01-20", 0.4),
        ("D2", "2026-01-11", 300, None, None),
        ("D3", "2026-03-10", 500, "2026-03-12", 1.0),
    ]
    facts = [
        {"document_id": number, "quote_id": number, "date_key": day_key(day), "is_last_revision": True, "is_mailed": False,
         "converted_date": converted, "converted_kind": "Order" if converted else None, "converted_share": share}
        for number, day, _, converted, share in quotes
    ]  # fmt: skip
    sales = [
        sale(number, "Quote", day, net, line_number=1, quote_id=number, is_last_revision=True, colleague_key="JD")
        for number, day, net, *_ in quotes
    ]
    silver_rows = company(fact_sales=[sale("F1", "Invoice", "2026-01-15", 100), *sales], fact_quotes=facts)
    rows = {row["period"]: row for row in computed(MONTHLY_KPI, silver_rows, D)}
    rates = [(row["quote_conversion_percent"], row["quote_conversion_value_percent"]) for row in rows.values()]
    assert rates == [(50.0, 10.0), (None, None), (None, None)]


def test_an_order_line_is_served_when_all_of_it_came_by_the_day_that_was_promised() -> None:
    lines = [
        ("2026-01-31", "2026-01-31"),
        ("2026-01-20", "2026-01-21"),  # a day late
        ("2026-01-20", None),  # never in full
        (None, "2026-01-20"),  # nothing was promised
        ("2026-03-31", "2026-04-01"),
        ("2026-04-01", "2026-03-02"),  # not due on the day
        ("2026-03-10", "2026-03-09"),
    ]
    orders = [
        sale(f"C{n}", "Order", "2026-01-02", 10, promised_date=promised, complete_delivery_date=delivered)
        for n, (promised, delivered) in enumerate(lines)
    ]
    others = [
        sale(
            "T", "Order", "2026-01-02", 10, promised_date="2026-01-05", complete_delivery_date="2026-01-05", quantity=0
        ),
        sale("H", "Order", "2026-01-02", 10, promised_date="2026-01-05", row_origin="header"),
        sale("L", "Delivery", "2026-01-02", 10, promised_date="2026-01-05"),
        sale("N", "Order", "2026-04-01", 10, promised_date="2026-03-31"),  # ordered after the day
        sale("F1", "Invoice", "2026-01-15", 100),
    ]
    served = company(fact_sales=[*orders, *others])

    def rates(day: str = D, **parameters: int) -> list[tuple[int, float | None]]:
        rows = computed(MONTHLY_KPI, served, day, **parameters)
        return [(row["order_lines_due_count"], row["customer_service_percent"]) for row in rows]

    assert rates() == [(3, pytest.approx(100 / 3)), (0, None), (2, 50.0)]
    # With a day of grace the second one is in time; what came on 1 April was not there on the evening of 31 March.
    assert rates(on_time_tolerance_days=1) == [(3, pytest.approx(200 / 3)), (0, None), (2, 50.0)]
    # On 30 March the last line is not due yet.
    assert rates("2026-03-30") == [(3, pytest.approx(100 / 3)), (0, None), (1, 100.0)]


def test_active_customers_are_those_of_the_twelve_months_to_the_day_everywhere() -> None:
    """On 15 March: B of 15 March 2025 is out, C of the 16th in; an orphan is one whatever its case; nobody is none."""
    days = {"A": "2026-03-01", "B": "2025-03-15", "C": "2025-03-16", "GONE": "2025-06-01", "gone": "2025-07-01"}
    sales = [sale(f"F{name}", "Invoice", day, 100, customer_id=name) for name, day in days.items()]
    sales += [
        sale("N", "Invoice", "2026-01-05", 100, customer_id=None),
        sale("V", "CreditNote", "2026-01-05", -10, customer_id="D"),
        sale("L", "Invoice", "2026-03-16", 100, customer_id="E"),
        sale("B2", "Invoice", "2024-03-16", 100, customer_id="A"),  # A and B were customers a year before, Z no more
        sale("Z", "Invoice", "2024-03-15", 100, customer_id="Z"),
    ]
    tables: dict[str, Rows] = {
        "fact_sales": sales,
        "dim_date": [{**day, "is_business_day": True} for day in calendar("2024-01-01", "2026-12-31")],
    }
    (position,) = computed(COMPANY_POSITION, company(**tables), "2026-03-15")
    *_, march = computed(MONTHLY_KPI, company(**tables), "2026-03-15")
    assert (position["active_customers_count"], march["active_customers_count"]) == (3, 3)  # A, C and GONE
    assert (march["retention_rate_percent"], march["lost_revenue_percent"]) == (50.0, 50.0)
