"""Contract of ``gold.technician_calendar_load``: the formulas of its columns; the .sql beside it computes them.

Figures of persons (CNIL, works council): the table is private.
"""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import described, optional
from ebp_lakehouse.gold.contract import GoldTable


class TechnicianCalendarLoad(pa.DataFrameModel):
    """One row per technician and day with any schedule or work, ``load_months_back`` months back, ``load_weeks_ahead`` ahead.

    Minutes come from the technician's own schedule, not from a flat day.
    """

    colleague_key: Series[str] = described("The technician.", "Technicien (clé)", "", str_matches="^[0-9a-f]{32}$")
    colleague_id: Series[str] = described("Code of the technician.", "Technicien", "")
    date_id: Series[pl.Int32] = described("Day, as YYYYMMDD.", "Date", "YYYYMMDD", ge=19000101)
    is_future: Series[bool] = described("After the partition's day: plan, not yet work.", "À venir", "")
    schedule_minutes: Series[pl.Int32] = described(
        "Schedule of the weekday; 0 on holidays and company closings.", "Horaire", "min", ge=0
    )
    absent_minutes: Series[float] = described("Absences within the schedule.", "Absence", "min", ge=0)
    available_minutes: Series[float] = described(
        "Schedule less absences, plus days worked by exception.", "Disponible", "min", ge=0
    )
    planned_minutes: Series[float] = described(
        "Customer appointments that are not cancelled: achieved when Done, else planned.", "Planifié", "min", ge=0
    )
    internal_minutes: Series[float] = described("Meetings and other events without a customer.", "Interne", "min", ge=0)
    travel_minutes: Series[float] = described(
        "Travel typed in on Done appointments that the technician leads; unknown ahead: 0.", "Trajet", "min", ge=0
    )
    free_minutes: Series[float] = described(
        "Available less planned, internal and travel minutes, not below 0.", "Libre", "min", ge=0
    )
    is_overbooked: Series[bool] = described(
        "Planned, internal and travel minutes exceed those available.", "Surchargé", ""
    )
    load_rate: Series[float] = optional(
        "(Planned + internal + travel) / available minutes; above 1 when overbooked; NULL without available time.",
        "Taux de charge",
        "0-1",
        ge=0,
    )


TECHNICIAN_CALENDAR_LOAD = GoldTable(
    name="technician_calendar_load",
    description="Technicians' days, past year and coming weeks: available, absent, planned, free, overbooked.",
    key=("colleague_key", "date_id"),
    model=TechnicianCalendarLoad,
    silver=("dim_date", "fact_technician_time"),
    owners=("team:direction-technique",),
    kind="state",
    private=True,
)
