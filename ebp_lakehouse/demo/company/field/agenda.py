"""What has to be done in the field, when it is wished and by whom: visits, failures and their repairs, other work.

Rows of the agenda are integers (see ``COLUMNS``); hours are given by ``routing``, text and money by ``events``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.field import contracts as contract_rules
from ebp_lakehouse.demo.company.field import places
from ebp_lakehouse.demo.company.field.contracts import Contracts
from ebp_lakehouse.demo.company.field.crew import Crew
from ebp_lakehouse.demo.company.field.equipment import Failures, Park
from ebp_lakehouse.demo.company.field.kinds import (
    CANCELLED,
    DRAWN,
    EVENT,
    INSTALL,
    KINDS,
    MEETING,
    MISC,
    REPAIR,
    SALES,
    VISIT,
)
from ebp_lakehouse.demo.company.field.places import Places
from ebp_lakehouse.demo.company.primitives import Float, Int
from ebp_lakehouse.demo.company.skeleton import Table

# Indices into customers, park, contracts, crew, items; days are day numbers, times minutes of the day; -1 = none.
COLUMNS: dict[str, int] = {
    "kind": VISIT, "customer": -1, "piece": -1, "contract": -1, "item": -1, "tech": -1, "wish": 0, "day": 0,
    "start": -1, "end_day": 0, "end": -1, "planned": 60, "asked": -1, "urgent": 0, "due": -1, "return_of": -1,
    "case": -1, "leg_metres": -1, "state": -1, "expected": DRAWN, "achieved": DRAWN, "hours_elsewhere": 0, "all_day": 0,
    "billing": DRAWN, "team": 0, "outside": 0, "gps": DRAWN, "orphan": 0, "code_dirt": 0, "typeless": 0, "deal": -1,
    "line_type": EVENT, "parent": -1,
}  # fmt: skip
AHEAD_DAYS = 56  # appointments are made so far ahead
MISSED_SHARE = 0.05  # visits that are due and never made
ONE_OFF_SHARE = 0.22  # pieces outside contracts serviced once a year or so
CANCELLED_SHARE = 0.045  # of visits and of other work; failures are always repaired
URGENT_SHARE = 0.35  # of failures
TOUR_SHARE = 0.6  # other work placed beside an appointment that exists already
OTHER_KINDS = ((REPAIR, 0.42), (INSTALL, 0.22), (SALES, 0.2), (MISC, 0.16))


def visits(
    rng: np.random.Generator, agenda: Table, contracts: Contracts, park: Park, calendar: BusinessCalendar
) -> None:
    """Preventive visits: those of the contracts around their due day, and once a year of some other pieces."""
    contract, due = contract_rules.due_visits(contracts, calendar.as_of + AHEAD_DAYS)
    made = rng.random(len(due)) >= np.where(contracts.lax[contract], 1.0, MISSED_SHARE)
    made[contract == contract_rules.CASES["counter used up"]] = True
    contract, due = contract[made], due[made]
    count = np.bincount(contracts.piece_contract, minlength=contracts.size)
    first = np.searchsorted(contracts.piece_contract, np.arange(contracts.size))
    turn = (due - contracts.start[contract]) // 90  # several pieces take turns as the one that the visit names
    has = count[contract] > 0
    piece = np.where(
        has,
        contracts.piece[(first[contract] + turn % np.maximum(count[contract], 1)) % max(len(contracts.piece), 1)],
        -1,
    )
    late = np.where(rng.random(len(due)) < 0.08, rng.integers(16, 45, len(due)), 0)
    wish = due + np.clip(np.rint(rng.normal(0, 6, len(due))), -14, 14).astype(np.int64) + late
    # A contract's visits are grouped: same week of the month for the same place.
    wish = np.where(rng.random(len(due)) < 0.6, wish // 7 * 7 + 4 + contracts.customer[contract] % 5, wish)
    lengths = np.array(KINDS[VISIT].minutes)
    kept = wish <= calendar.as_of + AHEAD_DAYS
    agenda.add(
        int(kept.sum()), kind=VISIT, customer=contracts.customer[contract][kept], piece=piece[kept],
        contract=contract[kept], wish=wish[kept], due=due[kept],
        planned=(lengths[rng.integers(0, len(lengths), len(due))] + 15 * np.clip(count[contract] - 1, 0, 4))[kept],
        asked=wish[kept] - KINDS[VISIT].notice,
        state=np.where(rng.random(int(kept.sum())) < CANCELLED_SHARE, CANCELLED, DRAWN),
    )  # fmt: skip
    covered = np.isin(np.arange(park.size), contracts.piece)
    years = (calendar.as_of - calendar.first_day) // 365 + 1
    grid_piece, grid_year = np.divmod(np.arange(park.size * years), years)
    day = calendar.first_day + grid_year * 365 + rng.integers(0, 365, len(grid_year))
    serviced = (
        ~covered[grid_piece] & (park.repeat[grid_piece] == 0) & (rng.random(len(day)) < ONE_OFF_SHARE)
        & (day > park.installed[grid_piece] + 200) & (day < np.minimum(park.removed[grid_piece], calendar.as_of - 3))
    )  # fmt: skip
    agenda.add(
        int(serviced.sum()), kind=VISIT, customer=park.owner[grid_piece[serviced]], piece=grid_piece[serviced],
        wish=day[serviced], planned=75, asked=day[serviced] - KINDS[VISIT].notice,
    )  # fmt: skip


def repairs(
    rng: np.random.Generator,
    agenda: Table,
    failures: Failures,
    contracts: Contracts,
    park: Park,
    crew: Crew,
    where: Places,
) -> None:
    """One repair per failure, within days; a repair that does not hold is followed by another one within a month."""
    size = len(failures.piece)
    urgent = rng.random(size) < URGENT_SHARE
    wish = failures.day + np.where(urgent, rng.integers(0, 2, size), rng.integers(1, 5, size))
    customer = park.owner[failures.piece]
    tech = choose_technician(rng, crew, where, customer, np.full(size, REPAIR), wish)
    columns: dict[str, Int] = {
        "kind": np.full(size, REPAIR), "customer": customer, "piece": failures.piece, "tech": tech, "wish": wish,
        "contract": contracts.covers(failures.piece, wish, park), "asked": failures.day,
        "urgent": urgent.astype(np.int64), "planned": np.array(KINDS[REPAIR].minutes)[rng.integers(0, 4, size)],
    }  # fmt: skip
    rows = agenda.add(size, **columns)
    back = rng.random(size) >= crew.fix_rate[tech]
    back[np.flatnonzero(failures.day < failures.day.max(initial=0) - 60)[-1:]] = True  # once at least
    again = {name: values[back] for name, values in columns.items()}
    again["wish"] = again["wish"] + rng.integers(2, 26, int(back.sum()))
    again["asked"] = again["wish"] - rng.integers(0, 3, int(back.sum()))
    agenda.add(int(back.sum()), **(again | {"return_of": rows[back]}))


def other_work(
    rng: np.random.Generator,
    agenda: Table,
    wanted: int,
    calendar: BusinessCalendar,
    reachable: Int,
    where: Places,
    goods: Int,
) -> None:
    """Work without a piece of the park: repairs of other things, installations, meetings with customers, the rest.

    Most of it is placed beside an appointment that exists, at one of the customers nearest to it: tours, not random days.
    """
    kind = rng.choice([k for k, _ in OTHER_KINDS], wanted, p=[s for _, s in OTHER_KINDS])
    latitude, longitude = where.latitude[reachable], where.longitude[reachable]
    km = places.kilometres(latitude[:, None], longitude[:, None], latitude[None, :], longitude[None, :])
    nearest = np.argsort(np.nan_to_num(km, nan=1e6), axis=1, kind="stable")[:, : min(8, len(reachable))]
    position = np.searchsorted(calendar.cumulated, rng.random(wanted) ** 0.85)
    day = calendar.days[np.minimum(position, len(calendar.days) - 1)]
    at = rng.integers(0, len(reachable), wanted)
    past = np.flatnonzero((agenda["wish"] <= calendar.as_of) & np.isin(agenda["customer"], reachable))
    if len(past):
        anchor = past[rng.integers(0, len(past), wanted)]
        beside = rng.random(wanted) < TOUR_SHARE
        home = np.searchsorted(reachable, agenda["customer"][anchor])
        near = nearest[home, rng.integers(0, nearest.shape[1], wanted)]
        day, at = np.where(beside, agenda["wish"][anchor], day), np.where(beside, near, at)
    soon = rng.random(wanted) < 0.015
    day = np.where(soon, calendar.as_of + rng.integers(1, AHEAD_DAYS, wanted), day)
    minutes = [np.array(k.minutes) for k in KINDS]
    planned = np.array(
        [int(minutes[k][int(u * len(minutes[k]))]) for k, u in zip(kind, rng.random(wanted), strict=True)]
    )
    agenda.add(
        wanted, kind=kind, customer=reachable[at], wish=day, planned=planned,
        item=np.where(np.isin(kind, (REPAIR, INSTALL)), goods[rng.integers(0, len(goods), wanted)], -1),
        asked=day - np.array([k.notice for k in KINDS])[kind],
        urgent=((kind == REPAIR) & (rng.random(wanted) < 0.2)).astype(np.int64),
    )  # fmt: skip


def meetings(rng: np.random.Generator, agenda: Table, wanted: int, calendar: BusinessCalendar, crew: Crew) -> None:
    """Internal meetings at the depot, first thing on a Monday: no customer."""
    mondays = calendar.days[(calendar.days + 3) % 7 == 0]
    slots = rng.permutation(len(mondays) * crew.leads)[:wanted]
    agenda.add(
        len(slots), kind=MEETING, tech=slots % crew.leads, wish=mondays[slots // crew.leads],
        planned=np.array(KINDS[MEETING].minutes)[slots % 2], asked=mondays[slots // crew.leads] - 14,
    )  # fmt: skip


def choose_technician(rng: np.random.Generator, crew: Crew, where: Places, customer: Int, kind: Int, day: Int) -> Int:
    """The nearest technician who can and is employed then, with some chance in it."""
    leads = crew.leads
    safe = np.maximum(customer, 0)
    km = places.kilometres(
        where.latitude[safe][:, None],
        where.longitude[safe][:, None],
        crew.latitude[None, :leads],
        crew.longitude[None, :leads],
    )
    here = (crew.first_day[None, :leads] <= day[:, None]) & (day[:, None] <= crew.last_day[None, :leads])
    cost: Float = (
        np.nan_to_num(km, nan=40.0) + rng.exponential(14.0, km.shape)
        + np.where(crew.skills[:leads].T[kind], 0.0, 300.0) + np.where(here, 0.0, 10_000.0)
    )  # fmt: skip
    return np.asarray(cost.argmin(axis=1), dtype=np.int64)


def assign_technicians(rng: np.random.Generator, agenda: Table, crew: Crew, where: Places) -> None:
    """Give a technician to every row that has none."""
    rows = np.flatnonzero(agenda["tech"] < 0)
    agenda["tech"][rows] = choose_technician(
        rng, crew, where, agenda["customer"][rows], agenda["kind"][rows], agenda["wish"][rows]
    )


def trim(agenda: Table, wanted: int) -> Table:
    """The agenda of a company that began to use EBP's schedule later: the earliest rows go until ``wanted`` are left."""
    excess = agenda.size - wanted
    if excess <= 0:
        return agenda
    order = np.lexsort((np.arange(agenda.size), agenda["wish"]))
    kept = np.sort(order[excess:])
    place = np.full(agenda.size, -1)
    place[kept] = np.arange(len(kept))
    back = agenda["return_of"]
    back[back >= 0] = place[back[back >= 0]]
    smaller = Table(agenda.defaults)
    smaller.add(len(kept), **{name: agenda[name][kept] for name in agenda.defaults})
    return smaller
