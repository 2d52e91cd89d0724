"""Contract of ``gold.company_position``: the formulas of its columns; company_position.sql computes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.cash.open_instalments import OPEN_INSTALMENTS
from ebp_lakehouse.gold.cash.receivables_ageing import RECEIVABLES_AGEING
from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.field.contract_profitability import CONTRACT_PROFITABILITY
from ebp_lakehouse.gold.field.equipment_park import EQUIPMENT_PARK
from ebp_lakehouse.gold.field.interventions_daily_kpi import INTERVENTIONS_DAILY_KPI
from ebp_lakehouse.gold.sales.customer_health_score import CUSTOMER_HEALTH_SCORE
from ebp_lakehouse.gold.sales.quote_funnel import QUOTE_FUNNEL
from ebp_lakehouse.gold.sales.sales_by_customer import SALES_BY_CUSTOMER
from ebp_lakehouse.gold.sales.sales_by_product import SALES_BY_PRODUCT
from ebp_lakehouse.gold.stock.inventory_snapshot_daily import INVENTORY_SNAPSHOT_DAILY


def _kpi(formula: str, label_fr: str, unit: str, number: int, name: str, sources: Sequence[str], **rules: Any) -> Any:
    """A KPI under its French name."""
    return described(formula, label_fr, unit, kpi=Kpi(number, name, label_fr, sources), **rules)


def _rate(formula: str, label_fr: str, unit: str, number: int, name: str, sources: Sequence[str], **rules: Any) -> Any:
    return optional(formula, label_fr, unit, kpi=Kpi(number, name, label_fr, sources), **rules)


class CompanyPosition(pa.DataFrameModel):
    """One row per day: stocks of figures on its evening (never sum them over days), and the day's cash."""

    date_id: Series[pl.Int32] = described("The day.", "Date", "YYYYMMDD", ge=19000101)
    order_backlog: Series[Money] = _kpi(
        "Orders not invoiced yet, net excl. tax: whole until their first invoice, then what remains to invoice.",
        "Carnet de commandes",
        "EUR",
        16,
        "Order backlog",
        ("fact_sales.remaining_quantity_to_invoice", "fact_sales.net_unit_price_excl_tax"),
    )
    delivered_not_invoiced: Series[Money] = _kpi(
        "Delivery lines that no invoice had reached, less return lines that no credit note (or invoice) had reached, net excl. "
        "tax.",
        "Livré non facturé (FAE)",
        "EUR",
        18,
        "Delivered not invoiced",
        ("fact_sales.invoice_date_key", "fact_sales.net_amount_excl_tax"),
    )
    quotes_pipeline: Series[Money] = _kpi(
        "Quotes neither converted nor expired, what is not converted of them, net excl. tax.",
        "Portefeuille de devis en cours",
        "EUR",
        23,
        "Open pipeline",
        ("quote_funnel.open_amount",),
    )
    quotes_pipeline_weighted: Series[Money] = described(
        "The same weighted by the conversion rate of the past.", "Portefeuille pondéré", "EUR"
    )
    revenue_12_months: Series[Money] = described("Revenue of the 12 months up to the day.", "CA 12 mois", "EUR")
    active_customers_count: Series[pl.Int64] = _kpi(
        "Customers invoiced in the 12 months up to the day: in the month of that day, what monthly_kpi shows.",
        "Clients actifs (12 mois)",
        "n",
        27,
        "Active customers",
        ("fact_sales.customer_id", "fact_sales.date_key"),
        ge=0,
    )
    customer_concentration_percent: Series[float] = _rate(
        "Revenue of the largest customers (parameter concentration_customers) / revenue of all x 100.",
        "Concentration (top 10)",
        "%",
        30,
        "Customer concentration",
        ("sales_by_customer.total_revenue", "sales_by_customer.revenue_rank"),
    )
    customers_at_risk_count: Series[pl.Int64] = _kpi(
        "Customers of churn risk High.",
        "Clients à risque",
        "n",
        32,
        "Customers at risk",
        ("customer_health_score.churn_risk_level",),
        ge=0,
    )
    customers_at_risk_revenue: Series[Money] = _kpi(
        "Their revenue of 12 months.",
        "CA des clients à risque",
        "EUR",
        32,
        "Revenue at risk",
        ("customer_health_score.churn_risk_level", "sales_by_customer.total_revenue"),
    )
    active_contracts_count: Series[pl.Int64] = described(
        "Maintenance contracts in force.", "Contrats actifs", "n", ge=0
    )
    monthly_recurring_revenue: Series[Money] = _kpi(
        "Monthly fees of the contracts in force.",
        "CA récurrent mensuel (MRR)",
        "EUR",
        33,
        "Recurring revenue (MRR)",
        ("contract_profitability.monthly_recurring_revenue",),
    )
    annual_recurring_revenue: Series[Money] = _kpi(
        "Monthly fees of the contracts in force x 12.",
        "CA récurrent annuel (ARR)",
        "EUR",
        33,
        "Recurring revenue (ARR)",
        ("contract_profitability.monthly_recurring_revenue",),
    )
    receivables: Series[Money] = _kpi(
        "Open balances of customers incl. tax, net of credit notes and unallocated cash.",
        "Encours clients",
        "EUR",
        38,
        "Receivables",
        ("receivables_ageing.receivables",),
    )
    receivables_overdue: Series[Money] = _kpi(
        "Open instalments past due.",
        "Encours échu",
        "EUR",
        39,
        "Overdue receivables",
        ("receivables_ageing.overdue",),
        ge=0,
    )
    receivables_overdue_percent: Series[float] = _rate(
        "Overdue / receivables x 100.",
        "Taux d'encours échu",
        "%",
        39,
        "Overdue share",
        ("receivables_ageing.overdue", "receivables_ageing.receivables"),
    )
    dso_days: Series[float] = _rate(
        "Receivables / revenue incl. tax of 12 months x 365.",
        "DSO",
        "days",
        40,
        "Days sales outstanding",
        ("receivables_ageing.receivables", "fact_sales.net_amount_incl_tax"),
    )
    dso_count_back_days: Series[pl.Int32] = _rate(
        "Days counted back until the revenue incl. tax since then absorbs the receivables.",
        "DSO par épuisement",
        "days",
        41,
        "Count-back DSO",
        ("receivables_ageing.receivables", "fact_sales.net_amount_incl_tax"),
    )
    cash_collected: Series[Money] = _kpi(
        "Customers' payments of the day, those that came back excluded.",
        "Encaissements",
        "EUR",
        44,
        "Cash collected",
        ("fact_settlements.amount",),
    )
    deposits_not_applied: Series[Money] = _kpi(
        "Deposits received that settled nothing on that day: what they settle now, of a document dated later, is in them.",
        "Acomptes reçus non imputés",
        "EUR",
        45,
        "Deposits not yet applied",
        ("fact_settlements.unassigned_amount", "fact_settlements.is_deposit", "fact_payments.assigned_amount"),
    )
    over_credit_limit_count: Series[pl.Int64] = _kpi(
        "Debtors who owe more than their credit limit.",
        "Dépassements d'encours autorisé",
        "n",
        46,
        "Credit-limit breaches",
        ("receivables_ageing.credit_limit_use",),
        ge=0,
    )
    over_credit_limit_amount: Series[Money] = described(
        "What they owe above it.", "Montant des dépassements", "EUR", ge=0
    )
    reminders_count: Series[pl.Int64] = _kpi(
        "Open instalments that a reminder was sent for, as today.",
        "Relances en cours",
        "n",
        47,
        "Open reminders",
        ("open_instalments.reminder_count", "open_instalments.balance"),
        ge=0,
    )
    reminders_amount: Series[Money] = described("Their balances.", "Montant relancé", "EUR", ge=0)
    reminders_level_1_count: Series[pl.Int64] = _kpi(
        "Of these, those whose last reminder was of level 1, or of none that is known.",
        "Relances de niveau 1",
        "n",
        47,
        "Open reminders, level 1",
        ("open_instalments.last_reminder_level",),
        ge=0,
    )
    reminders_level_1_amount: Series[Money] = described("Their balances.", "Montant relancé, niveau 1", "EUR", ge=0)
    reminders_level_2_count: Series[pl.Int64] = _kpi(
        "Of these, those whose last reminder was of level 2.",
        "Relances de niveau 2",
        "n",
        47,
        "Open reminders, level 2",
        ("open_instalments.last_reminder_level",),
        ge=0,
    )
    reminders_level_2_amount: Series[Money] = described("Their balances.", "Montant relancé, niveau 2", "EUR", ge=0)
    reminders_level_3_count: Series[pl.Int64] = _kpi(
        "Of these, those whose last reminder was of level 3 or above.",
        "Relances de niveau 3 et plus",
        "n",
        47,
        "Open reminders, level 3",
        ("open_instalments.last_reminder_level",),
        ge=0,
    )
    reminders_level_3_amount: Series[Money] = described(
        "Their balances.", "Montant relancé, niveau 3 et plus", "EUR", ge=0
    )
    payables: Series[Money] = described("Open balances of suppliers incl. tax.", "Dettes fournisseurs", "EUR")
    dpo_days: Series[float] = _rate(
        "Payables / purchases incl. tax of 12 months x 365.",
        "DPO",
        "days",
        48,
        "Days payables outstanding",
        ("open_instalments.balance", "fact_purchases.net_amount_incl_tax"),
    )
    stock_value: Series[Money] = optional(
        "Value of the stock at average cost; with the figures below NULL of a past day that fact_inventory does not keep.",
        "Valeur de stock",
        "EUR",
    )
    stock_out_rate_percent: Series[float] = _rate(
        "Items of class A or B with nothing available in any storehouse / items of class A or B in stock management x 100.",
        "Taux de rupture",
        "%",
        54,
        "Stock-out rate",
        ("inventory_snapshot_daily.quantity_available", "sales_by_product.abc_classification"),
        ge=0,
        le=100,
    )
    dead_stock_value: Series[Money] = _rate(
        "Value of the stock without demand for so long that it is dead.",
        "Stock dormant",
        "EUR",
        56,
        "Dead stock",
        ("inventory_snapshot_daily.is_dead_stock", "inventory_snapshot_daily.stock_value"),
    )
    dead_stock_percent: Series[float] = optional("Dead stock / stock value x 100.", "Part de stock dormant", "%")
    excess_stock_value: Series[Money] = _rate(
        "Value of the stock above 12 months of demand or the maximum.",
        "Surstock",
        "EUR",
        57,
        "Excess stock",
        ("inventory_snapshot_daily.excess_value",),
    )
    negative_stocks_count: Series[pl.Int64] = _rate(
        "Pairs of item and storehouse below 0.",
        "Stocks négatifs",
        "n",
        58,
        "Negative stocks",
        ("inventory_snapshot_daily.quantity_on_hand",),
        ge=0,
    )
    negative_stocks_value: Series[Money] = optional("Their value.", "Valeur des stocks négatifs", "EUR")
    items_to_order_count: Series[pl.Int64] = _rate(
        "Pairs of item and storehouse with a quantity to order; NULL without stock, and of a day before it was captured.",
        "Articles sous seuil",
        "n",
        61,
        "Items below reorder point",
        ("inventory_snapshot_daily.reorder_recommendation",),
        ge=0,
    )
    items_to_order_cost: Series[Money] = optional("What these quantities cost.", "Coût à commander", "EUR", ge=0)
    supplier_dependency_percent: Series[float] = _rate(
        "Purchases of 12 months from the largest suppliers (parameter concentration_suppliers) / all x 100.",
        "Dépendance fournisseur",
        "%",
        67,
        "Supplier dependency",
        ("fact_purchases.net_amount_excl_tax", "fact_purchases.supplier_id"),
    )
    single_supplier_items_count: Series[pl.Int64] = described(
        "Items invoiced in 12 months by one supplier only.", "Articles à fournisseur unique", "n", ge=0
    )
    late_supplier_lines_count: Series[pl.Int64] = _kpi(
        "Supplier order lines past their promised day and not complete; lines closed short are not counted.",
        "Commandes fournisseurs en retard",
        "n",
        68,
        "Late supplier orders",
        ("fact_purchases.promised_date", "fact_purchases.complete_receipt_date"),
        ge=0,
    )
    late_supplier_lines_amount: Series[Money] = described(
        "Net excl. tax of what has not come.", "Montant en retard", "EUR", ge=0
    )
    customers_waiting_count: Series[pl.Int64] = _kpi(
        "Customers with an order line, still to deliver, of an item that a late supplier line is for; of a line that came in "
        "full at no time, what EBP says today is still to come.",
        "Clients en attente",
        "n",
        68,
        "Customers waiting on late supplier orders",
        ("fact_purchases.product_id", "fact_sales.remaining_quantity_to_deliver", "fact_sales.complete_delivery_date"),
        ge=0,
    )
    contract_coverage_percent: Series[float] = _rate(
        "Active equipment under contract / active equipment x 100.",
        "Parc sous contrat",
        "%",
        87,
        "Contract coverage",
        ("equipment_park.is_active", "equipment_park.is_under_contract"),
        ge=0,
        le=100,
    )
    visits_overdue_count: Series[pl.Int64] = _kpi(
        "Visits of the active contracts due up to the day, in any year, that none was made for.",
        "Visites dues non faites",
        "n",
        84,
        "Overdue contract visits",
        ("contract_profitability.visits_overdue",),
        ge=0,
    )
    done_not_invoiced_count: Series[pl.Int64] = _kpi(
        "Done appointments up to the day with a billable amount and no invoice dated by then.",
        "Interventions à facturer",
        "n",
        82,
        "Done not invoiced",
        ("interventions_daily_kpi.not_invoiced_count",),
        ge=0,
    )
    done_not_invoiced_amount: Series[Money] = _kpi(
        "Their billable amount, excl. tax.",
        "Montant à facturer",
        "EUR",
        82,
        "Done not invoiced, amount",
        ("interventions_daily_kpi.not_invoiced_amount",),
    )
    done_not_invoiced_age_days: Series[float] = optional(
        "Days from their start to the day, on average; NULL without any.",
        "Ancienneté moyenne des interventions à facturer",
        "days",
        ge=0,
    )


COMPANY_POSITION = GoldTable(
    name="company_position",
    description="Where the company stands each evening: backlog, customers, receivables, stock, suppliers, contracts.",
    key=("date_id",),
    model=CompanyPosition,
    silver=(
        "dim_date",
        "fact_inventory",
        "fact_payments",
        "fact_purchase_receipts",
        "fact_purchases",
        "fact_sales",
        "fact_settlements",
        "fact_stock_movements",
    ),
    owners=("team:direction",),
    kind="daily",
    uses=(
        SALES_BY_CUSTOMER,
        SALES_BY_PRODUCT,
        CUSTOMER_HEALTH_SCORE,
        RECEIVABLES_AGEING,
        OPEN_INSTALMENTS,
        INVENTORY_SNAPSHOT_DAILY,
        EQUIPMENT_PARK,
        CONTRACT_PROFITABILITY,
        INTERVENTIONS_DAILY_KPI,
        QUOTE_FUNNEL,
    ),
)
