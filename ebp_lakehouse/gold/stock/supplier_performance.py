"""Contract of ``gold.supplier_performance``: the formulas of its columns; supplier_performance.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class SupplierPerformance(pa.DataFrameModel):
    """One row per supplier that has a document, and period: the months to D, and each fiscal year with activity."""

    supplier_key: Series[str] = described("Current version of the supplier.", "Fournisseur (clé)", "")
    supplier_id: Series[str] = described("Durable id; (orphan) for codes without a master.", "Fournisseur", "")
    period_start: Series[pl.Date] = described("First day of the period.", "Début de période", "date")
    period_end: Series[pl.Date] = described(
        "Last day of the period, included; of the running fiscal year, the partition's day.", "Fin de période", "date"
    )
    period_type: Series[str] = described(
        "rolling: parameter supplier_months up to the partition's day; fiscal_year.",
        "Type de période",
        "",
        isin=["rolling", "fiscal_year"],
    )
    total_orders_count: Series[pl.Int64] = described("Supplier orders dated in the period.", "Commandes", "n", ge=0)
    total_amount: Series[Money] = described(
        "Invoices minus credit notes dated in the period, net excl. tax.", "Achats HT", "EUR"
    )
    due_lines_count: Series[pl.Int64] = described(
        "Order lines promised for a day of the period; lines without promised date are not judged.",
        "Lignes dues",
        "n",
        ge=0,
    )
    on_time_delivery_rate: Series[float] = optional(
        "OTIF: due lines received in full (parameter in_full_share of the quantity) by the promised day + parameter "
        "on_time_tolerance_days / due lines. Late lines still open, and lines closed short, are not met.",
        "OTIF",
        "0-1",
        ge=0,
        le=1,
        kpi=Kpi(
            63,
            "Supplier OTIF",
            "Taux de service fournisseur (OTIF)",
            ("fact_purchases.promised_date", "fact_purchases.complete_receipt_date"),
        ),
    )
    on_time_rate: Series[float] = optional(
        "Due lines of which something came by the promised day / due lines.", "À l'heure", "0-1", ge=0, le=1
    )
    in_full_rate: Series[float] = optional(
        "Due lines received in full by the end of the period / due lines.", "Complètes", "0-1", ge=0, le=1
    )
    line_fill_rate: Series[float] = optional(
        "Quantity received by the end of the period / quantity due, at most the ordered quantity of each line. Of a line that came "
        "in part by then: its receipts x what the item's receipts of that supplier and order day had brought by then, of all.",
        "Taux de remplissage",
        "0-1",
        ge=0,
        le=1,
    )
    quality_defect_rate: Series[float] = optional(
        "Quantity returned, or credited without a return, / quantity received. Price-only credit notes do not count; EBP "
        "holds no inspection.",
        "Taux de non-conformité",
        "0-1",
        ge=0,
        kpi=Kpi(
            65,
            "Defect rate",
            "Taux de non-conformité",
            ("fact_purchases.taken_back_quantity", "fact_purchases.brought_quantity"),
        ),
    )
    avg_lead_time_days: Series[float] = optional(
        "Calendar days from order to complete receipt, weighted by quantity, of the due lines that are complete; lines of an "
        "order dated after its receipt tell none.",
        "Délai d'approvisionnement",
        "days",
        kpi=Kpi(
            64,
            "Supplier lead time",
            "Délai d'approvisionnement",
            ("fact_purchases.date_key", "fact_purchases.complete_receipt_date", "fact_purchases.quantity"),
        ),
    )
    lead_time_std_days: Series[float] = optional(
        "Standard deviation of that lead time, weighted by quantity; NULL where no line is complete.",
        "Écart-type du délai",
        "days",
        ge=0,
    )
    price_variance_percent: Series[float] = optional(
        "Invoiced lines against our own market: sum q x (price - ref) / sum q x ref x 100, ref = mean net price of the "
        "item over all suppliers in the 12 months before the line; lines without ref are left out. Above 0 = dearer.",
        "Écart de prix",
        "%",
    )
    payment_terms_compliance: Series[float] = optional(
        "Amount of the invoices' instalments due in the period that we paid by their due day / amount due: it measures us.",
        "Respect de nos échéances",
        "0-1",
        ge=0,
        le=1,
    )
    supplier_score: Series[float] = optional(
        "0-100: OTIF, 1 - defects / limit, 1 - price variance / limit, 1 - spread / mean of the lead time, by the weights "
        "of the parameters; missing parts re-weighted; NULL below parameter supplier_minimum_lines due lines.",
        "Note fournisseur",
        "0-100",
        ge=0,
        le=100,
    )


SUPPLIER_PERFORMANCE = GoldTable(
    name="supplier_performance",
    description="How each supplier delivers, at which price and quality, and how we pay: rolling and per fiscal year.",
    key=("supplier_key", "period_type", "period_start"),
    model=SupplierPerformance,
    silver=("dim_date", "dim_supplier", "fact_payments", "fact_purchase_receipts", "fact_purchases"),
    owners=("team:achats",),
    kind="state",
)
