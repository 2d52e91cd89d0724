"""Time that passes between two wall clocks: every hour of it, or the hours in which the company works. Not here: for what."""

from __future__ import annotations

from datetime import date
from functools import cache

import holidays
import polars as pl

FIRST_YEAR, LAST_YEAR = 1900, 2040
MORNING, AFTERNOON = (8 * 60, 12 * 60), (13 * 60 + 30, 17 * 60 + 30)  # minutes of the day
HALF_DAY = 4 * 60
PARIS = "Europe/Paris"


def hours(start: str, end: str) -> pl.Expr:
    """Hours between two wall-clock instants, across changes of the clock."""
    zoned = [pl.col(name).dt.replace_time_zone(PARIS, ambiguous="earliest") for name in (start, end)]
    return (zoned[1] - zoned[0]).dt.total_seconds() / 3600


def with_deadline(frame: pl.DataFrame, name: str, start: str, hours: str) -> pl.DataFrame:
    """``frame`` with ``name``, the wall clock when ``hours`` are over since ``start``: business hours if ``is_business``."""
    rows = frame.select("is_business", start=start, minutes=pl.col(hours) * 60).with_row_index("row")
    zoned = pl.col("start").dt.replace_time_zone(PARIS, ambiguous="earliest")
    calendar = (zoned + pl.duration(seconds=pl.col("minutes") * 60)).dt.replace_time_zone(None)
    # The last working day before which less was worked than has to be.
    reached = (
        with_worked(rows.drop_nulls(["start", "minutes"]), "start")
        .with_columns(reached=pl.col("start_worked") + pl.col("minutes"))
        .sort("reached")
        .join_asof(
            _days().filter("is_working").select("before", last="day"),
            left_on="reached", right_on="before", strategy="backward", allow_exact_matches=False,
        )
    )  # fmt: skip
    left = pl.col("reached") - pl.col("before")
    minute = pl.when(left <= HALF_DAY).then(MORNING[0] + left).otherwise(AFTERNOON[0] + left - HALF_DAY)
    business = pl.col("last").cast(pl.Datetime("us")) + pl.duration(seconds=minute * 60)
    deadlines = reached.select("row", pl.when("is_business").then(business).otherwise(calendar).alias(name))
    return frame.with_row_index("row").join(deadlines, on="row", how="left").drop("row")


def with_worked(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """``frame`` with ``<column>_worked``: business minutes from long ago to that moment."""
    minute = (
        pl.col(column).dt.hour().cast(pl.Float64) * 60 + pl.col(column).dt.minute() + pl.col(column).dt.second() / 60
    )
    today = pl.sum_horizontal((minute - opens).clip(0, closes - opens) for opens, closes in (MORNING, AFTERNOON))
    worked = pl.col("before") + pl.when("is_working").then(today).otherwise(0.0)
    joined = frame.with_columns(day=pl.col(column).cast(pl.Date)).join(
        _days(), on="day", how="left", maintain_order="left"
    )
    return joined.with_columns(worked.alias(f"{column}_worked")).drop("day", "before", "is_working")


@cache
def _days() -> pl.DataFrame:
    """Each day: whether it is a working one, and the business minutes of all days before it."""
    days = pl.DataFrame({"day": pl.date_range(date(FIRST_YEAR, 1, 1), date(LAST_YEAR, 12, 31), "1d", eager=True)})
    closed = list(holidays.country_holidays("FR", years=range(FIRST_YEAR, LAST_YEAR + 1)))
    is_working = (pl.col("day").dt.weekday() <= 5) & ~pl.col("day").is_in(closed)
    minutes = is_working.cast(pl.Float64) * 2 * HALF_DAY
    return days.with_columns(is_working=is_working, before=minutes.cum_sum() - minutes)
