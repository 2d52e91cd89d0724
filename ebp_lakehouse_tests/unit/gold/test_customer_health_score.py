"""gold.customer_health_score: its parts, how missing ones are left out, risk and actions; figures worked out in comments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import duckdb
import pytest

from ebp_lakehouse.gold.sales.customer_health_score import CUSTOMER_HEALTH_SCORE
from ebp_lakehouse_tests.unit.gold.sales_facts import Sale, by, company, compute, judge

D = date(2026, 3, 31)
EMPTY = {
    "dim_contract": "customer_id VARCHAR, start_date DATE, end_date DATE, cancellation_date DATE, has_tacit_renewal BOOLEAN",
    "fact_customer_activity": "date_key INTEGER, customer_id VARCHAR, is_automatic BOOLEAN",
    "fact_interventions": "schedule_date_key INTEGER, customer_id VARCHAR, state VARCHAR, is_return_visit BOOLEAN, "
    "customer_satisfaction_score INTEGER, customer_satisfaction_date DATE",
    "fact_incidents": "creation_date_key INTEGER, customer_id VARCHAR, reopened_count INTEGER",
    "fact_payments": "third_id VARCHAR, due_date DATE, settlement_date DATE, amount DECIMAL(28,8), "
    "assigned_amount DECIMAL(28,8), balance DECIMAL(28,8), is_rejected BOOLEAN",
}


def ago(days: int) -> date:
    return D - timedelta(days=days)


def customers(
    sales: Sequence[Sale], rows: Mapping[str, Sequence[tuple[Any, ...]]] | None = None
) -> duckdb.DuckDBPyConnection:
    """Sales, and by table what else is known of the customers."""
    connection = company(sales)
    for table, columns in EMPTY.items():
        connection.execute(f"CREATE TABLE silver.{table} ({columns})")
        for row in (rows or {}).get(table, ()):
            values = [int(f"{v:%Y%m%d}") if i == 0 and isinstance(v, date) else v for i, v in enumerate(row)]
            connection.execute(f"INSERT INTO silver.{table} VALUES ({', '.join('?' * len(row))})", values)
    connection.execute("ALTER TABLE silver.fact_payments ADD COLUMN side VARCHAR DEFAULT 'customer'")
    return connection


def score(
    sales: Sequence[Sale], rows: Mapping[str, Sequence[tuple[Any, ...]]] | None = None, **changed: Any
) -> dict[str, Any]:
    frame, found = compute(customers(sales, rows), CUSTOMER_HEALTH_SCORE, D, **changed)
    assert not found
    return by(frame, "customer_id")


ONE_SALE = [Sale("F1", ago(10), "A", "P", "100")]


def test_an_unknown_part_is_left_out_and_the_others_keep_their_proportions() -> None:
    # One customer: R = F = 1, so 20 each; no revenue the year before: no trend; percent rank 0. (40 x 20 + 30 x 20 + 0) / 80
    # = 17.5. Nothing paid, nobody visited: health = engagement.
    row = score(ONE_SALE)["A"]
    assert row["engagement_score"] == pytest.approx(17.5)
    assert (row["revenue_trend_score"], row["satisfaction_score"], row["payment_score"]) == (None, None, None)
    assert row["health_score"] == pytest.approx(17.5)
    # Paid on time: 100. (45 x 17.5 + 30 x 100) / 75 = 50.5.
    paid = score(ONE_SALE, {"fact_payments": [("A", ago(5), ago(5), 100, 100, 0, False)]})["A"]
    assert paid["health_score"] == pytest.approx(50.5)
    # A visit without complaint: satisfaction 100. (45 x 17.5 + 25 x 100) / 70.
    visited = score(ONE_SALE, {"fact_interventions": [(ago(5), "A", "Done", False, None, None)]})["A"]
    assert visited["health_score"] == pytest.approx((45 * 17.5 + 2500) / 70)


@pytest.mark.parametrize(
    ("before", "percent", "trend"), [("80", 25.0, 75.0), ("50", 100.0, 100.0), ("400", -75.0, 0.0)]
)
def test_the_trend_counts_for_fifty_percent_at_most(before: str, percent: float, trend: float) -> None:
    row = score([*ONE_SALE, Sale("F0", ago(400), "A", "P", before)])["A"]
    assert row["revenue_trend_percent"] == pytest.approx(percent)
    assert row["revenue_trend_score"] == pytest.approx(trend)
    assert row["engagement_score"] == pytest.approx((800 + 600 + 20 * trend) / 100)


def test_interactions_are_those_of_people_and_ties_share_their_rank() -> None:
    sales = [Sale(f"F{c}", ago(10), c, "P", "1") for c in "ABC"]
    activities = [(ago(5), "C", False), (ago(6), "C", True), (ago(200), "B", False), (D + timedelta(1), "B", False)]
    rows = score(sales, {"fact_customer_activity": activities})
    assert {c: (row["interactions_count"], row["interactions_score"]) for c, row in rows.items()} == {
        "A": (0, 0.0), "B": (0, 0.0), "C": (1, 100.0),
    }  # fmt: skip


def test_answers_come_before_the_proxy() -> None:
    visits = [
        (ago(9), "A", "Done", False, 4, ago(0)), (ago(8), "A", "Done", True, 5, None), (ago(400), "A", "Done", False, 1, ago(390)),
        (ago(7), "A", "Done", False, 1, D + timedelta(1)),  # answered after the day
    ]  # fmt: skip
    row = score(ONE_SALE, {"fact_interventions": visits})["A"]
    assert (row["satisfaction_score"], row["satisfaction_source"]) == (90.0, "survey")  # (4 + 5) / 2 x 20


def test_complaints_stand_in_where_nobody_answered() -> None:
    # One return visit, one reopened incident, one credit note that took a pump back: 100 - 3 x 25 = 25. A credit note on
    # shipping, a rebate without goods, and a return planned but not done are none.
    sales = [
        *ONE_SALE,
        Sale("V1", ago(3), "A", "P", "-10", quantity="-1", document_type="CreditNote"),
        Sale("V2", ago(3), "A", "PORT", "-5", quantity="-1", document_type="CreditNote", row_origin="header"),
        Sale("V3", ago(3), "A", "P", "-5", quantity="0", document_type="CreditNote"),
    ]
    visits = [(ago(9), "A", "Done", True, None, None), (ago(8), "A", "Scheduled", True, None, None)]
    row = score(sales, {"fact_interventions": visits, "fact_incidents": [(ago(9), "A", 1)]})["A"]
    assert (row["complaints_count"], row["satisfaction_score"], row["satisfaction_source"]) == (3, 25.0, "proxy")


def test_payment_counts_delays_rejections_and_what_is_long_overdue() -> None:
    # Paid 100 ten days late and 100 thirty days early, which earns no points: (100 x 10 + 100 x 0 + 200 x 61) / 400 = 33 days
    # with 200 overdue for 61 days. 100 - 2 x 33 - 10 - 20 = 4. A payment without a due date is not late, nor on time.
    payments = [
        ("A", ago(30), ago(20), 100, 100, 0, False),
        ("A", ago(10), ago(40), 100, 100, 0, False),
        ("A", None, ago(40), 800, 800, 0, False),
        ("A", ago(10), ago(9), 70, 70, 0, True),  # rejected: the money never came
        ("A", ago(61), None, 200, 0, 200, False),
        ("A", D + timedelta(9), None, 500, 0, 500, False),  # not due
        ("A", ago(9), None, -90, 0, -90, False),  # a credit note
        ("A", ago(420), ago(400), 999, 999, 0, False),  # more than twelve months ago
        ("B", ago(60), None, 5, 0, 5, False),  # somebody else's
    ]
    row = score(ONE_SALE, {"fact_payments": payments})["A"]
    assert row["payment_delay_days"] == pytest.approx(-10.0)  # of what was paid: (100 x 10 - 100 x 30) / 200
    assert row["rejected_payments"] == 1
    assert row["payment_score"] == pytest.approx(4.0)
    assert (row["recommended_action"], row["action_reason"]) == ("Contact", "payment")


def test_what_is_settled_after_the_day_was_overdue_on_it() -> None:
    payments = [("A", ago(20), D + timedelta(5), 100, 100, 0, False)]
    row = score(ONE_SALE, {"fact_payments": payments})["A"]
    assert row["payment_score"] == pytest.approx(100 - 2 * 20)
    assert row["payment_delay_days"] is None  # nothing was paid by then


def test_what_was_written_off_is_not_overdue_for_ever() -> None:
    # 100 written off long ago: no payment, and nothing left to pay. Paid on time beside it: 100, not 100 - 20.
    payments = [("A", ago(400), None, 100, 0, 0, False), ("A", ago(5), ago(5), 100, 100, 0, False)]
    assert score(ONE_SALE, {"fact_payments": payments})["A"]["payment_score"] == pytest.approx(100)


def test_a_supplier_of_the_same_code_is_somebody_else() -> None:
    connection = customers(ONE_SALE, {"fact_payments": [("A", ago(20), None, 100, 0, 100, False)]})
    connection.execute("UPDATE silver.fact_payments SET side = 'supplier'")
    frame, found = compute(connection, CUSTOMER_HEALTH_SCORE, D)
    assert not found
    assert by(frame, "customer_id")["A"]["payment_score"] is None


def test_who_is_judged() -> None:
    sales = [
        Sale("F1", date(2023, 4, 1), "NEW", "P", "1"),  # the first day of the 36 months
        Sale("F2", date(2023, 3, 31), "OLD", "P", "1"),
        Sale("F3", date(2022, 3, 31), "CONTRACT", "P", "1"),
        Sale("F4", date(2022, 3, 31), "ENDED", "P", "1"),
        Sale("F5", D, "GONE1", "P", "1"),
        Sale("F6", D, None, "P", "1"),
    ]
    contracts = [
        ("CONTRACT", date(2021, 1, 1), date(2021, 12, 31), None, True),
        ("ENDED", date(2021, 1, 1), date(2021, 12, 31), None, False),
        ("OLD", date(2021, 1, 1), None, ago(1), True),
    ]
    connection = customers(sales)
    connection.executemany("INSERT INTO silver.dim_contract VALUES (?, ?, ?, ?, ?)", contracts)
    frame, found = compute(connection, CUSTOMER_HEALTH_SCORE, D)
    assert not found
    assert frame["customer_id"].to_list() == ["CONTRACT", "NEW"]
    connection.execute("DELETE FROM computed.customer_health_score WHERE customer_id = 'NEW'")
    assert judge(connection, CUSTOMER_HEALTH_SCORE, D) == ["1 customers who bought since are missing"]


def test_risk_action_and_review_by_segment() -> None:
    # Of five, BIG came last long ago (R 1) and is worth most (M 5): at risk, class A. TINY is lost, class C. C0 to C2 are
    # regular; C2, the latest of all, grew from 1 to 2.
    sales = [Sale("B", ago(130), "BIG", "P", "900"), Sale("T", ago(400), "TINY", "P", "1")]
    sales += [Sale(f"F{n}", ago(30 - n), f"C{n}", "P", str(1 + n // 2)) for n in range(3)]
    sales += [Sale("F9", ago(500), "C2", "P", "1")]
    rows = score(sales)
    judged = {name: (row["churn_risk_level"], row["recommended_action"]) for name, row in rows.items()}
    assert judged["BIG"] == ("High", "Churn Prevention")
    assert judged["TINY"] == ("High", "Contact")
    assert judged["C2"] == ("Low", "Upsell")
    assert judged["C1"] == ("Low", "Monitor")
    assert {row["risk_source"] for row in rows.values()} == {"segment"}
    # 31 March + 7 = Tuesday 7 April; + 90 = Monday 29 June; with 4 days Saturday 4 April becomes Monday the 6th.
    assert (rows["BIG"]["next_review_date"], rows["C2"]["next_review_date"]) == (date(2026, 4, 7), date(2026, 6, 29))
    assert score(sales, review_days_high=4)["BIG"]["next_review_date"] == date(2026, 4, 6)
