"""Appointments made on purpose, each of which changes a figure when one rule of the semantics is broken.

Lives here: which cases, and on which free days they are put. Their rendering is that of any appointment (``events``).
"""

# ruff: noqa: PLR2004 - hours and gaps stand where they are used

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np

from ebp_lakehouse.demo.company.field.contracts import Contracts
from ebp_lakehouse.demo.company.field.crew import NO_WEDNESDAY, SHORT_FRIDAY, Crew
from ebp_lakehouse.demo.company.field.equipment import Park
from ebp_lakehouse.demo.company.field.kinds import (
    ACHIEVED,
    BILLED,
    BLANK,
    CANCELLED,
    COVERED,
    DONE,
    EMPTY,
    EXPECTED,
    INSTALL,
    LATE,
    LOWER_CASE,
    MEETING,
    MISC,
    NO_ADDRESS,
    NO_POINT,
    ON_ROWS,
    ORPHAN_CUSTOMER,
    ORPHAN_PIECE,
    PLANNED,
    POINT,
    REPAIR,
    TEAM_ROW,
    TRAILING_SPACE,
    UNMAPPED,
    VISIT,
    WARRANTY,
    ZERO_POINT,
)
from ebp_lakehouse.demo.company.field.routing import WorkDays
from ebp_lakehouse.demo.company.primitives import Int, day_number
from ebp_lakehouse.demo.company.skeleton import Table

FACTS = "silver.fact_interventions"
SCHEDULED, ACTUAL = f"{FACTS}.scheduled_duration_minutes", f"{FACTS}.actual_duration_minutes"
DISTANCE, TYPE, STATE = f"{FACTS}.distance_km", f"{FACTS}.intervention_type", f"{FACTS}.state"
NINE, FIVE = 9 * 60, 17 * 60
TEAMS, FIXED = 3, 8  # appointments of teams, appointments at fixed days

# (case, figure it moves, what differs from an hour of repair at nine o'clock, done). ``nights`` moves the end's day.
SIMPLE: tuple[tuple[str, str, dict[str, int]], ...] = (
    ("across midnight", f"{SCHEDULED} = 240",
     {"start": 22 * 60, "end": 120, "nights": 1, "expected": EMPTY, "planned": 240, "achieved": 240}),
    ("over three days", f"{SCHEDULED}: only the schedule's working time; one row, minutes spread over three days",
     {"kind": INSTALL, "end": FIVE, "nights": 2, "expected": EMPTY, "planned": 1260, "achieved": 1260}),
    ("all day", f"{FACTS}.start_time_key is unknown",
     {"start": 0, "end": 0, "nights": 1, "planned": 420, "achieved": EMPTY}),
    ("achieved 0", f"{ACTUAL} is NULL: 0 = not typed in", {"achieved": 0}),
    ("achieved missing", f"{ACTUAL} is NULL", {"achieved": EMPTY}),
    ("achieved greater than elapsed", f"{ACTUAL} = 240 although the appointment lasted 60", {"achieved": 240}),
    ("worked hours instead of achieved", f"{ACTUAL} = 90", {"achieved": 90, "hours_elsewhere": ACHIEVED}),
    ("planned hours instead of expected", f"{SCHEDULED} = 120", {"planned": 120, "hours_elsewhere": EXPECTED}),
    ("end before start", f"{SCHEDULED} is NULL and a reject", {"start": 660, "end": 600, "expected": EMPTY}),
    ("longer than 14 days", f"{SCHEDULED} is NULL and a reject", {"nights": 20, "expected": EMPTY}),
    ("night emergency", "silver.dim_time.time_of_day = Night",
     {"start": 23 * 60, "end": 23 * 60 + 45, "planned": 45, "urgent": 1, "achieved": 45}),
    ("cancelled by state", f"{STATE} = Cancelled; cancellation rate (KPI 72)",
     {"state": CANCELLED, "achieved": EMPTY}),
    ("past and never closed", f"{FACTS}.is_overdue", {"state": PLANNED, "achieved": EMPTY}),
    ("state not in the seed, achieved", f"{STATE} = Done by its achieved time", {"state": UNMAPPED}),
    ("state not in the seed, nothing done", f"{STATE} = Scheduled, is_overdue",
     {"state": UNMAPPED, "achieved": EMPTY}),
    ("urgent", f"{FACTS}.priority = 1", {"urgent": 1}),
    ("internal, all day", "not an intervention: no customer",
     {"kind": MEETING, "customer": -1, "planned": 420, "end": 990, "achieved": 420}),
    ("without technician", f"{FACTS}.colleague_key = unknown", {"tech": -1}),
    ("without customer", "not in silver.fact_interventions: internal", {"customer": -1, "kind": MISC}),
    ("customer code blank", "not in silver.fact_interventions: blank is empty", {"code_dirt": BLANK}),
    ("customer code with a trailing space", f"{FACTS}.customer_key is the customer's", {"code_dirt": TRAILING_SPACE}),
    ("customer code in lower case", f"{FACTS}.customer_key is the customer's", {"code_dirt": LOWER_CASE}),
    ("customer unknown to the master", f"{FACTS}.customer_key = orphan", {"orphan": ORPHAN_CUSTOMER}),
    ("equipment unknown to the master", f"{FACTS}.product_key falls back on the item", {"orphan": ORPHAN_PIECE}),
    ("without coordinates", f"{DISTANCE} from the commune", {"gps": NO_POINT}),
    ("without any address", f"{FACTS}.location_key from the customer", {"gps": NO_ADDRESS}),
    ("GPS 0/0", f"{DISTANCE} from the commune, not from the Gulf of Guinea", {"gps": ZERO_POINT}),
    ("sub-contracted", f"{FACTS}.colleague_key = unknown", {"tech": -1, "outside": 1}),
    ("no type, nothing linked", f"{TYPE} = Other", {"typeless": 1}),
    ("type without keyword", f"{TYPE} = Other", {"kind": MISC}),
    ("billed", f"{FACTS}.is_invoiced", {"billing": BILLED}),
    ("to be billed late", "done, billable and not invoiced (KPI 82)", {"billing": LATE}),
)  # fmt: skip


