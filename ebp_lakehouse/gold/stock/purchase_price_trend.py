"""Contract of ``gold.purchase_price_trend``: the formulas of its columns; purchase_price_trend.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Money, Quantity, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class PurchasePriceTrend(pa.DataFrameModel):
    """One row per item, supplier and month in which the supplier invoiced a quantity of it."""

    product_key: Series[str] = described("Current version of the item; orphan without a master.", "Article (clé)", "")
    product_id: Series[str] = described("Durable id of the item.", "Article", "")
    supplier_key: Series[str] = described(
        "Current version of the supplier; orphan without a master.", "Fournisseur (clé)", ""
    )
    supplier_id: Series[str] = described("Durable id of the supplier.", "Fournisseur", "")
    period: Series[str] = described("Month of the invoices.", "Mois", "YYYY-MM", str_matches=r"^\d{4}-\d{2}$")
    quantity: Series[Quantity] = described(
        "Quantity invoiced in the month, in the unit of stock; credit notes are not counted.", "Quantité", "stock unit"
    )
    amount: Series[Money] = described("Net excl. tax of those lines.", "Montant HT", "EUR")
    mean_net_price: Series[float] = described(
        "amount / quantity: the mean price weighted by quantity.", "Prix net moyen", "EUR per stock unit"
    )
    price_index: Series[float] = optional(
        "Mean price / that of the first month of the item at this supplier x 100.", "Indice de prix", "index"
    )
    variation_12_months_percent: Series[float] = optional(
        "Mean price against that of the last month with an invoice at least 12 months earlier; NULL without one.",
        "Variation sur 12 mois",
        "%",
    )
    effect_amount: Series[Money] = optional(
        "What that change costs at current volumes: (price - price 12 months earlier) x quantity of the 12 months up to "
        "and with this one.",
        "Effet prix annuel",
        "EUR",
    )


PURCHASE_PRICE_TREND = GoldTable(
    name="purchase_price_trend",
    description="Price of each bought item per supplier and month, its index, and what its change costs a year.",
    key=("product_id", "supplier_id", "period"),
    model=PurchasePriceTrend,
    silver=("dim_date", "dim_product", "dim_supplier", "fact_purchases"),
    owners=("team:achats",),
)
