"""How appointments turned out: state, time achieved, who pays, amount, invoice. Fills the agenda's open columns.

Nothing is rendered here (``events``); money is in cents, time in minutes.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.field.agenda import CANCELLED_SHARE
from ebp_lakehouse.demo.company.field.crew import Crew
from ebp_lakehouse.demo.company.field.equipment import GUARANTEE_DAYS, Park
from ebp_lakehouse.demo.company.field.kinds import (
    BILLED,
    CANCELLED,
    COVERED,
    DONE,
    DRAWN,
    EMPTY,
    INSTALL,
    LATE,
    MEETING,
    MISC,
    NO_CHARGE,
    ON_ROWS,
    PLANNED,
    REPAIR,
    UNMAPPED,
    VISIT,
    WARRANTY,
)
from ebp_lakehouse.demo.company.primitives import Bool, Int
from ebp_lakehouse.demo.company.skeleton import Table

HOUR_CENTS, TRAVEL_CENTS, VISIT_CENTS = 5800, 3500, 12_000
OVERDUE_SHARE, UNMAPPED_SHARE = 0.02, 0.01
NOT_TYPED_SHARE, NO_TIME_SHARE = 0.05, 0.02  # achieved 0, achieved NULL
LATE_SHARE = 0.06  # of billable work: nobody made the invoice
INVOICED_WITHIN_DAYS = 120


@dataclass(frozen=True)
class Outcome:
    """Per agenda row: amount and cost in cents, whether to be invoiced, index of its invoice (-1 = none), done or not."""

    amount: Int
    cost: Int
    to_invoice: Bool
    invoice: Int
    done: Bool


def settle_states(rng: np.random.Generator, agenda: Table, as_of: int) -> None:
    """States not drawn yet, from the day; failures of the park are always repaired once their day has come."""
    size, open_state = agenda.size, agenda["state"] == DRAWN
    ahead = agenda["day"] > as_of
    draw = rng.random(size)
    certain = (agenda["kind"] == MEETING) | ((agenda["kind"] == REPAIR) & (agenda["piece"] >= 0))
    visit = agenda["kind"] == VISIT  # their cancellations were drawn before the failures, which depend on them
    state = np.where(~certain & ~visit & (draw < CANCELLED_SHARE), CANCELLED, DONE)
    state = np.where(~certain & ~visit & (draw > 1 - OVERDUE_SHARE), PLANNED, state)
    state = np.where(~certain & (draw > 0.5) & (draw < 0.5 + UNMAPPED_SHARE), UNMAPPED, state)
    agenda["state"][open_state] = np.where(ahead, PLANNED, state)[open_state]
    undone = np.isin(agenda["state"], (PLANNED, CANCELLED)) & (agenda["achieved"] == DRAWN)
    agenda["achieved"][undone] = EMPTY


def settle_hours(rng: np.random.Generator, agenda: Table, crew: Crew) -> None:
    """Time achieved: planned times the technician's own factor times chance, to the quarter of an hour; often not typed in."""
    size, tech = agenda.size, np.maximum(agenda["tech"], 0)
    real = agenda["planned"] * crew.speed[tech] * np.exp(rng.normal(0, 0.18, size))
    achieved = np.maximum(15, np.rint(real / 15).astype(np.int64) * 15)
    typed = rng.random(size)
    achieved = np.where(typed < NOT_TYPED_SHARE, 0, np.where(typed > 1 - NO_TIME_SHARE, EMPTY, achieved))
    # Without its time, a state outside the seed could not be told from an appointment that never took place.
    achieved = np.where((agenda["state"] == UNMAPPED) & (achieved <= 0), agenda["planned"], achieved)
    rows = agenda["achieved"] == DRAWN
    agenda["achieved"][rows] = achieved[rows]


def settle_money(rng: np.random.Generator, agenda: Table, crew: Crew, park: Park, invoices: pl.DataFrame) -> Outcome:
    """Who pays, how much, on which invoice. ``invoices``: row, customer, day of every invoice, one row each."""
    size, kind, piece = agenda.size, agenda["kind"], np.maximum(agenda["piece"], 0)
    achieved = agenda["achieved"]
    done = (agenda["state"] == DONE) | ((agenda["state"] == UNMAPPED) & (achieved > 0))
    guaranteed = (
        (agenda["piece"] >= 0) & park.guaranteed[piece] & (agenda["day"] < park.installed[piece] + GUARANTEE_DAYS)
    )
    chargeable = done & np.isin(kind, (VISIT, REPAIR, INSTALL, MISC)) & (agenda["customer"] >= 0)
    billing = np.where(rng.random(size) < LATE_SHARE, LATE, BILLED)
    billing = np.where(guaranteed & (kind == REPAIR), WARRANTY, billing)
    billing = np.where(agenda["contract"] >= 0, COVERED, billing)
    open_billing = agenda["billing"] == DRAWN
    invoice = _next_invoice(agenda, invoices)
    billing = np.where((billing == BILLED) & (invoice < 0), NO_CHARGE, billing)  # flat rates, favours, quotes to come
    agenda["billing"][open_billing] = np.where(chargeable, billing, NO_CHARGE)[open_billing]
    agenda["billing"][~done] = NO_CHARGE
    billing = agenda["billing"]
    minutes = np.where(achieved > 0, achieved, agenda["planned"])
    price = np.where(kind == VISIT, VISIT_CENTS, minutes * HOUR_CENTS // 60 + TRAVEL_CENTS)
    shown = (billing == COVERED) & ((rng.random(size) < 0.08) | (agenda["case"] >= 0))  # priced for information only
    amount = np.where(np.isin(billing, (BILLED, LATE)) | shown, price, 0)
    return Outcome(
        amount=amount,
        cost=np.where(
            done & (agenda["tech"] >= 0), minutes * crew.hourly_cents[np.maximum(agenda["tech"], 0)] // 60, 0
        ),
        to_invoice=np.isin(billing, (BILLED, LATE, ON_ROWS)),
        invoice=np.where(np.isin(billing, (BILLED, ON_ROWS)), invoice, -1),
        done=done,
    )


def _next_invoice(agenda: Table, invoices: pl.DataFrame) -> Int:
    """The customer's first invoice of the four months that follow each appointment, -1 when there is none."""
    wanted = pl.DataFrame({"customer": agenda["customer"], "day": agenda["day"], "place": np.arange(agenda.size)})
    found = wanted.sort("day").join_asof(
        invoices.with_columns(invoiced=pl.col("day")).sort("day"), on="day", by="customer", strategy="forward",
        tolerance=INVOICED_WITHIN_DAYS, check_sortedness=False,
    )  # fmt: skip
    return found.sort("place")["row"].fill_null(-1).to_numpy()
