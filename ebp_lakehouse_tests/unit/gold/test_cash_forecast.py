"""gold.cash_forecast: on which day each flow is expected, worked out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from ebp_lakehouse.gold.cash.cash_forecast import CASH_FORECAST
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, computed, day_key, silver

D = "2026-04-05"  # a Sunday: the first week shown begins on the next day
MONDAYS = [date(2026, 4, 6), date(2026, 4, 13), date(2026, 4, 20), date(2026, 4, 27), date(2026, 5, 4)]


def instalment(number: str, due: str, balance: int, **more: Any) -> dict[str, Any]:
    return {
        "payment_key": number, "commitment_id": number, "side": "customer", "third_id": "C", "balance": balance,
        "amount": balance, "assigned_amount": 0, "financial_discount_amount": 0, "due_date": date.fromisoformat(due),
        "document_date": date(2026, 1, 1), "is_rejected": False, "is_set_off": False, "is_doubtful": False, **more,
    }  # fmt: skip


def weeks(
    flow: str, own_parameters: Mapping[str, Any] | None = None, *, as_of: str = D, **tables: Rows
) -> dict[date, Decimal]:
    """Amounts of a flow by week, where there are any."""
    needed = dict.fromkeys(CASH_FORECAST.silver_read, ())
    connection = silver({**needed, "dim_date": calendar("2025-01-01", "2027-12-31"), **tables})
    rows = computed(CASH_FORECAST, connection, as_of, **(own_parameters or {}))
    return {row["week_start"]: row["amount"] for row in rows if row["flow"] == flow and row["amount"]}


def test_what_is_late_comes_tomorrow_at_the_earliest() -> None:
    payments = [
        instalment("LATE", "2026-02-01", 10),
        instalment("SUN", "2026-04-12", 20),  # Sunday: still the first week
        instalment("MON", "2026-04-13", 40),
        instalment("DOUBT", "2026-04-13", 80, is_doubtful=True),
    ]
    assert weeks("customer_overdue", fact_payments=payments) == {MONDAYS[0]: 10}
    assert weeks("customer_instalments", fact_payments=payments) == {MONDAYS[0]: 20, MONDAYS[1]: 40}


def test_a_payer_is_late_by_its_habit_weighted_by_amount() -> None:
    """90 paid 2 days late and 10 paid 22 days late: 4 days on average, not 12. Due on 8 April, expected on the 12th."""
    paid = {"settlement_date": date(2026, 3, 1)}
    payments = [
        instalment("OPEN", "2026-04-08", 50),
        instalment("P1", "2026-02-27", 0, **paid | {"assigned_amount": 90, "delay_days": 2}),
        instalment("P2", "2026-02-07", 0, **paid | {"assigned_amount": 10, "delay_days": 22}),
    ]
    assert weeks("customer_instalments", fact_payments=payments) == {MONDAYS[0]: 50}


def test_suppliers_are_paid_when_due_and_lower_the_cash() -> None:
    payments = [instalment("S1", "2026-04-20", 70, side="supplier"), instalment("S2", "2026-03-01", 5, side="supplier")]
    assert weeks("supplier_instalments", fact_payments=payments) == {MONDAYS[2]: -70}
    assert weeks("supplier_overdue", fact_payments=payments) == {MONDAYS[0]: -5}


def test_what_is_past_due_is_told_apart_whenever_it_is_expected() -> None:
    """Due on the day: not late. C pays 30 days late: what was due on 1 April comes on 1 May. Unallocated cash came already."""
    habit = {"settlement_date": date(2026, 3, 1), "assigned_amount": 10, "delay_days": 30}
    payments = [
        instalment("TODAY", D, 10, third_id="O"),
        instalment("YESTERDAY", "2026-04-04", 20, third_id="O"),
        instalment("CREDIT", "2026-04-04", -5, third_id="O"),
        instalment("C", "2026-04-01", 40),
        instalment("PAID", "2026-01-30", 0, **habit),
    ]
    cash = [{"settlement_key": "S", "settlement_date": date(2026, 4, 1), "is_rejected": False, "unassigned_amount": 3}]
    tables: dict[str, Rows] = {"fact_payments": payments, "fact_settlements": cash}
    assert weeks("customer_instalments", **tables) == {MONDAYS[0]: 10}
    assert weeks("customer_overdue", **tables) == {MONDAYS[0]: 20 - 5 - 3, MONDAYS[3]: 40}


def test_a_contract_invoiced_yearly_is_expected_after_its_next_anniversary_only() -> None:
    # Begun on 1 April 2024: this year's has passed (1 April + 30 days would be in the weeks shown), the next is 2027's.
    # Begun on 10 April: 10 April + 30 days = 10 May, in the week of 4 May.
    contracts = [
        {"contract_key": day, "contract_id": day, "start_date": date.fromisoformat(day), "is_active": True,
         "planned_invoicing_amount": amount, "invoices_per_year": 1}
        for day, amount in (("2024-04-01", 600), ("2024-04-10", 900))
    ]  # fmt: skip
    assert weeks("contracts_to_invoice", dim_contract=contracts) == {MONDAYS[4]: 900}


def test_a_contract_invoiced_quarterly_is_expected_after_each_invoice() -> None:
    # Begun on 10 January 2025: invoices on 10 April and 10 July; + 30 days = 10 May and 9 August. The thirteen weeks shown
    # end on 5 July, so the second is not among them; twenty weeks end on 23 August and hold it, in the week of 3 August.
    contract = {"contract_key": "Q", "contract_id": "Q", "start_date": date(2025, 1, 10), "is_active": True,
                "planned_invoicing_amount": 50, "invoices_per_year": 4}  # fmt: skip
    assert weeks("contracts_to_invoice", dim_contract=[contract]) == {MONDAYS[4]: 50}
    far = weeks("contracts_to_invoice", {"cash_weeks": 20}, dim_contract=[contract])
    assert far == {MONDAYS[4]: 50, date(2026, 8, 3): 50}


def quarterly(**more: Any) -> dict[str, Any]:
    return {"contract_key": "Q", "contract_id": "Q", "start_date": date(2025, 1, 10), "has_tacit_renewal": False,
            "planned_invoicing_amount": 50, "invoices_per_year": 4, **more}  # fmt: skip


def test_between_two_invoices_a_contract_waits_for_the_next() -> None:
    # Begun on 10 January 2025, so invoiced on 10 April and on 10 July 2026, neither of them in May: 10 July + 30 days = 9 August.
    assert weeks("contracts_to_invoice", as_of="2026-05-31", dim_contract=[quarterly()]) == {date(2026, 8, 3): 50}


def test_a_contract_is_invoiced_no_more_after_its_last_day() -> None:
    for last, amount in (("2026-04-09", None), ("2026-04-10", 50)):
        expected = {MONDAYS[4]: amount} if amount else {}
        ended, cancelled = quarterly(end_date=last), quarterly(cancellation_date=last, has_tacit_renewal=True)
        assert weeks("contracts_to_invoice", dim_contract=[ended]) == expected
        assert weeks("contracts_to_invoice", dim_contract=[cancelled]) == expected
    renewed = quarterly(end_date="2026-04-09", has_tacit_renewal=True)
    assert weeks("contracts_to_invoice", dim_contract=[renewed]) == {MONDAYS[4]: 50}


def test_a_contract_brings_the_vat_at_which_it_was_invoiced() -> None:
    """Q was invoiced 100 + 10 and credited 50 + 5: 50 come with 10 %. N never was, it takes the rate of both: 15 of 100."""
    sales = [
        {"document_id": number, "document_type": kind, "date_key": day_key(day), "contract_id": contract,
         "net_amount_excl_tax": net, "tax_amount": tax,
         "tax_on_collection_amount": 0}
        for number, kind, day, contract, net, tax in (
            ("F1", "Invoice", "2026-01-10", "q", 100, 10),
            ("V1", "CreditNote", "2026-01-12", "q", -50, -5),
            ("F2", "Invoice", "2026-01-10", "OTHER", 50, 10),
            ("F3", "Invoice", "2026-04-06", "q", 100, 20),  # after the day
            ("C1", "Order", "2026-01-10", "q", 100, 99),
        )
    ]  # fmt: skip
    assert weeks("contracts_to_invoice", dim_contract=[quarterly()], fact_sales=sales) == {MONDAYS[4]: 55}
    never = quarterly(contract_key="N", contract_id="N", planned_invoicing_amount=100)
    assert weeks("contracts_to_invoice", dim_contract=[never], fact_sales=sales) == {MONDAYS[4]: 115}


def test_vat_is_paid_on_its_day_of_the_next_month() -> None:
    # March: 100 collected, 40 deductible, paid on 24 April, a Friday; on that evening it is paid already. With the 26th, a
    # Sunday, as the day of payment it stays in the same week.
    sales = [{"document_id": "F", "document_type": "Invoice", "date_key": day_key("2026-03-10"), "tax_amount": 100,
              "tax_on_collection_amount": 0}]  # fmt: skip
    bought = [{"document_id": "A", "document_type": "Invoice", "date_key": day_key("2026-03-12"), "tax_amount": 40}]
    assert weeks("vat", fact_sales=sales, fact_purchases=bought) == {MONDAYS[2]: -60}
    assert weeks("vat", {"vat_payment_day": 26}, fact_sales=sales, fact_purchases=bought) == {MONDAYS[2]: -60}
    assert weeks("vat", as_of="2026-04-24", fact_sales=sales, fact_purchases=bought) == {}
