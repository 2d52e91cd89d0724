"""gold.revenue_bridge: each effect alone, then all of them together; figures worked out in comments."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from ebp_lakehouse.gold.sales.revenue_bridge import REVENUE_BRIDGE
from ebp_lakehouse_tests.unit.gold.sales_facts import Product, Sale, by, company, compute, judge

D = date(2026, 3, 31)
BEFORE, LATER = date(2025, 2, 10), date(2026, 2, 10)  # of the twelve months, and of the fiscal (calendar) year
EFFECTS = (
    "new_customers", "lost_customers", "new_products", "lost_products", "volume", "price", "mix", "credit_notes", "other",
)  # fmt: skip


def sold(day: date, customer: str, product: str, quantity: int, net: str, **changed: Any) -> Sale:
    return Sale(f"{day:%y}{customer}{product}", day, customer, product, net, quantity=str(quantity), **changed)


def bridge(sales: list[Sale], products: list[Product] | None = None) -> dict[str, dict[str, Any]]:
    """The rows of the twelve months by family."""
    frame, found = compute(company(sales, products or []), REVENUE_BRIDGE, D)
    assert not found
    return {key[1]: row for key, row in by(frame, "comparison", "family_name").items() if key[0] == "rolling_12_months"}


def effects(row: dict[str, Any]) -> dict[str, Decimal]:
    return {name: row[f"{name}_effect"] for name in EFFECTS if row[f"{name}_effect"]}


def test_price_and_volume_of_one_product() -> None:
    # 10 at 5.00, then 12 at 6.00: volume (12 - 10) x 5 = 10, price (6 - 5) x 12 = 12; 50 + 22 = 72.
    row = bridge([sold(BEFORE, "A", "P", 10, "50"), sold(LATER, "A", "P", 12, "72")])["Pompes"]
    assert (row["opening_revenue"], row["closing_revenue"]) == (50, 72)
    assert effects(row) == {"volume": 10, "price": 12}
    assert row["growth_percent"] == 44.0


def test_mix_is_what_dearer_products_add_at_the_same_volume() -> None:
    # P at 10: 6 then 4; Q at 30: 2 then 4. Eight pieces both times: no volume; at their own prices -20 + 60 = 40 of mix.
    sales = [sold(BEFORE, "A", "P", 6, "60"), sold(BEFORE, "A", "Q", 2, "60")]
    sales += [sold(LATER, "A", "P", 4, "40"), sold(LATER, "A", "Q", 4, "120")]
    assert effects(bridge(sales)["Pompes"]) == {"mix": 40}


def test_volume_and_mix_together() -> None:
    # As above, but 8 of Q: 12 pieces after 8 at a mean price of 15: volume 60; at their own prices -20 + 180 = 160: mix 100.
    sales = [sold(BEFORE, "A", "P", 6, "60"), sold(BEFORE, "A", "Q", 2, "60")]
    sales += [sold(LATER, "A", "P", 4, "40"), sold(LATER, "A", "Q", 8, "240")]
    assert effects(bridge(sales)["Pompes"]) == {"volume": 60, "mix": 100}


def test_units_are_not_added_up() -> None:
    # Pieces 1 then 2 at 100, hours 10 then 5 at 10: volume +100 and -50, each in its own unit; no mix.
    products = [Product("P"), Product("H", unit="Heure")]
    sales = [sold(BEFORE, "A", "P", 1, "100"), sold(BEFORE, "A", "H", 10, "100")]
    sales += [sold(LATER, "A", "P", 2, "200"), sold(LATER, "A", "H", 5, "50")]
    assert effects(bridge(sales, products)["Pompes"]) == {"volume": 50}


def test_customers_and_products_that_came_and_went() -> None:
    # A bought in both periods: P no more (-10), Q for the first time (+7). B is lost with all it bought (-20), C is new (+30),
    # although it buys the same P.
    sales = [sold(BEFORE, "A", "P", 1, "10"), sold(BEFORE, "A", "S", 1, "1"), sold(BEFORE, "B", "P", 1, "20")]
    sales += [sold(LATER, "A", "Q", 1, "7"), sold(LATER, "A", "S", 1, "1"), sold(LATER, "C", "P", 1, "30")]
    assert effects(bridge(sales)["Pompes"]) == {
        "new_customers": 30, "lost_customers": -20, "new_products": 7, "lost_products": -10,
    }  # fmt: skip


def test_credit_notes_are_an_effect_of_their_own() -> None:
    # -4 before and -10 later, of a customer and of one without any invoice: -6.
    sales = [
        sold(BEFORE, "A", "P", 1, "10"),
        sold(LATER, "A", "P", 1, "10"),
        sold(BEFORE, "A", "P", -1, "-4", document_type="CreditNote"),
        sold(LATER, "B", "P", -1, "-10", document_type="CreditNote"),
    ]
    assert effects(bridge(sales)["Pompes"]) == {"credit_notes": -6}


def test_what_has_no_price_or_no_article_is_the_rest() -> None:
    # Shipping 5 then 8; and a product invoiced with a negative quantity before: no mean price, 3 - (-2) = 5.
    sales = [sold(BEFORE, "A", "P", -1, "-2"), sold(LATER, "A", "P", 1, "3")]
    sales += [
        sold(BEFORE, "A", "PORT", 1, "5", row_origin="header"),
        sold(LATER, "A", "PORT", 1, "8", row_origin="header"),
    ]
    rows = bridge(sales)
    assert effects(rows["Pompes"]) == {"other": 5}
    assert effects(rows["Hors articles"]) == {"other": 3}
    assert rows["Pompes"]["growth_percent"] is None


def test_a_product_without_a_family_has_a_row() -> None:
    assert list(bridge([sold(LATER, "A", "P", 1, "3")], [Product("P", None)])) == ["Sans famille"]


def test_the_other_pairs_of_periods() -> None:
    """On 10 March 2026: March to the 10th; the calendar year; each against the same days of 2025."""
    day = date(2026, 3, 10)
    days = [
        date(2025, 1, 5),
        date(2025, 3, 10),
        date(2025, 3, 11),
        date(2026, 1, 5),
        date(2026, 3, 1),
        date(2026, 3, 11),
    ]
    sales = [Sale(f"F{n}", when, "A", "P", str(2**n)) for n, when in enumerate(days)]  # 1, 2, 4, 8, 16, 32
    frame, found = compute(company(sales), REVENUE_BRIDGE, day)
    assert not found
    rows = by(frame, "comparison")
    assert {name: (row["opening_revenue"], row["closing_revenue"]) for name, row in rows.items()} == {
        "month": (2, 16),
        "fiscal_year_to_date": (1 + 2, 8 + 16),
        "rolling_12_months": (1 + 2, 4 + 8 + 16),
    }


def test_what_lies_in_both_periods_is_a_sale_of_each() -> None:
    """A fiscal year of 18 months, January 2024 to June 2025, on 31 March 2025: January to March 2024 are in both periods.

    1 January 2023 - 31 March 2024: 10 + 20 = 30. 1 January 2024 - 31 March 2025: 20 + 40 + 7 = 67. A, of both periods: P 2
    at 5.00 and 4 at 5.00, so 6 pieces, then the 4 and 5 at 8.00: 9 pieces, 60. Volume (9 - 6) x 5 = 15, price 60 - 45 = 15.
    B is new: 7. 30 + 15 + 15 + 7 = 67.
    """
    sales = [
        sold(date(2023, 5, 1), "A", "P", 2, "10"),
        sold(date(2024, 2, 1), "A", "P", 4, "20"),
        Sale("later", date(2025, 2, 1), "A", "P", "40", quantity="5"),
        sold(date(2025, 3, 1), "B", "Q", 1, "7"),
    ]
    connection = company(sales)
    connection.execute(
        "UPDATE silver.dim_date SET fiscal_year = 2025 WHERE date_value BETWEEN '2024-01-01' AND '2025-06-30'"
    )
    frame, found = compute(connection, REVENUE_BRIDGE, date(2025, 3, 31))
    assert not found
    row = by(frame, "comparison")["fiscal_year_to_date"]
    assert (row["opening_revenue"], row["closing_revenue"]) == (30, 67)
    assert effects(row) == {"new_customers": 7, "volume": 15, "price": 15}


def test_a_bridge_that_does_not_close_is_told() -> None:
    connection = company([sold(BEFORE, "A", "P", 10, "50"), sold(LATER, "A", "P", 12, "72")])
    compute(connection, REVENUE_BRIDGE, D)
    connection.execute(
        """UPDATE computed.revenue_bridge SET closing_revenue = 73 WHERE comparison = 'rolling_12_months';
        DELETE FROM computed.revenue_bridge WHERE comparison <> 'rolling_12_months'"""
    )
    assert judge(connection, REVENUE_BRIDGE, D) == [
        "rolling_12_months: from 50.00 to 73.00 here, from 50.00 to 72.00 in the facts",
        "rolling_12_months, Pompes: the effects do not lead from the opening to the closing revenue",
    ]
