"""Contract of ``gold.revenue_bridge``: the formulas of its columns; revenue_bridge.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable

_SOURCES = ("fact_sales.net_amount_excl_tax", "fact_sales.quantity", "dim_product.family_name")


class RevenueBridge(pa.DataFrameModel):
    """One row per pair of periods and product family: how the revenue of the first became that of the second.

    opening_revenue + the eight effects = closing_revenue, to the cent; families may be added up.
    """

    comparison: Series[str] = described(
        "rolling_12_months: the sales_months (12) to the partition's day against those before; fiscal_year_to_date and "
        "month: to the partition's day, against the same days one year earlier. In a fiscal year of more than twelve months "
        "the two periods overlap, and what lies in both counts in each.",
        "Comparaison",
        "",
        isin=["rolling_12_months", "fiscal_year_to_date", "month"],
    )
    family_name: Series[str] = described(
        "Family of the product today; Sans famille, or Hors articles for header amounts, free text and unknown codes.",
        "Famille",
        "",
    )
    previous_start_date: Series[pl.Date] = described("First day of the earlier period.", "Début N-1", "date")
    previous_end_date: Series[pl.Date] = described("Its last day, included.", "Fin N-1", "date")
    period_start_date: Series[pl.Date] = described("First day of the later period.", "Début N", "date")
    period_end_date: Series[pl.Date] = described("Its last day, included.", "Fin N", "date")
    opening_revenue: Series[Money] = described(
        "Net amounts excl. tax of invoices minus credit notes of the earlier period.", "CA N-1", "EUR"
    )
    new_customers_effect: Series[Money] = described(
        "Invoiced to customers that have no invoice in the earlier period.", "Clients gagnés", "EUR"
    )
    lost_customers_effect: Series[Money] = described(
        "Minus what was invoiced to customers that have no invoice in the later period.", "Clients perdus", "EUR"
    )
    new_products_effect: Series[Money] = described(
        "Invoiced to the customers of both periods, of products that they did not buy in the earlier one.",
        "Articles nouveaux",
        "EUR",
    )
    lost_products_effect: Series[Money] = described(
        "Minus what those customers bought of products that they no longer buy.", "Articles abandonnés", "EUR"
    )
    volume_effect: Series[Money] = described(
        "Products that those customers bought in both periods in the same unit: change of the quantities of the family, "
        "per unit, x its mean price of the earlier period.",
        "Effet volume",
        "EUR",
    )
    price_effect: Series[Money] = described(
        "Of the same products: (mean price - mean price of the earlier period) x quantity of the later period.",
        "Effet prix",
        "EUR",
        kpi=Kpi(35, "Price, volume, mix effects", "Effet prix / volume / mix", _SOURCES),
    )
    mix_effect: Series[Money] = described(
        "Of the same products: change of the quantities x each one's own earlier price, minus volume_effect: dearer or "
        "cheaper products within the family.",
        "Effet mix",
        "EUR",
    )
    credit_notes_effect: Series[Money] = described(
        "Credit notes of the later period minus those of the earlier one, of whatever customer (both negative).",
        "Avoirs",
        "EUR",
    )
    other_effect: Series[Money] = described(
        "The rest, of customers of both periods: what is no product, products whose unit changed or whose quantity is not "
        "positive, and the cents of rounding.",
        "Autres",
        "EUR",
    )
    closing_revenue: Series[Money] = described("Revenue of the later period.", "CA N", "EUR")
    growth_percent: Series[float] = optional(
        "(closing_revenue - opening_revenue) / opening_revenue x 100; NULL if that was not positive. Over all families it "
        "is computed from the sums.",
        "Évolution du CA",
        "%",
        kpi=Kpi(
            6,
            "Year-on-year growth",
            "Évolution CA N/N-1",
            ("fact_sales.net_amount_excl_tax", "dim_date.fiscal_year"),
        ),
    )


REVENUE_BRIDGE = GoldTable(
    name="revenue_bridge",
    description="From last year's revenue to this year's by family: volume, price, mix, customers, products, credit notes.",
    key=("comparison", "family_name"),
    model=RevenueBridge,
    silver=("dim_customer", "dim_date", "dim_product", "fact_sales"),
    owners=("team:direction-generale",),
    kind="state",
)
