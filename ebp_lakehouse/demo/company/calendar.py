"""When the demo company works: business days of ten years, growth, seasons, closed weeks.

Only days and their weights live here; who buys on them is in ``customers``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import holidays
import numpy as np

from ebp_lakehouse.demo.company.primitives import Float, Int, day_number

YEARS = 10
YEARLY_GROWTH = 1.06  # plausible for a small service company; makes year-on-year KPIs move
# Activity by month: strong spring and December, weak August, a usual profile of French B2B trade.
SEASON = (0.95, 0.97, 1.06, 1.05, 1.00, 1.08, 0.92, 0.55, 1.08, 1.10, 1.05, 1.12)
WEEKDAY = (1.05, 1.10, 1.00, 1.05, 0.85)  # Friday is short
CLOSED_ISO_WEEK = 33  # the week of 15 August


@dataclass(frozen=True)
class BusinessCalendar:
    """Business days (as day numbers since 1970) with their activity weights, and the planted day without invoices."""

    days: Int
    weights: Float
    first_day: int
    as_of: int
    missing_invoicing_day: int

    @property
    def cumulated(self) -> Float:
        """Cumulated share of activity at the end of each business day."""
        return np.asarray(np.cumsum(self.weights) / self.weights.sum())

    def roll(self, days: Int) -> Int:
        """The same day when it is worked, else the next business day; past the last one, a day after ``as_of``."""
        index = np.searchsorted(self.days, days)
        inside = index < len(self.days)
        return np.where(inside, self.days[np.minimum(index, len(self.days) - 1)], np.maximum(days, self.as_of + 1))

    def roll_invoicing(self, days: Int) -> Int:
        """Like ``roll``, jumping over the planted day on which nobody invoiced."""
        rolled = self.roll(days)
        return np.where(rolled == self.missing_invoicing_day, self.roll(rolled + 1), rolled)


def business_days(first: date, last: date) -> list[date]:
    """Monday to Friday, without French public holidays and without the closed August week."""
    closed = holidays.country_holidays("FR", years=range(first.year, last.year + 1))
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    return [d for d in every if d.weekday() < 5 and d not in closed and d.isocalendar().week != CLOSED_ISO_WEEK]


def build(as_of: date) -> BusinessCalendar:
    """Ten years of business days ending on ``as_of``."""
    first = date(as_of.year - YEARS, 1, 1)
    days = business_days(first, as_of)
    weights = [YEARLY_GROWTH ** ((d - first).days / 365.25) * SEASON[d.month - 1] * WEEKDAY[d.weekday()] for d in days]
    return BusinessCalendar(
        days=np.array([day_number(d) for d in days], dtype=np.int64),
        weights=np.array(weights),
        first_day=day_number(first),
        as_of=day_number(as_of),
        missing_invoicing_day=day_number(days[int(len(days) * 0.9)]),
    )
