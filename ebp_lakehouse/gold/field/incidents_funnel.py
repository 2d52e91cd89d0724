"""Contract of ``gold.incidents_funnel``: the formulas of its columns; the .sql beside it computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class IncidentsFunnel(pa.DataFrameModel):
    """One row per calendar day, from the first incident to the partition's day.

    Where EBP holds no incidents, the days run from the first appointment: all counts 0, means and rates NULL.
    """

    date_id: Series[pl.Int32] = described("Day, as YYYYMMDD.", "Date", "YYYYMMDD", unique=True, ge=19000101)
    new_incidents_count: Series[pl.Int64] = described("Incidents opened that day.", "Nouveaux incidents", "n", ge=0)
    in_progress_incidents_count: Series[pl.Int64] = described(
        "Open at the end of the day and already answered; part of the backlog.", "Incidents en cours", "n", ge=0
    )
    resolved_incidents_count: Series[pl.Int64] = described(
        "Ends of incidents that day; one opened again and ended again counts each time.", "Incidents résolus", "n", ge=0
    )
    reopened_incidents_count: Series[pl.Int64] = described(
        "Ends that were withdrawn that day; known since the lake's first load only.",
        "Incidents rouverts",
        "n",
        ge=0,
    )
    avg_time_to_first_response_hours: Series[float] = optional(
        "Mean hours from opening to first answer, of incidents first answered that day.",
        "Délai moyen de première réponse",
        "h",
        ge=0,
    )
    avg_time_to_resolution_hours: Series[float] = optional(
        "Mean hours from opening to the last end, of incidents whose last end is that day.",
        "Délai moyen de résolution",
        "h",
        kpi=Kpi(
            88, "Time to resolve", "Délai de résolution des incidents", ("fact_incidents.time_to_resolution_hours",)
        ),
        ge=0,
    )
    sla_met_count: Series[pl.Int64] = described(
        "Resolved that day within target; incidents without a target are not counted.", "SLA respectés", "n", ge=0
    )
    sla_missed_count: Series[pl.Int64] = described(
        "Incidents whose target passed that day without answer or resolution, once each.", "SLA manqués", "n", ge=0
    )
    backlog_count: Series[pl.Int64] = described(
        "Open at the end of the day = backlog of the day before + new - resolved + reopened.",
        "Stock d'incidents",
        "n",
        kpi=Kpi(
            88,
            "Incident backlog",
            "Stock d'incidents",
            ("fact_incidents.creation_date_key", "fact_incidents.resolution_date_key"),
        ),
        ge=0,
    )
    escalation_rate: Series[float] = optional(
        "Resolved that day that needed two or more technicians, or had been opened again / resolved that day.",
        "Taux d'escalade",
        "0-1",
        ge=0,
        le=1,
    )


INCIDENTS_FUNNEL = GoldTable(
    name="incidents_funnel",
    description="Incidents of each day: opened, answered, resolved, opened again, backlog, delays, targets.",
    key=("date_id",),
    model=IncidentsFunnel,
    silver=("dim_date", "fact_incidents", "fact_interventions", "fact_intervention_technicians"),
    owners=("team:direction-technique",),
)
