"""Contract of ``gold.contract_profitability``: the formulas of its columns; the .sql beside it computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable

KEY = "^[0-9a-f]{32}$"


class ContractProfitability(pa.DataFrameModel):
    """One row per maintenance contract and fiscal year in which it ran, was invoiced or was visited, up to the day.

    No technician's own hourly cost can be read from it: hours that EBP does not price cost the mean of all technicians.
    """

    contract_key: Series[str] = described("The contract.", "Contrat (clé)", "", str_matches=KEY)
    contract_id: Series[str] = described("Code of the contract.", "Contrat", "")
    fiscal_year: Series[pl.Int32] = described("Fiscal year, by the year in which it ends.", "Exercice", "")
    period_start: Series[pl.Date] = described("First day of the fiscal year.", "Début d'exercice", "date")
    period_end: Series[pl.Date] = described("Last day of the fiscal year.", "Fin d'exercice", "date")
    customer_key: Series[str] = described("Current version of the customer.", "Client (clé)", "", str_matches=KEY)
    customer_id: Series[str] = optional("Durable code of the customer.", "Code client", "")
    family_id: Series[str] = optional("Code of the contract's family.", "Famille", "")
    is_active: Series[bool] = described(
        "Runs on the partition's day: begun, not past its end unless tacitly renewed, not cancelled before it.",
        "En cours",
        "",
        kpi=Kpi(
            83,
            "Active contracts",
            "Contrats actifs, taux de renouvellement",
            ("dim_contract.start_date", "dim_contract.end_date", "dim_contract.cancellation_date"),
        ),
    )
    annual_fee: Series[Money] = optional("Planned periodic invoicing of one year.", "Redevance annuelle", "EUR")
    monthly_recurring_revenue: Series[Money] = described(
        "annual_fee / 12 of an active contract, in the row of the fiscal year that holds the partition's day, else 0: "
        "it can be summed.",
        "Revenu mensuel récurrent",
        "EUR",
        kpi=Kpi(33, "Recurring revenue (MRR / ARR)", "CA récurrent (contrats)", ("dim_contract.annual_fee",)),
    )
    invoiced: Series[Money] = described(
        "Invoices minus credit notes of the year that name the contract, excl. tax.", "Facturé", "EUR"
    )
    recognised_revenue: Series[Money] = described(
        "The part of what was invoiced that belongs to the year, up to the partition's day: items that sell a contract "
        "are spread by days over 365 / invoices_per_year days from the invoice on (not before the contract starts); "
        "everything else belongs to its invoice's day.",
        "CA acquis (prorata temporis)",
        "EUR",
    )
    deferred_revenue: Series[Money] = described(
        "Invoiced and not yet recognised at the end of the year, or on the partition's day.",
        "Produits constatés d'avance",
        "EUR",
    )
    visits_due: Series[pl.Int64] = optional(
        "Visits of the contract due in the year, up to the partition's day; NULL without a known periodicity.",
        "Visites dues",
        "n",
        ge=0,
    )
    visits_done: Series[pl.Int64] = described(
        "Maintenance appointments Done under the contract in the year.", "Visites faites", "n", ge=0
    )
    visits_overdue: Series[pl.Int64] = optional(
        "Of the visits due, those that none was made for.",
        "Visites dues non faites",
        "n",
        kpi=Kpi(
            84,
            "Overdue contract visits",
            "Visites dues non faites",
            ("fact_contract_visits.due_date", "fact_contract_visits.visit_date"),
        ),
        ge=0,
    )
    repairs_count: Series[pl.Int64] = described("Repairs Done under the contract in the year.", "Dépannages", "n", ge=0)
    labour_hours: Series[float] = described(
        "Hours of all technicians on Done appointments under the contract.", "Heures", "h", ge=0
    )
    parts_cost: Series[Money] = described(
        "Cost of the goods on the year's invoices and credit notes that name the contract.", "Coût des pièces", "EUR"
    )
    labour_cost: Series[Money] = described(
        "Cost that EBP keeps on the Done appointments; where it keeps none, hours x mean hourly cost of technicians.",
        "Coût de la main-d'œuvre",
        "EUR",
    )
    travel_cost: Series[Money] = described(
        "Hours of travel typed in x mean hourly cost of technicians.", "Coût des déplacements", "EUR"
    )
    total_cost: Series[Money] = described("parts_cost + labour_cost + travel_cost.", "Coût total", "EUR")
    margin: Series[Money] = described(
        "recognised_revenue - total_cost.",
        "Marge",
        "EUR",
        kpi=Kpi(
            85,
            "Contract margin",
            "Marge par contrat",
            ("fact_sales.net_amount_excl_tax", "fact_interventions.cost_amount"),
        ),
    )
    margin_percent: Series[float] = optional(
        "margin / recognised_revenue x 100; NULL without positive revenue.", "Taux de marge", "%"
    )
    renewal_date: Series[pl.Date] = optional(
        "Of an active contract the end of its current period; past it (tacit renewal) the next anniversary of the end.",
        "Date de renouvellement",
        "date",
    )
    is_renewed: Series[bool] = described("Renewed in the year: by EBP's last renewal, or tacitly.", "Renouvelé", "")
    is_churned: Series[bool] = described("Ended in the year, by its end or cancelled, and over.", "Perdu", "")


CONTRACT_PROFITABILITY = GoldTable(
    name="contract_profitability",
    description="Each maintenance contract's fiscal years: revenue recognised and invoiced, visits, costs, margin, churn.",
    key=("contract_key", "fiscal_year"),
    model=ContractProfitability,
    silver=(
        "dim_date",
        "dim_contract",
        "dim_customer",
        "dim_product",
        "dim_colleague",
        "fact_sales",
        "fact_interventions",
        "fact_intervention_technicians",
        "fact_contract_visits",
    ),
    owners=("team:direction-technique",),
    kind="state",
)
