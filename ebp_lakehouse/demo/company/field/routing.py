"""Who goes where in which order: workable days, absences, routes by nearest neighbour, hours with travel and lunch.

Everything runs over all technician-days at once; one step of the loop places the next stop of every day.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar, business_days
from ebp_lakehouse.demo.company.field import places
from ebp_lakehouse.demo.company.field.agenda import AHEAD_DAYS
from ebp_lakehouse.demo.company.field.crew import LUNCH, Crew
from ebp_lakehouse.demo.company.field.kinds import AFTERNOON_ONLY, MORNING_ONLY, WHOLE_DAY
from ebp_lakehouse.demo.company.field.places import Places
from ebp_lakehouse.demo.company.primitives import Bool, Float, Int, day_number
from ebp_lakehouse.demo.company.skeleton import Table

QUARTER = 15  # appointments start on the quarter of an hour
LATEST = 18 * 60 + 30  # a second or later stop that would end after this is moved to another day
PASSES = 12


@dataclass(frozen=True)
class Absences:
    """Absences of technicians: whole days from ``first`` to ``last``, or one half of a day."""

    tech: Int
    first: Int
    last: Int
    half: Int


@dataclass(frozen=True)
class WorkDays:
    """``works[technician, day - first_day]``: whether somebody works then; days reach beyond the as-of day."""

    first_day: int
    works: Bool

    def roll(self, tech: Int, day: Int) -> Int:
        """The same day when the technician works, else his next working day."""
        size = self.works.shape[1]
        index = np.where(self.works, np.arange(size)[None, :], size + 10**6)
        following = np.minimum.accumulate(index[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(following[tech, np.clip(day - self.first_day, 0, size - 1)] + self.first_day)


def absences(rng: np.random.Generator, wanted: int, calendar: BusinessCalendar, crew: Crew) -> Absences:
    """Weeks of leave (most in summer and at Christmas), days of illness, half days; the latest ``wanted``."""
    leads, years = crew.leads, (calendar.as_of - calendar.first_day) // 365 + 1
    per_year = 10
    size = leads * years * per_year
    tech, rest = np.divmod(np.arange(size), years * per_year)
    year, slot = np.divmod(rest, per_year)
    week = slot < 5
    day_of_year = np.where(
        week,
        np.array([48, 118, 200, 207, 356, 0, 0, 0, 0, 0])[slot] + rng.integers(0, 20, size),
        rng.integers(0, 365, size),
    )
    first = calendar.first_day + year * 365 + day_of_year
    first = np.where(week, (first + 3) // 7 * 7 - 3, first)  # leave starts on a Monday
    half = np.where(slot >= 8, np.where(rng.random(size) < 0.5, MORNING_ONLY, AFTERNOON_ONLY), WHOLE_DAY)
    last = np.where(week, first + 4, np.where(slot < 7, first + rng.integers(0, 3, size), first))
    inside = (last <= calendar.as_of + AHEAD_DAYS) & (first >= crew.first_day[tech])
    order = np.flatnonzero(inside)[np.argsort(first[inside], kind="stable")][max(0, int(inside.sum()) - wanted) :]
    return Absences(tech[order], first[order], last[order], half[order])


def work_days(calendar: BusinessCalendar, crew: Crew, away: Absences) -> WorkDays:
    """Business days on which each technician's week has hours and he is not away all day."""
    last = calendar.as_of + 2 * AHEAD_DAYS
    size = last - calendar.first_day + 1
    open_day = np.zeros(size, dtype=bool)
    open_day[calendar.days - calendar.first_day] = True
    today = date(1970, 1, 1) + timedelta(days=calendar.as_of)
    ahead = business_days(today + timedelta(days=1), today + timedelta(days=last - calendar.as_of))
    open_day[np.array([day_number(day) for day in ahead]) - calendar.first_day] = True
    weekday = (np.arange(size) + calendar.first_day + 3) % 7
    works = open_day[None, :] & (crew.minutes[:, weekday] > 0)
    whole = away.half == WHOLE_DAY
    for offset in range(int((away.last - away.first).max(initial=0)) + 1):
        hit = whole & (away.first + offset <= away.last)
        works[away.tech[hit], np.clip(away.first[hit] + offset - calendar.first_day, 0, size - 1)] = False
    half = ~whole
    # Half days keep no appointment: simpler for the planner, and nobody drives twice.
    works[away.tech[half], np.clip(away.first[half] - calendar.first_day, 0, size - 1)] = False
    return WorkDays(calendar.first_day, works)