def rows(park: Park) -> int:
    """How many appointments ``plant`` adds (rows of teams not counted)."""
    return len(SIMPLE) + 2 * int((park.repeat > 0).sum()) + FIXED + 3 + TEAMS + 1


class Planter:
    """Adds planted appointments to an agenda; ``names`` and ``moves`` are indexed by the column ``case``."""

    def __init__(self, agenda: Table, crew: Crew, work: WorkDays, reachable: Int, as_of: int) -> None:
        self.agenda, self.crew, self.as_of = agenda, crew, as_of
        self.names: list[str] = []
        self.moves: list[str] = []
        self._customers, self._turn = reachable.tolist(), 0
        self._first_day, self._last = work.first_day, as_of - 40 - work.first_day
        self._free = work.works[: crew.leads].copy()
        busy = (agenda["tech"] >= 0) & (agenda["tech"] < crew.leads)
        self._free[agenda["tech"][busy], np.clip(agenda["day"][busy] - work.first_day, 0, self._free.shape[1] - 1)] = (
            False
        )
        self._full_time = np.flatnonzero(~np.isin(crew.schedule[: crew.leads], (NO_WEDNESDAY, SHORT_FRIDAY))).tolist()

    def add(self, name: str, moves: str, **columns: int) -> int:
        """One appointment on the latest free day of a technician, unless ``tech`` and ``day`` are given; its row."""
        if name not in self.names:
            self.names.append(name)
            self.moves.append(moves)
        tech, day = self._slot()
        day, nights = columns.pop("day", day), columns.pop("nights", 0)
        usual: dict[str, int] = {
            "kind": REPAIR, "customer": self._customers[self._turn % len(self._customers)], "tech": tech, "day": day,
            "wish": day, "end_day": day + nights, "asked": day - 2, "start": NINE, "end": NINE + 60, "planned": 60,
            "state": DONE, "achieved": 60, "billing": BILLED, "gps": POINT, "case": self.names.index(name),
        }  # fmt: skip
        return int(self.agenda.add(1, **(usual | columns))[0])

    def _slot(self) -> tuple[int, int]:
        """The latest free technician-day a month before the as-of day; technicians take turns."""
        tech = self._full_time[self._turn % len(self._full_time)]
        self._turn += 1
        day = int(np.flatnonzero(self._free[tech, : self._last])[-1])
        self._free[tech, day] = False
        return tech, day + self._first_day

    def pair(self, gap: int) -> tuple[int, int]:
        """A technician who is free on two days ``gap`` apart, and the first of them."""
        for tech in self._full_time:
            row = self._free[tech]
            first = np.flatnonzero(row[: self._last - gap] & row[gap : self._last])
            if len(first):
                row[[first[-1], first[-1] + gap]] = False
                return tech, int(first[-1]) + self._first_day
        raise AssertionError(f"no technician is free on two days {gap} days apart")


