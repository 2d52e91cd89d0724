"""Contract of ``gold.interventions_cube``: the formulas of its columns; the .sql beside it computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.field.interventions_daily_kpi import INTERVENTIONS_DAILY_KPI

ALL = "* = all of them together."


class InterventionsCube(pa.DataFrameModel):
    """Appointments by every combination of month, type, state, region and contract: 32 grouping sets in one table.

    Choose one ``grouping_set`` (or ``*`` in each column that is not wanted) before summing: rows of different sets
    hold the same appointments. No dimension names a person.
    """

    year_month: Series[str] = described(
        f"Month in which the appointment starts, as YYYY-MM; {ALL}",
        "Mois",
        "YYYY-MM",
        str_matches=r"^(\*|\d{4}-\d{2})$",
    )
    intervention_type: Series[str] = described(
        f"Maintenance, Repair, Install, Other; Unknown of those deleted in EBP before they began; {ALL}", "Nature", ""
    )
    state: Series[str] = described(f"Scheduled, InProgress, Done, Cancelled (deleted ones too); {ALL}", "État", "")
    region: Series[str] = described(
        f"Region of the place of the appointment; Unknown outside France or without a place; {ALL}", "Région", ""
    )
    under_contract: Series[str] = described(
        f"Yes when the appointment names a maintenance contract, else No; Unknown of deleted ones; {ALL}",
        "Sous contrat",
        "",
        isin=["Yes", "No", "Unknown", "*"],
    )
    grouping_set: Series[pl.Int32] = described(
        "Which columns are *: sum of 16 (year_month), 8 (intervention_type), 4 (state), 2 (region) and "
        "1 (under_contract); 0 = the finest rows, 31 = the grand total.",
        "Niveau d'agrégation",
        "",
        ge=0,
        le=31,
    )
    interventions_count: Series[pl.Int64] = described("Appointments.", "Interventions", "n", ge=1)
    customers_count: Series[pl.Int64] = described(
        "Different customers; cannot be summed over rows.", "Clients distincts", "n", ge=0
    )
    scheduled_minutes: Series[float] = described("Planned minutes.", "Durée prévue", "min", ge=0)
    actual_minutes: Series[float] = described("Achieved minutes, where typed in.", "Durée réelle", "min", ge=0)
    avg_duration_minutes: Series[float] = optional(
        "Mean achieved minutes, of appointments where they were typed in.", "Durée moyenne", "min", ge=0
    )
    distance_km: Series[float] = described(
        "Known distances to appointments that are not cancelled, as the crow flies.", "Distance", "km", ge=0
    )
    billable_amount: Series[Money] = described(
        "Net amount excl. tax to be invoiced, of Done appointments.", "Montant facturable", "EUR"
    )
    cost_amount: Series[Money] = described("Cost that EBP keeps on Done appointments.", "Coût", "EUR")
    first_call_resolution_rate: Series[float] = optional(
        "Problems solved at the first visit / first visits that can be judged.",
        "Résolution au premier passage",
        "0-1",
        ge=0,
        le=1,
    )
    sla_compliance_rate: Series[float] = optional(
        "Repairs started within target / repairs with a target that can be judged.",
        "Respect des SLA",
        "0-1",
        ge=0,
        le=1,
    )


INTERVENTIONS_CUBE = GoldTable(
    name="interventions_cube",
    description="Appointments by every combination of month, type, state, region and contract (OLAP cube).",
    key=("year_month", "intervention_type", "state", "region", "under_contract"),
    model=InterventionsCube,
    silver=("dim_date", "dim_location", "fact_interventions", "fact_deleted_appointments"),
    owners=("team:direction-technique",),
    uses=(INTERVENTIONS_DAILY_KPI,),
)
