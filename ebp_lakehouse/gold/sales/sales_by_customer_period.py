"""Contract of ``gold.sales_by_customer_period``: the formulas of its columns; sales_by_customer_period.sql computes them.

Not here: scores and segments, which have one window only (sales_by_customer.py).
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable

PERIODS = ("month", "fiscal_year_to_date", "previous_fiscal_year_to_date", "previous_year")


class SalesByCustomerPeriod(pa.DataFrameModel):
    """One row per customer and window in which it has an invoice or a credit note."""

    customer_key: Series[str] = described("Key of the customer's current version.", "Clé client", "")
    period_type: Series[str] = described(
        "month: calendar month to the partition's day; fiscal_year_to_date: from the first day of its fiscal year; "
        "previous_fiscal_year_to_date: the same days one year earlier; previous_year: the sales_months (12) before the "
        "window of sales_by_customer.",
        "Type de période",
        "",
        isin=PERIODS,
    )
    customer_id: Series[str] = described("Durable code, as in sales_by_customer.", "Code client", "")
    period_start_date: Series[pl.Date] = described("First day of the window.", "Début de période", "date")
    period_end_date: Series[pl.Date] = described("Last day of the window, included.", "Fin de période", "date")
    total_orders: Series[pl.Int64] = described("Distinct invoices in the window.", "Nombre de factures", "n", ge=0)
    total_revenue: Series[Money] = described(
        "Net amounts excl. tax of invoices minus credit notes in the window. Over all customers, fiscal_year_to_date "
        "against previous_fiscal_year_to_date is the year-on-year growth.",
        "CA HT",
        "EUR",
        kpi=Kpi(
            5,
            "Fiscal year to date revenue",
            "CA cumulé exercice",
            ("fact_sales.net_amount_excl_tax", "dim_date.fiscal_year"),
        ),
    )
    total_margin: Series[Money] = described("total_revenue - cost of the same rows.", "Marge brute commerciale", "EUR")
    margin_percent: Series[float] = optional(
        "total_margin / total_revenue x 100 (taux de marque); NULL without positive revenue.", "Taux de marque", "%"
    )
    average_order_value: Series[Money] = optional(
        "total_revenue / total_orders; NULL without invoice.", "Panier moyen", "EUR"
    )


SALES_BY_CUSTOMER_PERIOD = GoldTable(
    name="sales_by_customer_period",
    description="Sales of each customer in the current month, in the fiscal year to the day, and in the years before.",
    key=("customer_key", "period_type"),
    model=SalesByCustomerPeriod,
    silver=("dim_customer", "dim_date", "fact_sales"),
    owners=("team:direction-commerciale",),
    kind="state",
)
