"""Contract of ``gold.interventions_cube``: the formulas of its columns; the .sql beside it computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.field.interventions_daily_kpi import INTERVENTIONS_DAILY_KPI

_ALL = "NULL = all (see grouping_id); never NULL for want of a value, which reads Non renseigné."


class InterventionsCube(pa.DataFrameModel):
    """One row per group of the appointments: every combination of month, type, state, region and contract.

    Take the rows of one grouping_id: rows of two count the same appointments twice. Customers are distinct counts of
    their row, so they do not add up over groups. No dimension names a person.
    """

    cube_key: Series[str] = described(
        "MD5 of grouping_id and the values of the five dimensions.",
        "Clé technique",
        "",
        unique=True,
        str_matches="^[0-9a-f]{32}$",
    )
    grouping_id: Series[pl.Int32] = described(
        "Which dimensions are all: the sum of 16 (month), 8 (type), 4 (state), 2 (region) and 1 (contract) for each "
        "that is. 0 is the finest, 31 the grand total, 15 the months.",
        "Niveau de regroupement",
        "",
        ge=0,
        le=31,
    )
    grouping_name: Series[str] = described(
        "The dimensions that are not all, by name, such as year_month, region; total where all are.",
        "Axes du regroupement",
        "",
    )
    year_month: Series[str] = optional(
        f"Month in which the appointment starts, as 2026-03. {_ALL}", "Mois", "YYYY-MM", str_matches=r"^\d{4}-\d{2}$"
    )
    intervention_type: Series[str] = optional(
        f"Maintenance, Repair, Install, Other; not known of those deleted in EBP before they began. {_ALL}",
        "Nature",
        "",
    )
    state: Series[str] = optional(f"Scheduled, InProgress, Done, Cancelled (deleted ones too). {_ALL}", "État", "")
    region: Series[str] = optional(f"Region of the place of the appointment, in France. {_ALL}", "Région", "")
    under_contract: Series[str] = optional(
        f"Oui when the appointment names a maintenance contract, else Non; not known of deleted ones. {_ALL}",
        "Sous contrat",
        "",
        isin=["Oui", "Non", "Non renseigné"],
    )
    interventions_count: Series[pl.Int64] = described("Appointments.", "Interventions", "n", ge=1)
    customers_count: Series[pl.Int64] = described(
        "Different customers; cannot be summed over rows.", "Clients distincts", "n", ge=0
    )
    scheduled_minutes: Series[float] = described("Planned minutes.", "Durée prévue", "min", ge=0)
    actual_minutes: Series[float] = described("Achieved minutes, where typed in.", "Durée réelle", "min", ge=0)
    avg_duration_minutes: Series[float] = optional(
        "Mean achieved minutes, of appointments where they were typed in.",
        "Durée moyenne",
        "min",
        ge=0,
        kpi=Kpi(
            77,
            "Mean duration",
            "Durée moyenne",
            ("fact_interventions.actual_duration_minutes", "fact_interventions.intervention_type"),
        ),
    )
    planning_gap_percent: Series[float] = optional(
        "(Minutes achieved / minutes planned - 1) x 100, over the appointments that have both.",
        "Écart au prévu",
        "%",
        kpi=Kpi(
            77,
            "Planning gap",
            "Écart au prévu",
            ("fact_interventions.actual_duration_minutes", "fact_interventions.scheduled_duration_minutes"),
        ),
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
        kpi=Kpi(
            76,
            "First-time fix rate by type",
            "Résolution au premier passage par nature",
            ("fact_interventions.is_first_call_resolution", "fact_interventions.intervention_type"),
        ),
    )
    sla_compliance_rate: Series[float] = optional(
        "Repairs started within target / repairs with a target that can be judged.",
        "Respect des SLA",
        "0-1",
        ge=0,
        le=1,
        kpi=Kpi(79, "SLA compliance", "Respect des SLA", ("fact_interventions.sla_met_flag",)),
    )


INTERVENTIONS_CUBE = GoldTable(
    name="interventions_cube",
    description="Appointments by every combination of month, type, state, region and contract (OLAP cube).",
    key=("cube_key",),
    model=InterventionsCube,
    silver=("dim_date", "dim_location", "fact_interventions", "fact_deleted_appointments"),
    owners=("team:direction-technique",),
    uses=(INTERVENTIONS_DAILY_KPI,),
)
