"""The life of incidents, day by day (semantics §3, §5). Not here: whether it was in time (service.py)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.clock import hours
from ebp_lakehouse_tests.truth.field import appointments
from ebp_lakehouse_tests.truth.values import Bronze, code, day


def daily(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per day from the first incident: opened, resolved, backlog, being dealt with, mean hours to answer and to resolve."""
    end_of_day = pl.lit(as_of).cast(pl.Datetime).dt.offset_by("1d")
    frame = (
        bronze["Incident"].filter(pl.col("StartDate") < end_of_day)
        .with_columns(incident=code("Id"))
        .join(first_answers(bronze), on="incident", how="left")
        .select(
            start="StartDate",
            end=pl.when(pl.col("EndDate") < end_of_day).then(pl.max_horizontal("EndDate", "StartDate")),
            answered=pl.when(pl.col("answered") < end_of_day).then(pl.max_horizontal("answered", "StartDate")),
        )
    )  # fmt: skip
    # Before any incident the days are those with field service: nothing opened is a figure, too.
    visited = appointments(bronze, as_of).filter(pl.col("day") <= as_of)
    first = frame.select(day("start").min()).item() or visited.select(pl.col("day").min()).item()
    if first is None:
        return pl.DataFrame(schema={"day": pl.Date})
    days = pl.DataFrame({"day": pl.date_range(first, as_of, "1d", eager=True)})
    answer_hours, end_hours = (hours("start", name) for name in ("answered", "end"))
    opened = frame.group_by(day=day("start")).agg(new_incidents_count=pl.len())
    ended = frame.drop_nulls("end").group_by(day=day("end")).agg(
        resolved_incidents_count=pl.len(), avg_time_to_resolution_hours=end_hours.mean()
    )  # fmt: skip
    answers = (
        frame.drop_nulls("answered")
        .group_by(day=day("answered"))
        .agg(avg_time_to_first_response_hours=answer_hours.mean())
    )
    for part in (opened, ended, answers):
        days = days.join(part, on="day", how="left")
    # Open in the evening, and answered by then: looked at for each day and incident, not carried from day to day.
    pairs = days.select("day").join(frame, how="cross").filter(
        (day("start") <= pl.col("day")) & (day("end").is_null() | (day("end") > pl.col("day")))
    )  # fmt: skip
    evening = pairs.group_by("day").agg(
        backlog_count=pl.len(), in_progress_incidents_count=(day("answered") <= pl.col("day")).sum()
    )
    counts = ["new_incidents_count", "resolved_incidents_count", "backlog_count", "in_progress_incidents_count"]
    return days.join(evening, on="day", how="left").with_columns(pl.col(counts).fill_null(0))


def first_answers(bronze: Bronze) -> pl.DataFrame:
    """incident, answered: when first somebody came, or did something about it by hand."""
    visits = bronze["ScheduleEvent"].filter(
        ~pl.col("IsScheduleException").fill_null(value=False) & pl.col("EventState").ne_missing(3)
    ).select(incident=code("Maintenance_IncidentId"), answered="StartDateTime")  # fmt: skip
    calls = bronze["Activity"].filter(pl.col("AutomaticCreation").fill_null(0) == 0).select(
        incident=code("IncidentId"), answered="StartDateTime"
    )  # fmt: skip
    return pl.concat([visits, calls]).drop_nulls().group_by("incident").agg(pl.col("answered").min())
