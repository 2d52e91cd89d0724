"""Contract of ``gold.monthly_kpi``: the formulas of its columns; monthly_kpi.sql computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.cash.vat_due import VAT_DUE
from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.field.interventions_daily_kpi import INTERVENTIONS_DAILY_KPI
from ebp_lakehouse.gold.sales.quote_funnel import QUOTE_FUNNEL
from ebp_lakehouse.gold.sales.sales_daily_kpi import SALES_DAILY_KPI
from ebp_lakehouse.gold.stock.purchase_price_trend import PURCHASE_PRICE_TREND

_REVENUE = ("sales_daily_kpi.total_revenue_excl_tax",)
_VISITS = "interventions_daily_kpi.total_interventions_count"


class MonthlyKpi(pa.DataFrameModel):
    """One row per month, from the first document to D; the running month holds what is dated up to D."""

    period: Series[str] = described("Month.", "Mois", "YYYY-MM", str_matches=r"^\d{4}-\d{2}$")
    last_day: Series[pl.Date] = described("Last day counted: of the running month, D.", "Arrêté au", "date")
    revenue_excl_tax: Series[Money] = described(
        "Invoices minus credit notes dated in the month, excl. tax.", "CA HT", "EUR"
    )
    margin: Series[Money] = described("Revenue - cost of the month.", "Marge brute", "EUR")
    markup_percent: Series[float] = optional(
        "Margin / cost x 100; NULL without cost.",
        "Taux de marge",
        "%",
        kpi=Kpi(10, "Mark-up rate", "Taux de marge", ("sales_daily_kpi.total_margin", "sales_daily_kpi.total_cost")),
    )
    revenue_without_cost_percent: Series[float] = optional(
        "Revenue of rows whose cost is missing / revenue of the month x 100, negative where credit notes prevail among them; "
        "NULL without positive revenue.",
        "Part du CA sans coût",
        "%",
        kpi=Kpi(11, "Revenue without cost", "Part du CA sans coût", ("fact_sales.is_cost_missing",)),
    )
    credit_note_rate_percent: Series[float] = optional(
        "Credit notes / gross invoiced x 100.",
        "Taux d'avoir",
        "%",
        kpi=Kpi(
            4,
            "Credit-note rate",
            "Taux d'avoir",
            ("sales_daily_kpi.credit_notes_amount", "sales_daily_kpi.gross_invoiced"),
        ),
    )
    revenue_fiscal_ytd: Series[Money] = described(
        "Revenue since the start of the fiscal year up to the last day.",
        "CA cumulé exercice",
        "EUR",
        kpi=Kpi(5, "Fiscal year to date revenue", "CA cumulé exercice", (*_REVENUE, "dim_date.fiscal_year")),
    )
    revenue_fiscal_ytd_before: Series[Money] = optional(
        "Revenue of the same dates one year before, however long the fiscal year; NULL before the first document.",
        "CA cumulé exercice N-1",
        "EUR",
    )
    growth_percent: Series[float] = optional(
        "(fiscal year to date - the same a year earlier) / a year earlier x 100; NULL without positive revenue then.",
        "Évolution CA N/N-1",
        "%",
        kpi=Kpi(6, "Year-on-year growth", "Évolution CA N/N-1", (*_REVENUE, "dim_date.fiscal_year")),
    )
    growth_per_business_day_percent: Series[float] = optional(
        "The same on revenue per business day.", "Évolution à jours ouvrés constants", "%"
    )
    revenue_12_months: Series[Money] = described(
        "Revenue of the 12 months up to the last day.",
        "CA glissant 12 mois",
        "EUR",
        kpi=Kpi(7, "Rolling 12-month revenue", "CA glissant 12 mois", _REVENUE),
    )
    book_to_bill: Series[float] = optional(
        "Order intake / revenue; NULL without positive revenue.",
        "Book-to-bill",
        "ratio",
        kpi=Kpi(17, "Book-to-bill ratio", "Book-to-bill", ("sales_daily_kpi.order_intake_excl_tax", *_REVENUE)),
    )
    quote_conversion_percent: Series[float] = optional(
        "Quotes of the month that were converted by D / quotes of the month x 100, of those older than parameter "
        "quote_maturity_days; revisions count once.",
        "Taux de transformation des devis",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(
            20, "Quote conversion rate (number)", "Taux de transformation des devis", ("quote_funnel.converted_date",)
        ),
    )
    quote_conversion_value_percent: Series[float] = optional(
        "Converted amount / amount of the month's quotes x 100, of those older than parameter quote_maturity_days as well.",
        "Taux de transformation en valeur",
        "%",
        kpi=Kpi(
            21, "Quote conversion rate (value)", "Taux de transformation en valeur", ("quote_funnel.converted_amount",)
        ),
    )
    median_days_to_conversion: Series[float] = optional(
        "Median of the days from quote to first conversion.",
        "Délai de signature",
        "days",
        kpi=Kpi(22, "Quote-to-order delay", "Délai de signature", ("quote_funnel.days_to_conversion",)),
    )
    order_lines_due_count: Series[pl.Int64] = described(
        "Lines of customer orders promised for the month, up to the last day; lines that nothing was promised for are not "
        "counted.",
        "Lignes de commande à livrer",
        "n",
        ge=0,
    )
    customer_service_percent: Series[float] = optional(
        "Of these lines, those delivered in full (parameter in_full_share, 98 %) by the promised day + "
        "on_time_tolerance_days (0) x 100; late, short and never delivered ones are not.",
        "Taux de service client",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(
            60,
            "Customer service level",
            "Taux de service client",
            ("fact_sales.promised_date", "fact_sales.complete_delivery_date"),
        ),
    )
    discount_rate_percent: Series[float] = optional(
        "Discounts / amounts before discount of invoice lines x 100.",
        "Taux de remise moyen",
        "%",
        kpi=Kpi(24, "Average discount rate", "Taux de remise moyen", ("fact_sales.discount_amount",)),
    )
    new_customers_count: Series[pl.Int64] = described(
        "Customers whose first invoice ever is in the month.",
        "Nouveaux clients",
        "n",
        ge=0,
        kpi=Kpi(26, "New customers", "Nouveaux clients", ("sales_daily_kpi.new_customers_count",)),
    )
    active_customers_count: Series[pl.Int64] = described(
        "Customers invoiced in the 12 months up to the last day, as in company_position.",
        "Clients actifs (12 mois)",
        "n",
        ge=0,
        kpi=Kpi(27, "Active customers", "Clients actifs", ("fact_sales.customer_id", "fact_sales.date_key")),
    )
    retention_rate_percent: Series[float] = optional(
        "Of the customers invoiced in the 12 months before the 12 up to the last day, those invoiced again in these x 100.",
        "Taux de rétention",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(28, "Retention rate", "Taux de rétention", ("fact_sales.customer_id", "fact_sales.date_key")),
    )
    churn_rate_percent: Series[float] = optional(
        "100 - retention rate.",
        "Taux d'attrition",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(29, "Churn rate", "Taux d'attrition", ("fact_sales.customer_id", "fact_sales.date_key")),
    )
    lost_revenue_percent: Series[float] = optional(
        "Share of the earlier 12 months' revenue that was that of the lost customers x 100.", "Part de CA perdue", "%"
    )
    recurring_share_percent: Series[float] = optional(
        "Revenue of rows that belong to a maintenance contract / revenue x 100.",
        "Part du récurrent",
        "%",
        kpi=Kpi(34, "Recurring share", "Part du récurrent", ("fact_sales.contract_id", *_REVENUE)),
    )
    cash_collected: Series[Money] = described(
        "Customers' payments dated in the month, those that came back excluded.",
        "Encaissements",
        "EUR",
        kpi=Kpi(44, "Cash collected", "Encaissements", ("fact_settlements.amount", "fact_settlements.is_rejected")),
    )
    rejected_payment_rate_percent: Series[float] = optional(
        "Payments of the month that came back / all payments of the month, by amount x 100.",
        "Taux d'impayés",
        "%",
        kpi=Kpi(43, "Rejected payment rate", "Taux d'impayés", ("fact_settlements.is_rejected",)),
    )
    vat_due_estimate: Series[Money] = described(
        "VAT that the month makes due, of services when they are paid, less what is deductible: as gold.vat_due, which shows "
        "its parts.",
        "TVA exigible estimée",
        "EUR",
        kpi=Kpi(50, "Estimated VAT due", "TVA exigible estimée", ("vat_due.vat_due_estimate",)),
    )
    purchases_excl_tax: Series[Money] = described(
        "Supplier invoices minus credit notes dated in the month.",
        "Achats HT",
        "EUR",
        kpi=Kpi(62, "Purchases", "Achats HT", ("fact_purchases.net_amount_excl_tax",)),
    )
    purchase_price_index: Series[float] = optional(
        "What the month's purchases cost / what the same quantities would have cost at the prices of a year before x 100; "
        "items without an earlier price are left out.",
        "Évolution des prix d'achat",
        "index",
        kpi=Kpi(
            66,
            "Purchase price index",
            "Évolution des prix d'achat",
            ("purchase_price_trend.amount", "purchase_price_trend.variation_12_months_percent"),
        ),
    )
    inventory_adjustment: Series[Money] = optional(
        "Cost of the movements of kind Inventory: gains less losses. NULL where no movement is known to be one (seed "
        "stock_movement_kind).",
        "Écart d'inventaire",
        "EUR",
        kpi=Kpi(59, "Inventory adjustment", "Écart d'inventaire", ("fact_stock_movements.cost_amount",)),
    )
    inventory_adjustment_percent: Series[float] = optional(
        "That / stock value at the end of the month x 100.", "Écart d'inventaire / stock", "%"
    )
    schedule_completion_percent: Series[float] = optional(
        "Appointments done / (done + cancelled + overdue) x 100.",
        "Taux de réalisation du planning",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(
            71,
            "Schedule completion",
            "Taux de réalisation du planning",
            (
                "interventions_daily_kpi.interventions_completed_count",
                "interventions_daily_kpi.interventions_overdue_count",
            ),
        ),
    )
    cancellation_rate_percent: Series[float] = optional(
        "Cancelled / all appointments of the month x 100.",
        "Taux d'annulation",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(
            72,
            "Cancellation rate",
            "Taux d'annulation",
            ("interventions_daily_kpi.interventions_cancelled_count", _VISITS),
        ),
    )
    reschedule_rate_percent: Series[float] = optional(
        "Moved / all appointments of the month x 100.",
        "Taux de report",
        "%",
        ge=0,
        kpi=Kpi(
            72,
            "Reschedule rate",
            "Taux de report",
            ("interventions_daily_kpi.interventions_rescheduled_count", _VISITS),
        ),
    )
    median_time_to_intervention_hours: Series[float] = optional(
        "Median of the hours from request to start, of the month's appointments that were not cancelled.",
        "Délai d'intervention médian",
        "h",
        ge=0,
        kpi=Kpi(78, "Time to intervention", "Délai d'intervention", ("fact_interventions.time_to_intervention_hours",)),
    )
    p90_time_to_intervention_hours: Series[float] = optional(
        "90th centile of the same hours.", "Délai d'intervention (90e centile)", "h", ge=0
    )
    sla_compliance_percent: Series[float] = optional(
        "Repairs of the month started within their target (sla.csv, else parameter sla_first_response_hours) / those that "
        "can be judged x 100; one that is overdue past its target was not.",
        "Respect des SLA",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(79, "SLA compliance", "Respect des SLA", ("fact_interventions.sla_met_flag",)),
    )
    avg_customer_satisfaction: Series[float] = optional(
        "Mean score that customers gave to the month's appointments up to D (satisfaction.csv); NULL without answers.",
        "Satisfaction moyenne",
        "1-5",
        ge=1,
        le=5,
        kpi=Kpi(89, "Satisfaction", "Satisfaction", ("fact_interventions.customer_satisfaction_score",)),
    )
    surveys_sent_count: Series[pl.Int64] = described(
        "Satisfaction surveys sent in the month (custom column of EBP's documents): one per customer and day.",
        "Enquêtes envoyées",
        "n",
        ge=0,
    )
    survey_return_percent: Series[float] = optional(
        "Of these, those that had come back by D x 100; NULL where none was sent.",
        "Taux de retour d'enquête",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(
            89,
            "Survey return rate",
            "Taux de retour d'enquête",
            ("fact_sales.survey_sent_date", "fact_sales.survey_returned_date"),
        ),
    )
    active_contracts_count: Series[pl.Int64] = described(
        "Maintenance contracts in force on the last day: started, not cancelled, not ended or tacitly renewed.",
        "Contrats actifs",
        "n",
        ge=0,
        kpi=Kpi(83, "Active contracts", "Contrats actifs", ("dim_contract.start_date", "dim_contract.end_date")),
    )
    renewal_rate_percent: Series[float] = optional(
        "Of the contracts' terms that end in the month, up to the partition's day, those that were renewed x 100: by EBP, which "
        "keeps the last renewal of a contract only, or tacitly, if not cancelled by the month's last day.",
        "Taux de renouvellement",
        "%",
        ge=0,
        le=100,
        kpi=Kpi(
            83,
            "Renewal rate",
            "Taux de renouvellement",
            ("dim_contract.last_renewal_date", "dim_contract.has_tacit_renewal", "dim_contract.cancellation_date"),
        ),
    )


MONTHLY_KPI = GoldTable(
    name="monthly_kpi",
    description="The company's month: growth, customers kept and lost, discounts, cash, purchases, planning, contracts.",
    key=("period",),
    model=MonthlyKpi,
    silver=(
        "dim_contract",
        "dim_date",
        "fact_interventions",
        "fact_inventory",
        "fact_purchases",
        "fact_sales",
        "fact_settlements",
        "fact_stock_movements",
    ),
    owners=("team:direction",),
    uses=(SALES_DAILY_KPI, INTERVENTIONS_DAILY_KPI, PURCHASE_PRICE_TREND, QUOTE_FUNNEL, VAT_DUE),
)
