"""Contract of ``gold.colleague_performance``: the formulas of its columns; the .sql beside it computes them.

Figures of persons (CNIL, works council): the table is private.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class ColleaguePerformance(pa.DataFrameModel):
    """One row per colleague and calendar month with any appointment, working time or sale, up to the partition's day.

    Figures of the field come from the teams' bridge: each one's own minutes; an appointment counts whole for each, so
    that sums over colleagues exceed the company's. Revenue is never added across roles.
    """

    colleague_key: Series[str] = described("The colleague.", "Collaborateur (clé)", "", str_matches="^[0-9a-f]{32}$")
    colleague_id: Series[str] = described(
        "Code of the colleague; as typed when it is in no master.", "Collaborateur", ""
    )
    period_start: Series[pl.Date] = described("First day of the month.", "Début de période", "date")
    period_end: Series[pl.Date] = described("Last day of the month.", "Fin de période", "date")
    interventions_count: Series[pl.Int64] = described(
        "Customer appointments of the month in which the colleague takes part, in every state.",
        "Interventions",
        "n",
        ge=0,
    )
    interventions_completed_count: Series[pl.Int64] = described("Of these, Done.", "Interventions réalisées", "n", ge=0)
    avg_intervention_duration: Series[float] = optional(
        "Mean of the colleague's own minutes on Done appointments (achieved, else planned).",
        "Durée moyenne",
        "min",
        ge=0,
    )
    total_distance_km: Series[float] = optional(
        "Legs as the crow flies to the Done appointments that the colleague leads, and back to the depot from the last "
        "of each day; legs with an unknown point are missing; NULL when all are.",
        "Distance parcourue",
        "km",
        ge=0,
    )
    first_call_resolution_rate: Series[float] = optional(
        "Problems solved at the first visit / first visits that can be judged, of the colleague's appointments.",
        "Résolution au premier passage",
        "0-1",
        ge=0,
        le=1,
        kpi=Kpi(
            76,
            "First-time fix rate by technician",
            "Résolution au premier passage par technicien",
            ("fact_interventions.is_first_call_resolution", "fact_intervention_technicians.colleague_id"),
        ),
    )
    avg_customer_satisfaction: Series[float] = optional(
        "Mean score of the colleague's appointments (satisfaction.csv).", "Satisfaction moyenne", "1-5", ge=1, le=5
    )
    revenue_generated: Series[Money] = described(
        "Salespeople: sales_revenue; others: field_revenue.", "CA généré", "EUR"
    )
    utilization_rate: Series[float] = optional(
        "Minutes on customer appointments / minutes available in the month, up to the partition's day; above 1 with "
        "overtime; NULL when never available.",
        "Taux d'utilisation",
        "0-1",
        ge=0,
        kpi=Kpi(
            74,
            "Utilisation by technician",
            "Taux d'utilisation par technicien",
            ("fact_technician_time.intervention_minutes", "fact_technician_time.available_minutes"),
        ),
    )
    efficiency_score: Series[float] = optional(
        "0-100: schedule keeping (100 x least(1, planned / achieved minutes of the appointments led)), first-time fix "
        "(100 x rate) and utilisation (100 x least(1, rate / efficiency_target_utilization)) by the efficiency_weight "
        "parameters; a missing part leaves its weight to the others; NULL with fewer than "
        "efficiency_minimum_completed appointments done.",
        "Score d'efficacité",
        "0-100",
        ge=0,
        le=100,
    )
    estimated_road_km: Series[float] = optional(
        "total_distance_km x road_factor.", "Kilomètres de route estimés", "km", ge=0
    )
    distance_per_intervention_km: Series[float] = optional(
        "total_distance_km / Done appointments that the colleague leads.",
        "Kilomètres par intervention",
        "km",
        kpi=Kpi(80, "Distance per intervention", "Kilomètres par intervention", ("fact_interventions.distance_km",)),
        ge=0,
    )
    field_revenue: Series[Money] = described(
        "Billable amount of the Done appointments that the colleague leads.", "CA terrain", "EUR"
    )
    sales_revenue: Series[Money] = described(
        "Invoices minus credit notes with the colleague's code, excl. tax.",
        "CA commercial",
        "EUR",
        kpi=Kpi(36, "Revenue per salesperson", "CA par commercial", ("fact_sales.net_amount_excl_tax",)),
    )
    field_revenue_per_hour: Series[Money] = optional(
        "field_revenue / hours achieved on the appointments led; NULL when none was typed in.",
        "CA terrain par heure",
        "EUR/h",
        kpi=Kpi(
            81,
            "Field revenue per hour",
            "CA terrain par heure",
            ("fact_interventions.billable_amount", "fact_interventions.actual_duration_minutes"),
        ),
    )
    occupancy_rate: Series[float] = optional(
        "(Minutes on appointments + travel typed in) / minutes available.",
        "Taux d'occupation",
        "0-1",
        ge=0,
        kpi=Kpi(
            73,
            "Occupancy by technician",
            "Taux d'occupation par technicien",
            ("fact_technician_time.travel_minutes", "fact_technician_time.available_minutes"),
        ),
    )
    billable_rate: Series[float] = optional(
        "Minutes on appointments with a billable amount / minutes available.",
        "Taux facturable",
        "0-1",
        ge=0,
        kpi=Kpi(
            75,
            "Billable rate by technician",
            "Taux facturable par technicien",
            ("fact_technician_time.billable_minutes", "fact_technician_time.available_minutes"),
        ),
    )


COLLEAGUE_PERFORMANCE = GoldTable(
    name="colleague_performance",
    description="Each colleague's month: appointments, distance, first-time fix, utilisation, revenue, efficiency.",
    key=("period_start", "colleague_id"),
    model=ColleaguePerformance,
    silver=(
        "dim_date",
        "dim_colleague",
        "fact_interventions",
        "fact_intervention_technicians",
        "fact_technician_time",
        "fact_sales",
    ),
    owners=("team:direction-technique",),
    private=True,
)
