"""French public holidays, from the ``holidays`` library, as the file that ``dim_date`` reads.

Not here: week-ends, fiscal years and company closings, which are SQL and parameters in dbt_silver.
"""

from __future__ import annotations

from pathlib import Path

import holidays
import polars as pl

YEARS = range(1990, 2061)  # documents of thirty years back, due dates and contracts of thirty years ahead

CALENDARS: dict[str, str | None] = {  # our name → subdivision of the library
    "metropole": None,
    "alsace_moselle": "57",
    "guadeloupe": "971",
    "martinique": "972",
    "guyane": "973",
    "reunion": "974",
    "mayotte": "976",
}


def french_holidays() -> pl.DataFrame:
    """One row per calendar and holiday: ``date``, ``name`` (French), ``calendar``."""
    frames = [
        pl.DataFrame(
            [(day, name, calendar) for day, name in sorted(_holidays(subdivision).items())],
            schema={"date": pl.Date, "name": pl.String, "calendar": pl.String},
            orient="row",
        )
        for calendar, subdivision in CALENDARS.items()
    ]
    return pl.concat(frames)


def write_holidays(path: Path) -> Path:
    french_holidays().write_csv(path)
    return path


def _holidays(subdivision: str | None) -> holidays.HolidayBase:
    return holidays.country_holidays("FR", subdiv=subdivision, years=YEARS, language="fr")
