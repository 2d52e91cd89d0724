"""gold.monthly_kpi where the mini company has no case: the day a contract ends, a long fiscal year, surveys, service."""

from __future__ import annotations

from datetime import date

import pytest

from ebp_lakehouse.gold.company.company_position import COMPANY_POSITION
from ebp_lakehouse.gold.company.monthly_kpi import MONTHLY_KPI
from ebp_lakehouse_tests.unit.gold.company_facts import D, company, contract, sale, visit
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, computed, day_key


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
    # January, before January to March 2025: 100, not the 200 since July 2024; of 90 business days now, and 80 before.
    calendar_days = [
        {
            **day,
            "is_business_day": not 20250101 <= day["date_id"] <= 20250110,
            "fiscal_year": 2025 if day["date_id"] < 20260101 else 2026,
        }
        for day in calendar("2024-07-01", "2026-12-31")
    ]
    invoices = [sale(month, "Invoice", f"{month}-15", 100) for month in ("2024-08", "2025-03", "2025-08", "2026-03")]
    rows = {
        row["period"]: row for row in computed(MONTHLY_KPI, company(dim_date=calendar_days, fact_sales=invoices), D)
    }
    assert (rows["2025-08"]["revenue_fiscal_ytd"], rows["2025-08"]["revenue_fiscal_ytd_before"]) == (300, 100)
    assert (rows["2026-03"]["revenue_fiscal_ytd"], rows["2026-03"]["revenue_fiscal_ytd_before"]) == (100, 100)
    assert (rows["2025-07"]["revenue_fiscal_ytd_before"], rows["2026-03"]["growth_percent"]) == (None, 0.0)
    assert rows["2026-03"]["growth_per_business_day_percent"] == pytest.approx(80 / 90 * 100 - 100)


def test_a_survey_is_of_the_month_in_which_it_was_sent_and_of_all_documents_of_a_customer() -> None:
    # February: C's order, delivery and invoice (two rows) have the dates of one survey, back on 31 March; D's came back after
    # it, E's never: 1 of 3. March: one sent on the last day came back the same day. What is sent in April, or about an invoice
    # of April, is not known yet.
    february = {"survey_sent_date": date(2026, 2, 10)}
    back = {**february, "survey_returned_date": date(2026, 3, 31)}
    march = {"survey_sent_date": date(2026, 3, 31), "survey_returned_date": date(2026, 3, 31)}
    april = {"survey_sent_date": date(2026, 4, 1), "survey_returned_date": date(2026, 4, 1)}
    sales = [
        sale("F1", "Invoice", "2026-01-15", 100),
        sale("O2", "Order", "2026-01-10", 50, **february),
        sale("L2", "Delivery", "2026-01-19", 50, customer_id="c", **back),
        *[sale("F2", "Invoice", "2026-01-20", 50, **back)] * 2,
        sale("F3", "Invoice", "2026-01-20", 50, customer_id="D", **{**back, "survey_returned_date": date(2026, 4, 1)}),
        sale("F4", "Invoice", "2026-02-01", 50, customer_id="E", **february),
        sale("F5", "Invoice", "2026-02-01", 50, **march),
        sale("F6", "Invoice", "2026-02-01", 50, **april),
        sale("F7", "Invoice", "2026-04-05", 50, customer_id="G", **back),
    ]
    rows = computed(MONTHLY_KPI, company(fact_sales=sales), D)
    figures = [(row["period"], row["surveys_sent_count"], row["survey_return_percent"]) for row in rows]
    assert figures == [("2026-01", 0, None), ("2026-02", 3, pytest.approx(100 / 3)), ("2026-03", 1, 100.0)]


def test_the_month_of_service_counts_each_appointment_once_whatever_its_day() -> None:
    # February: one on the 1st after 100 hours, late, scored 1; nine on the 2nd after 10, in time but one, scored 5 but for two.
    # Median 10, the 90th centile 0.1 of the way from the ninth value to the tenth: 10 + 0.1 x 90. One of 1 April does not count.
    busy = [visit(f"e{n}", "2026-02-02", time_to_intervention_hours=10, sla_met_flag=n > 0) for n in range(9)]
    scores = [5, 5, 5, 5, 5, 5, 5, None, None]
    visits = [
        visit("late", "2026-02-01", time_to_intervention_hours=100, sla_met_flag=False, customer_satisfaction_score=1),
        *[{**one, "customer_satisfaction_score": score} for one, score in zip(busy, scores, strict=True)],
        visit("answered", "2026-03-02", customer_satisfaction_score=1, customer_satisfaction_date=date(2026, 4, 1)),
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
