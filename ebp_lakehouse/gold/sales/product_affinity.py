"""Contract of ``gold.product_affinity``: the formulas of its columns; product_affinity.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import described
from ebp_lakehouse.gold.contract import GoldTable


class ProductAffinity(pa.DataFrameModel):
    """One row per pair of goods (the smaller code first) that are together on enough invoices."""

    product_key_a: Series[str] = described("Key of the first product's current version.", "Clé article A", "")
    product_key_b: Series[str] = described("Key of the second product's current version.", "Clé article B", "")
    product_id_a: Series[str] = described("Durable code of the first.", "Code article A", "")
    product_id_b: Series[str] = described("Durable code of the second.", "Code article B", "")
    period_start_date: Series[pl.Date] = described("First day of the window.", "Début de période", "date")
    period_end_date: Series[pl.Date] = described(
        "Last day of the window, included: the partition's day. The window is affinity_months (24) long.",
        "Fin de période",
        "date",
    )
    invoices_together: Series[pl.Int64] = described(
        "Invoices with both; pairs on fewer than affinity_minimum_invoices (10) have no row. Services (labour), shipping, "
        "charges and free text are no products here.",
        "Factures communes",
        "n",
        ge=1,
    )
    invoices_a: Series[pl.Int64] = described("Invoices with the first.", "Factures avec A", "n", ge=1)
    invoices_b: Series[pl.Int64] = described("Invoices with the second.", "Factures avec B", "n", ge=1)
    invoices_total: Series[pl.Int64] = described("All invoices of the window.", "Factures de la période", "n", ge=1)
    support: Series[float] = described("invoices_together / invoices_total.", "Support", "0-1", ge=0, le=1)
    confidence_a_to_b: Series[float] = described(
        "invoices_together / invoices_a: how often the second goes with the first.",
        "Confiance A vers B",
        "0-1",
        ge=0,
        le=1,
    )
    confidence_b_to_a: Series[float] = described(
        "invoices_together / invoices_b: how often the first goes with the second.",
        "Confiance B vers A",
        "0-1",
        ge=0,
        le=1,
    )
    lift: Series[float] = described(
        "invoices_together x invoices_total / (invoices_a x invoices_b): above 1, more often together than by chance.",
        "Lift",
        "ratio",
        ge=0,
    )


PRODUCT_AFFINITY = GoldTable(
    name="product_affinity",
    description="Goods that are bought together: how often, and how much more often than by chance.",
    key=("product_key_a", "product_key_b"),
    model=ProductAffinity,
    silver=("dim_date", "dim_product", "fact_sales"),
    owners=("team:direction-commerciale",),
    kind="state",
)
