"""gold.purchase_price_trend: the year before and the year's quantities, worked out by hand."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ebp_lakehouse.gold.stock.purchase_price_trend import PURCHASE_PRICE_TREND
from ebp_lakehouse_tests.unit.gold.silver_rows import calendar, computed, day_key, silver

D = "2026-03-31"


def bought(day: str, net: int, quantity: int, **more: Any) -> dict[str, Any]:
    return {
        "purchase_key": f"{day}{net}", "document_type": "Invoice", "row_origin": "line", "product_id": "P",
        "supplier_id": "S", "date_key": day_key(day), "net_amount_excl_tax": net, "quantity_stock_unit": quantity, **more,
    }  # fmt: skip


def trend(*lines: dict[str, Any]) -> dict[str, dict[str, Any]]:
    tables = {
        "dim_date": calendar("2024-01-01", "2026-12-31"), "fact_purchases": lines,
        "dim_product": [{"product_key": "P", "product_id": "P", "is_current": True}],
        "dim_supplier": [{"supplier_key": "S", "supplier_id": "S", "is_current": True}],
    }  # fmt: skip
    return {row["period"]: row for row in computed(PURCHASE_PRICE_TREND, silver(tables), D)}


def test_a_price_is_compared_with_that_of_twelve_months_before_at_the_quantities_of_twelve_months() -> None:
    # 10 in March 2025, 11 in April 2025 and 12 in March 2026: + 2 on 10, that is 20 %. Bought from April 2025 to March 2026:
    # 5 + 7 = 12 pieces, so 24 more; March 2025's own 100 pieces are not of these twelve months.
    rows = trend(bought("2025-03-10", 1000, 100), bought("2025-04-10", 55, 5), bought("2026-03-10", 84, 7))
    march = rows["2026-03"]
    assert march["mean_net_price"] == pytest.approx(12)
    assert march["price_index"] == pytest.approx(120)
    assert march["variation_12_months_percent"] == pytest.approx(20)
    assert march["effect_amount"] == Decimal(24)
    assert rows["2025-04"]["variation_12_months_percent"] is None


def test_what_goes_back_has_no_price() -> None:
    """An invoice line of a negative quantity takes nothing from the month's mean; an order and a credit note are no price."""
    rows = trend(
        bought("2026-03-10", 100, 10),
        bought("2026-03-11", -30, -2),
        bought("2026-03-12", 999, 1, document_type="Order"),
    )
    assert rows["2026-03"]["mean_net_price"] == pytest.approx(10)
