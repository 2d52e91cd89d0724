"""Contract of ``gold.sales_by_customer``: the formulas of its columns; sales_by_customer.sql computes them.

Not here: other windows than the twelve months to D (sales_by_customer_period.py).
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class SalesByCustomer(pa.DataFrameModel):
    """One row per customer ever invoiced or credited; codes without a master are one row, documents without a code another."""

    customer_key: Series[str] = described("Key of the customer's current version.", "Clé client", "", unique=True)
    customer_id: Series[str] = described(
        "Durable code; (orphan) for codes that the master lacks, (unknown) for documents without one.",
        "Code client",
        "",
    )
    period_start_date: Series[pl.Date] = described("First day of the window.", "Début de période", "date")
    period_end_date: Series[pl.Date] = described(
        "Last day of the window, included: the partition's day. The window is sales_months (12) long.",
        "Fin de période",
        "date",
    )
    total_orders: Series[pl.Int64] = described(
        "Distinct invoices in the window; 0 when none. Customers with some are the active ones.",
        "Nombre de factures",
        "n",
        kpi=Kpi(27, "Active customers", "Clients actifs", ("fact_sales.document_id", "fact_sales.customer_id")),
        ge=0,
    )
    total_revenue: Series[Money] = described(
        "Net amounts excl. tax of invoices minus credit notes in the window; 0 when none.",
        "CA glissant 12 mois",
        "EUR",
        kpi=Kpi(
            7,
            "Rolling 12-month revenue",
            "Chiffre d'affaires glissant 12 mois",
            ("fact_sales.net_amount_excl_tax", "fact_sales.document_type"),
        ),
    )
    total_margin: Series[Money] = described(
        "total_revenue - cost of the same rows (cost price stored on the line x quantity).",
        "Marge brute commerciale",
        "EUR",
    )
    margin_percent: Series[float] = optional(
        "total_margin / total_revenue x 100 (taux de marque); NULL without positive revenue.", "Taux de marque", "%"
    )
    average_order_value: Series[Money] = optional(
        "total_revenue / total_orders; NULL without invoice.", "Panier moyen", "EUR"
    )
    revenue_share_percent: Series[float] = optional(
        "total_revenue / sum of total_revenue over all customers x 100; NULL when that sum is not positive.",
        "Part du CA",
        "%",
    )
    cumulated_share_percent: Series[float] = optional(
        "revenue_share_percent of the customer and of all that bought more (ties by code): the row whose revenue_rank "
        "is 10 gives the share of the ten largest; (orphan) and (unknown) are in the whole only, and NULL.",
        "Part cumulée du CA",
        "%",
        kpi=Kpi(30, "Customer concentration", "Concentration (top 10)", ("fact_sales.net_amount_excl_tax",)),
    )
    revenue_rank: Series[pl.Int64] = optional(
        "Rank by falling total_revenue, ties by code; NULL for (orphan) and (unknown), which are no customers.",
        "Rang par CA",
        "n",
        ge=1,
    )
    abc_classification: Series[str] = optional(
        "A while the share of all customers' positive revenue cumulated before the customer is below segment_cut_a (80 %), B below "
        "segment_cut_b (95 %), else C; C without positive revenue; NULL for (orphan) and (unknown).",
        "Classe ABC",
        "",
        isin=["A", "B", "C"],
    )
    previous_orders: Series[pl.Int64] = described(
        "Distinct invoices in the window of the same length just before; a customer with some, and with total_orders, "
        "is retained.",
        "Factures des 12 mois précédents",
        "n",
        ge=0,
        kpi=Kpi(28, "Retention rate", "Taux de rétention", ("fact_sales.document_id", "fact_sales.customer_id")),
    )
    previous_revenue: Series[Money] = described(
        "Revenue of that window just before; that of customers without an invoice since is the share lost with them.",
        "CA des 12 mois précédents",
        "EUR",
        kpi=Kpi(29, "Churn rate", "Taux d'attrition", ("fact_sales.net_amount_excl_tax", "fact_sales.customer_id")),
    )
    first_order_date: Series[pl.Date] = optional(
        "Date of the first invoice ever; NULL if only credit notes are known.", "Première facture", "date"
    )
    last_order_date: Series[pl.Date] = optional("Date of the last invoice.", "Dernière facture", "date")
    days_since_last_order: Series[pl.Int64] = optional(
        "Partition's day - last_order_date.", "Jours depuis la dernière facture", "days", ge=0
    )
    is_new: Series[bool] = described(
        "The first invoice is at most new_customer_days (90) old.", "Nouveau client", "boolean"
    )
    median_gap_days: Series[float] = optional(
        "Usual time between two days with an invoice: the customer's own median from gap_minimum_invoices (4) such days "
        "on, else the median of the own medians in its family; NULL when the family has none.",
        "Rythme d'achat",
        "days",
        ge=0,
    )
    rfm_recency: Series[pl.Int32] = described(
        "1-5, 5 best: least(5, 1 + whole part of 5 x percent rank) by days since the last invoice, among the customers "
        "with an invoice in the last rfm_months (24); ties share a score; 1 for all others.",
        "Récence",
        "1-5",
        isin=range(1, 6),
    )
    rfm_frequency: Series[pl.Int32] = described(
        "The same by number of invoices in those months.", "Fréquence", "1-5", isin=range(1, 6)
    )
    rfm_monetary: Series[pl.Int32] = described(
        "The same by revenue of those months.", "Montant", "1-5", isin=range(1, 6)
    )
    rfm_score: Series[str] = described(
        "The three scores one after the other, such as 554.", "Score RFM", "", str_matches="^[1-5]{3}$"
    )
    customer_segment: Series[str] = optional(
        "First that fits. Lost: no invoice for more than the greater of lost_days (365) and 3 x median_gap_days. At Risk: "
        "none for more than the greater of at_risk_days (120) and 1.5 x median_gap_days, and frequency or monetary >= 3; "
        "or recency <= 2 and monetary >= 4. VIP: all three >= 4. Else Regular; NULL if never invoiced.",
        "Segment client",
        "",
        isin=["Lost", "At Risk", "VIP", "Regular"],
    )
    lifetime_value: Series[Money] = optional(
        "Revenue since the first document, credit notes deducted, as of the partition's day (realised, not predicted); "
        "NULL if never invoiced, and where no customer is named.",
        "Valeur vie client",
        "EUR",
        kpi=Kpi(31, "Lifetime value", "Valeur vie client", ("fact_sales.net_amount_excl_tax",)),
    )
    lifetime_margin: Series[Money] = optional("The same as margin.", "Marge vie client", "EUR")
    churn_probability: Series[float] = optional(
        "Probability of churn by the model; NULL before it.", "Probabilité d'attrition", "0-1", ge=0, le=1
    )
    next_order_prediction_days: Series[pl.Int64] = optional(
        "Days from the partition's day to the next order by the model, 0 when overdue; NULL before it.",
        "Prochaine commande",
        "days",
        ge=0,
    )


SALES_BY_CUSTOMER = GoldTable(
    name="sales_by_customer",
    description="What each customer bought in the twelve months to the day: revenue, margin, rhythm, RFM scores and segment.",
    key=("customer_key",),
    model=SalesByCustomer,
    silver=("dim_customer", "dim_date", "fact_sales"),
    owners=("team:direction-commerciale",),
    kind="state",
)
