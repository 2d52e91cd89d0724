"""Contract of ``gold.sales_by_region``: the formulas of its columns; sales_by_region.sql computes them.

Not here: where customers are today (dim_customer); a sale counts where its document was to be delivered.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class SalesByRegion(pa.DataFrameModel):
    """One row per month and place (postcode and commune) with sales in that month or in the month before."""

    period: Series[str] = described("Month, as 2026-03.", "Mois", "YYYY-MM", str_matches=r"^\d{4}-\d{2}$")
    location_key: Series[str] = described(
        "Place of delivery on the document itself, else its invoicing address, see dim_location; the member unknown where "
        "it names none.",
        "Clé lieu",
        "",
    )
    total_customers: Series[pl.Int64] = described(
        "Distinct customers invoiced in the month; not additive over places or months.", "Clients", "n", ge=0
    )
    total_orders: Series[pl.Int64] = described("Distinct invoices of the month.", "Nombre de factures", "n", ge=0)
    total_revenue: Series[Money] = described(
        "Net amounts excl. tax of invoices minus credit notes of the month.", "CA HT", "EUR"
    )
    total_margin: Series[Money] = described("total_revenue - cost of the same rows.", "Marge brute commerciale", "EUR")
    revenue_per_customer: Series[Money] = optional(
        "total_revenue / total_customers; NULL without customer.", "CA par client", "EUR"
    )
    customers_12_months: Series[pl.Int64] = described(
        "Distinct customers invoiced there in the penetration_months (12) to the month's end, or to the partition's day in "
        "its month.",
        "Clients sur 12 mois",
        "n",
        ge=0,
    )
    potential_customers: Series[float] = optional(
        "Potential by the user's market_size.csv, else inhabitants of the commune x potential_per_inhabitant (1); NULL if "
        "neither is known.",
        "Clients potentiels",
        "n",
        ge=0,
    )
    potential_source: Series[str] = optional(
        "market_size, or inhabitants: then market_penetration_rate is customers per inhabitant (clients par habitant).",
        "Origine du potentiel",
        "",
        isin=["market_size", "inhabitants"],
    )
    market_penetration_rate: Series[float] = optional(
        "customers_12_months / potential_customers, at most 1; NULL where that is unknown.",
        "Taux de pénétration (clients par habitant sans fichier market_size)",
        "0-1",
        ge=0,
        le=1,
    )
    growth_rate_vs_previous_period: Series[float] = optional(
        "(total_revenue - that of the month before) / that of the month before; NULL if that was not positive.",
        "Évolution sur un mois",
        "ratio",
    )
    growth_vs_previous_year: Series[float] = optional(
        "The same against the same month one year earlier: the useful one where seasons count.",
        "Évolution sur un an",
        "ratio",
    )


SALES_BY_REGION = GoldTable(
    name="sales_by_region",
    description="Sales of each month and place of delivery, with market penetration and growth.",
    key=("period", "location_key"),
    model=SalesByRegion,
    silver=("dim_customer", "dim_date", "dim_location", "fact_sales"),
    owners=("team:direction-commerciale",),
)
