"""Contract of ``gold.sales_by_product``: the formulas of its columns; sales_by_product.sql computes them.

Not here: stock to order (inventory_snapshot_daily) and the forecast itself (the model of demand).
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, Quantity, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class SalesByProduct(pa.DataFrameModel):
    """One row per commercial product that is active, was ever sold or returned, or has stock."""

    product_key: Series[str] = described("Key of the product's current version.", "Clé article", "", unique=True)
    product_id: Series[str] = described("Durable code.", "Code article", "")
    period_start_date: Series[pl.Date] = described("First day of the window.", "Début de période", "date")
    period_end_date: Series[pl.Date] = described(
        "Last day of the window, included: the partition's day. The window is sales_months (12) long.",
        "Fin de période",
        "date",
    )
    total_quantity_sold: Series[Quantity] = described(
        "Quantity on invoices minus credit notes in the window, in the item's unit. What bundles contain is not in it.",
        "Quantité vendue",
        "unit",
    )
    quantity_in_bundles: Series[Quantity] = described(
        "Quantity moved as a component of the bundles on the same documents; never part of total_quantity_sold.",
        "Quantité dans les lots",
        "unit",
    )
    total_revenue: Series[Money] = described(
        "Net amounts excl. tax of invoices minus credit notes in the window. All products together with the rows that are "
        "none (shipping, charges, ecotax, free text, codes without a master) make the revenue of the window.",
        "CA HT",
        "EUR",
    )
    total_margin: Series[Money] = described(
        "total_revenue - cost of the same rows (cost price stored on the line x quantity).",
        "Marge brute commerciale",
        "EUR",
    )
    margin_percent: Series[float] = optional(
        "total_margin / total_revenue x 100 (taux de marque); NULL without positive revenue.",
        "Taux de marque",
        "%",
    )
    markup_percent: Series[float] = optional(
        "total_margin / cost x 100 (taux de marge); NULL without positive cost.",
        "Taux de marge",
        "%",
        kpi=Kpi(10, "Mark-up rate", "Taux de marge", ("fact_sales.net_amount_excl_tax", "fact_sales.cost_amount")),
    )
    units_per_order_avg: Series[float] = optional(
        "Quantity on invoices (credit notes apart) / distinct invoices with the product; NULL if on none.",
        "Quantité par facture",
        "unit",
    )
    sell_through_rate: Series[float] = optional(
        "total_quantity_sold / (stock on the evening before the window + quantity received from suppliers in it), within "
        "0 and 1. Only items managed in stock; NULL when nothing could be sold.",
        "Taux d'écoulement",
        "0-1",
        ge=0,
        le=1,
    )
    mean_stock_value: Series[Money] = optional(
        "Mean of the stock values of all storehouses on the partition's day and on the month-ends of the sales_months "
        "(12) months before; NULL for items not managed in stock.",
        "Stock moyen",
        "EUR",
    )
    stock_turnover_ratio: Series[float] = optional(
        "Cost of what was issued in the window by sales, consumption and bundles (customer returns are not taken off), "
        "per year / mean_stock_value; NULL for items not managed in stock and where the mean is not positive.",
        "Rotation du stock",
        "per year",
        kpi=Kpi(
            52,
            "Stock turnover",
            "Rotation des stocks",
            ("fact_stock_movements.cost_amount", "fact_inventory.stock_value"),
        ),
        ge=0,
    )
    stock_coverage_days: Series[float] = optional(
        "365 / stock_turnover_ratio; NULL when nothing was issued.", "Couverture moyenne", "days", ge=0
    )
    abc_classification: Series[str] = described(
        "A while the share of all positive revenue cumulated before the product is below segment_cut_a (80 %), B below "
        "segment_cut_b (95 %), else C; C without positive revenue. Ties by code.",
        "Classe ABC",
        "",
        isin=["A", "B", "C"],
    )
    abc_margin: Series[str] = described("The same by margin.", "Classe ABC sur marge", "", isin=["A", "B", "C"])
    xyz_classification: Series[str] = optional(
        "By the coefficient of variation (standard deviation / mean) of the quantities invoiced in each month of the "
        "window: X up to xyz_cut_x (0.5), Y up to xyz_cut_y (1), else Z; NULL without demand.",
        "Classe XYZ",
        "",
        isin=["X", "Y", "Z"],
    )
    demand_class: Series[str] = optional(
        "Syntetos-Boylan, by the mean interval between months with demand (ADI, cut demand_adi 1.32) and the squared "
        "coefficient of variation of those months' quantities (cut demand_cv2 0.49): smooth, erratic (irregular "
        "quantities), intermittent (rare), lumpy (both); NULL without demand.",
        "Profil de demande",
        "",
        isin=["smooth", "erratic", "intermittent", "lumpy"],
    )
    forecast_next_30_days: Series[Quantity] = optional(
        "Sum of the demand forecast over the next 30 days; NULL before the model.", "Prévision 30 jours", "unit"
    )


SALES_BY_PRODUCT = GoldTable(
    name="sales_by_product",
    description="What each product sold in the twelve months to the day: quantity, revenue, margin, rotation, ABC/XYZ.",
    key=("product_key",),
    model=SalesByProduct,
    silver=("dim_date", "dim_product", "fact_inventory", "fact_sale_components", "fact_sales", "fact_stock_movements"),
    owners=("team:direction-commerciale",),
    kind="state",
)
