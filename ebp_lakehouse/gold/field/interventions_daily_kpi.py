"""Contract of ``gold.interventions_daily_kpi``: the formulas of its columns; the .sql beside it computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class InterventionsDailyKpi(pa.DataFrameModel):
    """One row per calendar day, from the first appointment to the partition's day; an appointment counts on its start."""

    date_id: Series[pl.Int32] = described(
        "Day on which the appointments start, as YYYYMMDD.", "Date", "YYYYMMDD", unique=True, ge=19000101
    )
    total_interventions_count: Series[pl.Int64] = described(
        "Customer appointments of the day in every state, and those deleted in EBP before they began.",
        "Interventions",
        "n",
        ge=0,
    )
    interventions_completed_count: Series[pl.Int64] = described(
        "Of these, Done.",
        "Interventions réalisées",
        "n",
        kpi=Kpi(70, "Interventions completed", "Interventions réalisées", ("fact_interventions.state",)),
        ge=0,
    )
    interventions_cancelled_count: Series[pl.Int64] = described(
        "Of these, Cancelled, or deleted in EBP before they began.", "Interventions annulées", "n", ge=0
    )
    avg_duration_minutes: Series[float] = optional(
        "Mean time achieved, of Done appointments where it was typed in; of a team, the appointment's own time.",
        "Durée moyenne",
        "min",
        kpi=Kpi(77, "Mean duration", "Durée moyenne, écart au prévu", ("fact_interventions.actual_duration_minutes",)),
        ge=0,
    )
    first_call_resolution_rate: Series[float] = optional(
        "Problems solved at the first visit / first visits of a problem that can be judged (30 days have passed).",
        "Résolution au premier passage",
        "0-1",
        kpi=Kpi(
            76,
            "First-time fix rate",
            "Résolution au premier passage (FTTR)",
            ("fact_interventions.is_first_call_resolution",),
        ),
        ge=0,
        le=1,
    )
    avg_customer_satisfaction: Series[float] = optional(
        "Mean score given by customers (satisfaction.csv); NULL without answers.",
        "Satisfaction moyenne",
        "1-5",
        kpi=Kpi(89, "Satisfaction", "Satisfaction", ("fact_interventions.customer_satisfaction_score",)),
        ge=1,
        le=5,
    )
    avg_distance_km: Series[float] = optional(
        "Mean distance as the crow flies to Done appointments, of those known.", "Distance moyenne", "km", ge=0
    )
    total_billable_amount: Series[Money] = described(
        "Net amount excl. tax to be invoiced of Done appointments.", "Montant facturable", "EUR"
    )
    utilization_rate: Series[float] = optional(
        "Technicians' minutes at customers (achieved, else planned when Done) / minutes available (schedule of active "
        "technicians less absences and holidays); above 1 with overtime; NULL when nobody is available.",
        "Taux d'utilisation",
        "0-1",
        kpi=Kpi(
            74,
            "Utilisation",
            "Taux d'utilisation",
            ("fact_technician_time.intervention_minutes", "fact_technician_time.available_minutes"),
        ),
        ge=0,
    )
    sla_compliance_rate: Series[float] = optional(
        "Repairs started within the target of sla.csv / repairs of the day with a target that can be judged.",
        "Respect des SLA",
        "0-1",
        kpi=Kpi(79, "SLA compliance", "Respect des SLA", ("fact_interventions.sla_met_flag",)),
        ge=0,
        le=1,
    )
    preventive_on_time_rate: Series[float] = optional(
        "Contract visits Done within preventive_tolerance_days of their due date / contract visits Done with one.",
        "Visites préventives à temps",
        "0-1",
        ge=0,
        le=1,
    )
    occupancy_rate: Series[float] = optional(
        "(Minutes at customers + travel typed in) / minutes available.",
        "Taux d'occupation",
        "0-1",
        kpi=Kpi(
            73,
            "Occupancy",
            "Taux d'occupation",
            ("fact_technician_time.intervention_minutes", "fact_technician_time.travel_minutes"),
        ),
        ge=0,
    )
    billable_rate: Series[float] = optional(
        "Minutes on appointments with a billable amount / minutes available.",
        "Taux facturable",
        "0-1",
        kpi=Kpi(75, "Billable rate", "Taux facturable", ("fact_technician_time.billable_minutes",)),
        ge=0,
    )
    planning_gap_percent: Series[float] = optional(
        "(Minutes achieved / minutes planned - 1) x 100, over Done appointments that have both.",
        "Écart au prévu",
        "%",
    )
    interventions_overdue_count: Series[pl.Int64] = described(
        "Neither Done nor Cancelled although their end is past.", "Interventions en retard", "n", ge=0
    )
    schedule_completion_rate: Series[float] = optional(
        "Done / (Done + Cancelled + overdue).",
        "Taux de réalisation du planning",
        "0-1",
        kpi=Kpi(71, "Schedule completion", "Taux de réalisation du planning", ("fact_interventions.state",)),
        ge=0,
        le=1,
    )
    cancellation_rate: Series[float] = optional(
        "Cancelled / all appointments of the day.",
        "Taux d'annulation",
        "0-1",
        kpi=Kpi(
            72,
            "Cancellation rate",
            "Taux d'annulation / de report",
            ("fact_interventions.state", "fact_deleted_appointments.state"),
        ),
        ge=0,
        le=1,
    )
    interventions_rescheduled_count: Series[pl.Int64] = described(
        "Appointments of the day that were put off at least once.", "Interventions reportées", "n", ge=0
    )
    median_time_to_intervention_hours: Series[float] = optional(
        "Median of the hours from request to start, of appointments not cancelled.",
        "Délai d'intervention médian",
        "h",
        kpi=Kpi(
            78,
            "Time to intervention",
            "Délai d'intervention",
            ("fact_interventions.time_to_intervention_hours",),
        ),
        ge=0,
    )
    p90_time_to_intervention_hours: Series[float] = optional(
        "90th centile of the same hours.", "Délai d'intervention (90e centile)", "h", ge=0
    )
    not_invoiced_count: Series[pl.Int64] = described(
        "Done appointments of the day with a billable amount and no invoice dated up to the partition's day.",
        "Interventions à facturer",
        "n",
        kpi=Kpi(
            82,
            "Done not invoiced",
            "Interventions à facturer",
            ("fact_interventions.billable_amount", "fact_interventions.is_invoiced"),
        ),
        ge=0,
    )
    not_invoiced_amount: Series[Money] = described("Billable amount of these.", "Montant à facturer", "EUR")


INTERVENTIONS_DAILY_KPI = GoldTable(
    name="interventions_daily_kpi",
    description="Field service of each day: appointments, durations, first-time fix, utilisation, SLA, amounts.",
    key=("date_id",),
    model=InterventionsDailyKpi,
    silver=(
        "dim_date",
        "fact_interventions",
        "fact_deleted_appointments",
        "fact_technician_time",
        "fact_contract_visits",
    ),
    owners=("team:direction-technique",),
)
