"""Contract of ``gold.deal_profitability``: the formulas of its columns; the .sql beside it computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, Quantity, described, optional
from ebp_lakehouse.gold.contract import GoldTable

KEY = "^[0-9a-f]{32}$"


class DealProfitability(pa.DataFrameModel):
    """One row per deal as of the partition's day: budget, order intake, invoiced, costs, margin and drift."""

    deal_key: Series[str] = described("The deal.", "Affaire (clé)", "", unique=True, str_matches=KEY)
    deal_id: Series[str] = described("Code of the deal.", "Affaire", "")
    deal_date: Series[pl.Date] = optional("Day on which the deal began.", "Date", "date")
    customer_key: Series[str] = described("Current version of the customer.", "Client (clé)", "", str_matches=KEY)
    customer_id: Series[str] = optional(
        "Durable code of the customer; of several, who is invoiced, then who has most revenue.", "Code client", ""
    )
    customers_count: Series[pl.Int64] = described("Customers of the deal.", "Clients", "n", ge=0)
    budget_sales: Series[Money] = described("Planned sales, excl. tax (EBP).", "Budget vente", "EUR")
    budget_costs: Series[Money] = described("Planned costs (EBP).", "Budget coûts", "EUR")
    budget_margin: Series[Money] = described("budget_sales - budget_costs.", "Marge prévue", "EUR")
    budget_hours: Series[Quantity] = described("Planned hours (EBP).", "Budget heures", "h")
    order_intake: Series[Money] = described(
        "Customer orders with the deal on the line, else on the document, excl. tax.", "Prise de commandes", "EUR"
    )
    invoiced: Series[Money] = described(
        "Invoices minus credit notes with the deal on the line, else on the document, excl. tax; deposits are none.",
        "Facturé",
        "EUR",
    )
    purchase_costs: Series[Money] = described(
        "Purchase lines that EBP puts into the deal's costs, but not those of stocked items that the deal took from "
        "stock as well.",
        "Achats",
        "EUR",
    )
    stock_costs: Series[Money] = described("Goods taken from stock for the deal.", "Consommations", "EUR")
    hours_costs: Series[Money] = described("Cost of the hours of people and machines.", "Coût des heures", "EUR")
    actual_costs: Series[Money] = described("purchase_costs + stock_costs + hours_costs.", "Coûts réels", "EUR")
    actual_hours: Series[Quantity] = described("Hours of people and machines.", "Heures réelles", "h")
    margin: Series[Money] = described(
        "invoiced - actual_costs.",
        "Marge",
        "EUR",
        kpi=Kpi(
            37,
            "Deal margin and drift",
            "Marge par affaire, dérive",
            ("fact_sales.net_amount_excl_tax", "fact_deal_costs.amount", "dim_deal.budget_costs"),
        ),
    )
    margin_percent: Series[float] = optional(
        "margin / invoiced x 100 (taux de marque); NULL without positive revenue.", "Taux de marque", "%"
    )
    cost_drift: Series[Money] = described("actual_costs - budget_costs.", "Dérive des coûts", "EUR")
    cost_drift_percent: Series[float] = optional(
        "cost_drift / budget_costs x 100; NULL without a budget.", "Dérive des coûts (%)", "%"
    )
    hours_drift: Series[Quantity] = described("actual_hours - budget_hours.", "Dérive des heures", "h")
    sales_drift: Series[Money] = described("invoiced - budget_sales.", "Écart de facturation", "EUR")
    ebp_margin: Series[Money] = optional("Margin that EBP shows for the deal.", "Marge affichée par EBP", "EUR")
    margin_gap: Series[Money] = optional("margin - ebp_margin.", "Écart avec EBP", "EUR")


DEAL_PROFITABILITY = GoldTable(
    name="deal_profitability",
    description="Deals (affaires): budget, orders, invoices, costs, margin and drift, beside EBP's own margin.",
    key=("deal_key",),
    model=DealProfitability,
    silver=("dim_date", "dim_deal", "dim_customer", "fact_sales", "fact_deal_costs"),
    owners=("team:direction-commerciale",),
    kind="state",
)
