"""Minutes of technicians: available by their week, and at work for customers, day by day (semantics §3, §5).

Each event is gone through day by day.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import holidays
import polars as pl

from ebp_lakehouse_tests.truth.field import appointments
from ebp_lakehouse_tests.truth.values import Bronze, code

PARIS = ZoneInfo("Europe/Paris")
DAY = timedelta(days=1)
WHOLE_DAY = 24 * 60
BUSINESS_DAY = 8 * 60  # 8-12 and 13:30-17:30, for whom EBP has no week
LONGEST, LONGEST_ABSENCE = 14 * WHOLE_DAY, 3 * 366 * WHOLE_DAY
LAST_YEAR = 2200  # those of 9999 are a slip of the keyboard, and no working day
YEARS_BACK, WEEKS_AHEAD, TECHNICIAN_MONTHS = 10, 8, 24
Week = tuple[int, ...]
Work = tuple[float, float, float]  # minutes with customers, of those billable, on the road
NO_WORK: Work = (0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Event:
    id: str
    root: str
    start: datetime
    end: datetime
    colleague: str | None
    is_absence: bool
    is_extra: bool
    achieved: float | None
    expected: float | None
    order: int
    travel: float

    @property
    def is_exception(self) -> bool:
        return self.is_absence or self.is_extra


def utilization(bronze: Bronze, as_of: date, known_on: date) -> pl.DataFrame:
    """One row per day on which somebody is available: minutes with customers, those and travel, billable ones / available."""
    weeks, events = _weeks(bronze), _events(bronze)
    available: dict[date, float] = defaultdict(float)
    spent: dict[date, float] = defaultdict(float)
    billable: dict[date, float] = defaultdict(float)
    travel: dict[date, float] = defaultdict(float)
    work = _work(bronze, events, weeks, known_on)
    away, extra = _exceptions(events, weeks)
    active = dict(bronze["Colleague"].select(code("Id"), pl.col("ActiveState").fill_null(0) == 0).rows())
    oldest = pl.Series([known_on]).dt.offset_by(f"-{YEARS_BACK}y").item()
    horizon = known_on + timedelta(weeks=WEEKS_AHEAD)
    for colleague, days in work.items():
        inside = [on for on in days if oldest <= on <= horizon]
        if colleague not in weeks or not inside:
            continue
        last = max(inside)
        if active[colleague]:
            last = min(horizon, pl.Series([last]).dt.offset_by(f"{TECHNICIAN_MONTHS}mo").item())
        on = max(oldest, min(inside).replace(day=1))
        while on <= min(last, as_of):
            schedule = _schedule(weeks[colleague], on)
            available[on] += schedule - min(away[colleague, on], schedule) + extra[colleague, on]
            minutes, billed, travelled = days.get(on, NO_WORK)
            spent[on] += minutes
            billable[on] += billed
            travel[on] += round(travelled, 6)
            on += DAY
    rows = [
        (on, spent[on] / whole, (spent[on] + travel[on]) / whole, billable[on] / whole)
        for on, whole in available.items()
        if whole > 0
    ]
    rates = dict.fromkeys(("utilization_rate", "occupancy_rate", "billable_rate"), pl.Float64)
    return pl.DataFrame(rows, schema={"day": pl.Date, **rates}, orient="row")


def _weeks(bronze: Bronze) -> dict[str, Week]:
    """Minutes from Monday to Sunday: the colleague's own days, else the family's. The two quietest days are the week-end."""
    families = {row["Id"].strip().upper(): row for row in bronze["ColleagueFamily"].iter_rows(named=True)}
    by_index: dict[str, list[float]] = {}
    for row in bronze["Colleague"].iter_rows(named=True):
        family = families.get((row["ColleagueFamilyId"] or "").strip().upper())
        by_index[row["Id"].strip().upper()] = [
            _minutes(row if row[f"DaySchedule{n}_Customize"] or family is None else family, n) for n in range(7)
        ]
    workers = [sum(days[n] > 0 for days in by_index.values()) for n in range(7)]
    saturday = min(range(7), key=lambda n: (workers[n] + workers[(n + 1) % 7], n != 5, n))
    monday = (saturday + 2) % 7
    return {
        who: tuple(round(days[(monday + n) % 7]) for n in range(7)) for who, days in by_index.items() if sum(days) > 0
    }


def _minutes(row: Mapping[str, Any], index: int) -> float:
    duration = float(row[f"DaySchedule{index}_Duration"] or 0)
    return (duration * 60 if duration <= 24 else duration) if row[f"DaySchedule{index}_Active"] else 0.0


@cache
def _holidays(year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays("FR", years=year))


def _schedule(week: Week | None, on: date) -> float:
    if on in _holidays(on.year):
        return 0
    if week is None:
        return BUSINESS_DAY if on.weekday() < 5 else 0
    return week[on.weekday()]


def _events(bronze: Bronze) -> list[Event]:
    source = bronze["ScheduleEvent"]
    order = pl.col("LineOrder") if "LineOrder" in source.columns else pl.lit(0)
    worked = pl.col("ExceptionWorked") if "ExceptionWorked" in source.columns else pl.lit(value=False)
    known = set(source["Id"].to_list())
    frame = source.select(
        "Id", "ParentEventId", "StartDateTime", "EndDateTime", code("ColleagueId"),
        exception=pl.col("IsScheduleException").fill_null(value=False), worked=worked.fill_null(value=False),
        achieved=_first_hours("AchievedDuration_DurationInHours", "WorkedHours"),
        expected=_first_hours("ExpectedDuration_DurationInHours", "PlannedHours"),
        order=order.fill_null(0), travel=pl.col("Maintenance_TravelDuration").cast(pl.Float64),
    ).with_columns(_travel_minutes())  # fmt: skip
    return [
        Event(
            id_, parent if parent in known and parent != id_ else id_, start, end, who,
            exception and not worked, exception and worked, achieved, expected, order_, travel,
        )
        for id_, parent, start, end, who, exception, worked, achieved, expected, order_, travel in frame.rows()
    ]  # fmt: skip


def _travel_minutes() -> pl.Expr:
    """Hours, unless half of the journeys took more than five of them: then they are minutes."""
    typed = pl.col("travel")
    unit = pl.when(typed.filter(typed > 0).median() > 5).then(1).otherwise(60)
    return (typed * unit).fill_null(0).alias("travel")


def _first_hours(*names: str) -> pl.Expr:
    """The first of these hours that is typed, in minutes."""
    typed = [pl.when(pl.col(name) != 0).then(pl.col(name).cast(pl.Float64) * 60) for name in names]
    return pl.coalesce(typed)


def _elapsed(start: datetime, end: datetime) -> float:
    """Minutes between two wall clocks, across the changes of the clock."""
    return (end.replace(tzinfo=PARIS).timestamp() - start.replace(tzinfo=PARIS).timestamp()) / 60


def _days(event: Event, week: Week | None) -> dict[date, tuple[float, float]]:
    """Of each day of an event: its minutes, and those that count as work."""
    if event.end.year > LAST_YEAR:
        return {}
    elapsed = _elapsed(event.start, event.end)
    if not 0 < elapsed <= (LONGEST_ABSENCE if event.is_exception else LONGEST):
        return {}
    found, on = {}, event.start.date()
    while on <= (event.end - timedelta(seconds=1)).date():
        midnight = datetime.combine(on, time())
        overlap = _elapsed(max(event.start, midnight), min(event.end, midnight + DAY))
        is_short = elapsed < WHOLE_DAY and not event.is_exception
        found[on] = (overlap, overlap if is_short else min(overlap, _schedule(week, on)))
        on += DAY
    return found


def _exceptions(
    events: list[Event], weeks: Mapping[str, Week]
) -> tuple[dict[tuple[str, date], float], dict[tuple[str, date], float]]:
    away: dict[tuple[str, date], float] = defaultdict(float)
    extra: dict[tuple[str, date], float] = defaultdict(float)
    for event in events:
        if event.is_exception and event.colleague:
            for on, (overlap, _) in _days(event, weeks.get(event.colleague)).items():
                (extra if event.is_extra else away)[event.colleague, on] += overlap
    return away, extra


def _work(
    bronze: Bronze, events: list[Event], weeks: Mapping[str, Week], known_on: date
) -> dict[str, dict[date, Work]]:
    """Per colleague and day; the road is that of who leads, to what was done."""
    teams: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        teams[event.root].append(event)
    work: dict[str, dict[date, Work]] = defaultdict(dict)
    visits = appointments(bronze, known_on).select("id", "state", pl.col("billable") > 0)
    for id_, state, is_billable in visits.rows():
        team = teams[id_]
        root = next(event for event in team if event.id == id_)
        rows = sorted((event for event in team if event.id != id_ and event.colleague), key=lambda e: (e.order, e.id))
        leader = root.colleague or (rows[0].colleague if rows else None)
        days = _days(root, weeks.get(leader or ""))
        planned = sum(worked for _, worked in days.values()) or None
        scheduled = root.expected if root.expected is not None else planned
        if not days and root.start != root.end:
            scheduled = None
        for who in {event.colleague for event in team if event.colleague}:
            own = [event for event in rows if event.colleague == who]
            achieved = _sum(event.achieved for event in own)
            expected = _sum(event.expected for event in own)
            minutes = next(
                (m for m in (achieved, root.achieved, expected, scheduled) if m is not None), None
            ) if state == "Done" else None  # fmt: skip
            for on, share in _shares(days).items() if days else ((root.start.date(), 1.0),):
                before, billed, travelled = work[who].get(on, NO_WORK)
                part, road = (minutes or 0.0) * share, root.travel * share if who == leader and state == "Done" else 0.0
                work[who][on] = (before + part, billed + part * bool(is_billable), travelled + road)
    return work


def _shares(days: Mapping[date, tuple[float, float]]) -> dict[date, float]:
    worked = sum(part for _, part in days.values())
    whole = worked or sum(overlap for overlap, _ in days.values())
    return {on: (part if worked else overlap) / whole for on, (overlap, part) in days.items()}


def _sum(values: Any) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None