def plan(agenda: Table, rows: Int, work: WorkDays, crew: Crew, where: Places) -> None:
    """Fill day, start, end and leg of ``rows``: rolled to working days, routed, moved when a day is full."""
    day = work.roll(agenda["tech"][rows], agenda["wish"][rows])
    moves = np.zeros(len(rows), dtype=np.int64)
    start = end = leg = np.zeros(len(rows), dtype=np.int64)
    for _ in range(PASSES):
        start, end, leg, rank = _route(agenda, rows, day, crew, where)
        full = (end > LATEST) & (rank > 0)
        if not full.any():
            break
        moves[full] += 1
        day[full] = work.roll(agenda["tech"][rows[full]], day[full] + 1)
    agenda["day"][rows], agenda["end_day"][rows] = day, day
    agenda["start"][rows], agenda["end"][rows], agenda["leg_metres"][rows] = start, end, leg


def _route(agenda: Table, rows: Int, day: Int, crew: Crew, where: Places) -> tuple[Int, Int, Int, Int]:
    """Start, end (minutes), leg (metres, -1 unknown) and rank of every stop of the technicians' days."""
    tech, customer = agenda["tech"][rows], agenda["customer"][rows]
    _, group = np.unique(tech * 1_000_000 + day, return_inverse=True)
    groups = int(group.max(initial=-1)) + 1
    leader = np.zeros(groups, dtype=np.int64)
    leader[group] = tech
    at_lat, at_lon = crew.latitude[leader], crew.longitude[leader]
    clock, lunch = crew.morning[leader].copy(), crew.lunch[leader]
    safe = np.maximum(customer, 0)
    unknown = (customer >= 0) & ~where.known[safe]
    lat = np.where((customer < 0) | unknown, crew.latitude[tech], where.latitude[safe])
    lon = np.where((customer < 0) | unknown, crew.longitude[tech], where.longitude[safe])
    start, end, leg, rank = (np.full(len(rows), -1) for _ in range(4))
    left, step = np.arange(len(rows)), 0
    while len(left):
        km: Float = places.kilometres(at_lat[group[left]], at_lon[group[left]], lat[left], lon[left])
        km = np.where(unknown[left], 30.0, km)  # somewhere: half an hour on the road
        order = np.lexsort((left, km, group[left]))
        first = np.r_[True, group[left][order][1:] != group[left][order][:-1]]
        chosen, distance = left[order][first], km[order][first]
        of = group[chosen]
        begin = -(-(clock[of] + places.drive_minutes(distance)) // QUARTER) * QUARTER
        begin = np.where(
            (lunch[of] > 0) & (begin >= LUNCH - QUARTER) & (begin < LUNCH + lunch[of]), LUNCH + lunch[of], begin
        )
        finish = begin + agenda["planned"][rows[chosen]]
        finish = np.where((begin < LUNCH) & (finish > LUNCH + 30), finish + lunch[of], finish)
        start[chosen], end[chosen], rank[chosen] = begin, finish, step
        leg[chosen] = np.where(unknown[chosen], -1, np.rint(distance * 1000)).astype(np.int64)
        clock[of], at_lat[of], at_lon[of] = finish, lat[chosen], lon[chosen]
        left, step = np.setdiff1d(left, chosen, assume_unique=True), step + 1
    return start, end, leg, rank
