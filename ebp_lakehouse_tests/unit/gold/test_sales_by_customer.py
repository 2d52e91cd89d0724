"""gold.sales_by_customer and sales_by_customer_period: windows, ranks with ties, segments; figures worked out in comments."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ebp_lakehouse.gold.sales.sales_by_customer import SALES_BY_CUSTOMER
from ebp_lakehouse.gold.sales.sales_by_customer_period import SALES_BY_CUSTOMER_PERIOD
from ebp_lakehouse_tests.unit.gold.sales_facts import Sale, by, company, compute, judge

D = date(2026, 3, 31)


def ago(days: int) -> date:
    return D - timedelta(days=days)


def test_the_window_is_twelve_months_and_ends_with_the_day() -> None:
    sales = [
        Sale("F1", date(2025, 3, 31), "A", "P", "100"),  # the last day of the window before
        Sale("F2", date(2025, 4, 1), "A", "P", "10"),  # the first day of the window
        Sale("F3", D, "A", "P", "1", cost="0.40"),
        Sale("F4", date(2026, 4, 1), "A", "P", "1000"),  # waits
        Sale("V1", D, "A", "P", "-2", document_type="CreditNote"),
        Sale("C1", D, "A", "P", "5000", document_type="Order"),
    ]
    frame, found = compute(company(sales), SALES_BY_CUSTOMER, D)
    assert not found
    row = by(frame, "customer_id")["A"]
    assert (row["period_start_date"], row["period_end_date"]) == (date(2025, 4, 1), D)
    assert (row["total_orders"], row["total_revenue"]) == (2, Decimal("9.00"))  # 10 + 1 - 2
    assert row["total_margin"] == Decimal("8.60")
    assert row["average_order_value"] == Decimal("4.50")
    assert (row["previous_orders"], row["previous_revenue"]) == (1, Decimal("100.00"))
    assert row["lifetime_value"] == Decimal("109.00")


def test_a_month_without_a_31st_ends_where_the_month_ends() -> None:
    frame, _ = compute(company([Sale("F1", date(2026, 1, 1), "A", "P", "1")]), SALES_BY_CUSTOMER, date(2026, 2, 28))
    assert frame["period_start_date"].to_list() == [date(2025, 3, 1)]


def test_six_customers_share_the_scores_and_ties_share_one() -> None:
    # Recency: percent ranks 0, .2, .4, .6, .8, 1 give 1, 2, 3, 4, 5, 5. Invoices 1, 1, 1, 1, 2, 2: the four share rank 0
    # and score 1, the two share rank 4 of 5: 1 + 5 x 0.8 = 5.
    sales = [Sale(f"F{n}", ago(60 - n), f"C{n}", "P", str(10 * n)) for n in range(1, 7)]
    sales += [Sale("G5", ago(300), "C5", "P", "1"), Sale("G6", ago(300), "C6", "P", "1")]
    rows = by(compute(company(sales), SALES_BY_CUSTOMER, D)[0], "customer_id")
    assert [rows[f"C{n}"]["rfm_recency"] for n in range(1, 7)] == [1, 2, 3, 4, 5, 5]
    assert [rows[f"C{n}"]["rfm_frequency"] for n in range(1, 7)] == [1, 1, 1, 1, 5, 5]
    assert rows["C6"]["rfm_score"] == "555"


def test_a_single_customer_has_nobody_to_be_ranked_with() -> None:
    row = compute(company([Sale("F1", D, "A", "P", "5")]), SALES_BY_CUSTOMER, D)[0].to_dicts()[0]
    assert (row["rfm_score"], row["abc_classification"]) == ("111", "A")


def regular(customer: str, every: int, last: int, net: str = "10", count: int = 5) -> list[Sale]:
    """``count`` invoices, ``every`` so many days, the last one ``last`` days ago."""
    return [Sale(f"{customer}{n}", ago(last + every * n), customer, "P", net) for n in range(count)]


def test_the_rhythm_is_the_customers_own_else_its_familys() -> None:
    sales = [*regular("FAST", 30, 10), *regular("SLOW", 90, 10), *regular("NEW", 5, 10, count=2)]
    families = {"FAST": "PME", "SLOW": "PME", "NEW": "PME"}
    rows = by(compute(company(sales, families=families), SALES_BY_CUSTOMER, D)[0], "customer_id")
    assert (rows["FAST"]["median_gap_days"], rows["SLOW"]["median_gap_days"]) == (30.0, 90.0)
    assert rows["NEW"]["median_gap_days"] == 60.0  # two invoices are no rhythm: the median of 30 and 90
    assert rows["NEW"]["is_new"] is True
    assert rows["SLOW"]["is_new"] is False


def test_four_days_with_an_invoice_are_a_rhythm_and_three_are_none() -> None:
    sales = [*regular("FOUR", 20, 10, count=4), *regular("THREE", 50, 10, count=3)]
    families = {"FOUR": "PME", "THREE": "PME"}
    rows = by(compute(company(sales, families=families), SALES_BY_CUSTOMER, D)[0], "customer_id")
    assert rows["FOUR"]["median_gap_days"] == 20.0
    assert rows["THREE"]["median_gap_days"] == 20.0  # the family's, that is FOUR's


def test_a_customer_who_was_never_much_of_one_is_not_at_risk() -> None:
    """200 days without an invoice; of five customers LITTLE has the fewest invoices and the least money: F = M = 1."""
    sales = [Sale("F1", ago(200), "LITTLE", "P", "1")]
    for n in range(4):
        sales += regular(f"C{n}", 30, 300 if n < 2 else 20, net="100")
    rows = by(compute(company(sales), SALES_BY_CUSTOMER, D)[0], "customer_id")
    assert (rows["LITTLE"]["rfm_frequency"], rows["LITTLE"]["rfm_monetary"]) == (1, 1)
    assert rows["LITTLE"]["customer_segment"] == "Regular"


@pytest.mark.parametrize(
    ("every", "last", "segment"),
    [
        (30, 366, "Lost"),  # more than 365 days, and than 3 x 30
        (30, 365, "At Risk"),  # 365 days are not more than 365
        (150, 366, "At Risk"),  # 3 x 150 = 450 days are not over, 1.5 x 150 = 225 are
        (30, 121, "At Risk"),
        (30, 120, "VIP"),  # 120 days are not more than 120
        (100, 140, "VIP"),  # 1.5 x 100 = 150
    ],
)
def test_a_customer_is_lost_or_at_risk_by_its_own_rhythm(every: int, last: int, segment: str) -> None:
    """Beside four customers who bought once, longer ago, and little: the one judged has the best scores, R = F = M = 5."""
    others = [Sale(f"O{n}", ago(700 - n), f"O{n}", "P", "1") for n in range(4)]
    rows = by(compute(company([*regular("X", every, last), *others]), SALES_BY_CUSTOMER, D)[0], "customer_id")
    assert rows["X"]["customer_segment"] == segment


def test_a_large_customer_who_comes_less_is_at_risk_before_the_days_are_over() -> None:
    """Recency rank 0 of 4 (score 1), money rank 4 of 4 (score 5), 50 days ago: at risk; the smallest is Regular."""
    sales = [Sale(f"F{n}", ago(10 + n), f"C{n}", "P", "1") for n in range(4)] + [Sale("F9", ago(50), "BIG", "P", "900")]
    rows = by(compute(company(sales), SALES_BY_CUSTOMER, D)[0], "customer_id")
    assert rows["BIG"]["customer_segment"] == "At Risk"
    assert rows["C0"]["customer_segment"] == "Regular"


def test_sales_of_nobody_are_kept_and_are_not_ranked() -> None:
    sales = [
        Sale("F1", ago(5), "A", "P", "80"),
        Sale("F2", ago(4), None, "P", "15"),
        Sale("F3", ago(3), "GONE1", "P", "3"),
        Sale("F4", ago(2), "GONE2", "P", "2"),
    ]
    frame, found = compute(company(sales), SALES_BY_CUSTOMER, D)
    rows = by(frame, "customer_id")
    assert not found
    assert (rows["(orphan)"]["total_orders"], rows["(orphan)"]["total_revenue"]) == (2, Decimal("5.00"))
    assert rows["(unknown)"]["total_revenue"] == Decimal("15.00")
    assert [rows[name]["lifetime_value"] for name in ("(orphan)", "(unknown)", "A")] == [None, None, Decimal("80.00")]
    assert rows["(unknown)"]["rfm_score"] == "111"


def test_nobody_takes_the_place_of_a_customer_in_the_ranks() -> None:
    # Of 200 are 100 without a customer. Of the customers' 100: before B 80 (no longer A), before C 95: C. The two largest have
    # 95 of all 200. With the 100 before them B and C would be ranks 3 and 4, and B of class B by 180 of 200.
    sales = [Sale(f"F{c}", ago(9), c, "P", net) for c, net in (("A", "80"), ("B", "15"), ("C", "5"), (None, "100"))]
    frame, found = compute(company(sales), SALES_BY_CUSTOMER, D)
    rows = by(frame, "customer_id")
    assert not found
    assert [(rows[c]["revenue_rank"], rows[c]["abc_classification"]) for c in "ABC"] == [(1, "A"), (2, "B"), (3, "C")]
    assert rows["B"]["cumulated_share_percent"] == pytest.approx(95 / 200 * 100)
    nobody = rows["(unknown)"]
    assert (nobody["revenue_rank"], nobody["abc_classification"], nobody["cumulated_share_percent"]) == (None,) * 3
    assert nobody["revenue_share_percent"] == pytest.approx(50)


def test_abc_and_concentration_by_falling_revenue() -> None:
    """80 + 15 + 5 = 100. Before A 0 %, before B 80 % (no longer A), before C 95 %: C; D gave back more than it bought."""
    sales = [Sale(f"F{c}", ago(9), c, "P", net) for c, net in (("A", "80"), ("B", "15"), ("C", "5"))]
    sales += [Sale("V", ago(9), "D", "P", "-10", document_type="CreditNote")]
    rows = by(compute(company(sales), SALES_BY_CUSTOMER, D)[0], "customer_id")
    assert [rows[c]["abc_classification"] for c in "ABCD"] == ["A", "B", "C", "C"]
    assert [rows[c]["revenue_rank"] for c in "ABCD"] == [1, 2, 3, 4]
    assert rows["B"]["cumulated_share_percent"] == pytest.approx(95 / 90 * 100)  # of a revenue of 90
    assert (rows["D"]["customer_segment"], rows["D"]["days_since_last_order"]) == (None, None)


def test_a_lost_sale_is_told_with_both_figures() -> None:
    connection = company([Sale("F1", ago(5), "A", "P", "80"), Sale("F2", ago(500), "B", "P", "20")])
    compute(connection, SALES_BY_CUSTOMER, D)
    connection.execute("DELETE FROM computed.sales_by_customer WHERE customer_id = 'A'")
    assert judge(connection, SALES_BY_CUSTOMER, D) == [
        "revenue of the period is 0.00 by customer, 80.00 in the facts up to 2026-03-31",
        "lifetime values add up to 20.00, the facts up to 2026-03-31 to 100.00",
    ]


def test_the_other_windows() -> None:
    """D is 10 March 2026; the fiscal year is the calendar year."""
    day = date(2026, 3, 10)
    sales = [
        Sale("F1", date(2026, 3, 1), "A", "P", "1"),  # month, fiscal year
        Sale("F2", date(2026, 2, 28), "A", "P", "2"),  # fiscal year
        Sale("F3", date(2025, 3, 10), "A", "P", "4"),  # same days a year earlier; last day of the previous year
        Sale("F4", date(2025, 3, 11), "A", "P", "8"),  # in no window: a year before, but after the 10th
        Sale("F5", date(2024, 3, 11), "A", "P", "16"),  # first day of the previous year
        Sale("V1", date(2026, 3, 2), "A", "P", "-0.5", document_type="CreditNote"),
    ]
    frame, found = compute(company(sales), SALES_BY_CUSTOMER_PERIOD, day)
    assert not found
    rows = by(frame, "period_type")
    assert {name: (row["total_orders"], row["total_revenue"]) for name, row in rows.items()} == {
        "month": (1, Decimal("0.50")),
        "fiscal_year_to_date": (2, Decimal("2.50")),
        "previous_fiscal_year_to_date": (1, Decimal("4.00")),
        "previous_year": (2, Decimal("20.00")),
    }
    assert rows["previous_year"]["period_start_date"] == date(2024, 3, 11)
    assert rows["previous_fiscal_year_to_date"]["period_end_date"] == date(2025, 3, 10)