def plant(
    agenda: Table, crew: Crew, work: WorkDays, park: Park, contracts: Contracts, reachable: Int, as_of: int
) -> Planter:
    """Add every planted appointment to the agenda."""
    planter = Planter(agenda, crew, work, reachable, as_of)
    for piece in np.flatnonzero(park.repeat > 0).tolist():
        gap = int(park.repeat[piece])
        tech, first = planter.pair(gap)
        true = "is true: the return came too late" if gap > 30 else "is false: it came back"
        for day in (first, first + gap):
            planter.add(
                f"repair repeated after {gap} days", f"{FACTS}.is_first_call_resolution of the first visit {true} (KPI 76)",
                tech=tech, day=day, piece=piece, customer=int(park.owner[piece]),
            )  # fmt: skip
    for name, moves, columns in SIMPLE:
        planter.add(name, moves, **columns)
    _at_fixed_days(planter)
    _with_context(planter, park, contracts)
    return planter


def _at_fixed_days(planter: Planter) -> None:
    year = (date(1970, 1, 1) + timedelta(days=planter.as_of)).year - 1
    for month, hours in ((3, 3), (10, 5)):
        planter.add(
            f"across the clock change of month {month}", f"{SCHEDULED} = {hours * 60}: computed through the zone",
            day=_last_sunday(year, month), start=60, end=300, planned=240, expected=EMPTY, achieved=EMPTY,
        )  # fmt: skip
    later: dict[str, Any] = {"state": PLANNED, "achieved": EMPTY}
    planter.add("in 1900", f"{FACTS}.schedule_date_key = -3", day=day_number(date(1900, 1, 1)))
    planter.add("in 9999", f"{FACTS}.schedule_date_key = -3", day=day_number(date(9999, 12, 31)), **later)
    planter.add("in the far future", "not in gold before its day", day=planter.as_of + 900, **later)
    row = planter.add("overlapping appointments", "gold.technician_calendar_load.is_overbooked", end=NINE + 120)
    day, tech = int(planter.agenda["day"][row]), int(planter.agenda["tech"][row])
    planter.add("overlapping appointments", "", day=day, tech=tech, start=NINE + 60, end=NINE + 180)
    late = planter.add("answered late", "gold.interventions_daily_kpi.sla_compliance_rate: missed")
    planter.agenda["asked"][late] -= 60


def _with_context(planter: Planter, park: Park, contracts: Contracts) -> None:
    own: dict[str, Any] = {"contract": 0, "customer": int(contracts.customer[0])}
    young = park.youngest
    planter.add("under contract, with an amount", f"{FACTS}.billable_amount = 0: it is not to be invoiced",
                kind=VISIT, billing=COVERED, **own)  # fmt: skip
    planter.add("no type, but a contract", f"{TYPE} = Maintenance", typeless=1, billing=COVERED, **own)
    planter.add("under warranty", f"{FACTS}.is_under_warranty; billable_amount = 0", billing=WARRANTY, piece=young,
                customer=int(park.owner[young]), day=int(max(park.installed[young] + 3, planter.as_of - 60)))  # fmt: skip
    for n in range(TEAMS):
        planter.add(
            "team of two", f"{FACTS}.technician_count = 2, counted once; each has his minutes in the bridge",
            kind=INSTALL, team=2, planned=180, end=720, achieved=180, billing=ON_ROWS if n == 1 else BILLED,
            **({"tech": -1} if n == 2 else {}),
        )  # fmt: skip
    planter.add("sub-row whose parent is gone", f"{FACTS} counts it", line_type=TEAM_ROW, parent=EMPTY)


def _last_sunday(year: int, month: int) -> int:
    last = day_number(date(year, month, 31))
    return last - (last + 4) % 7
