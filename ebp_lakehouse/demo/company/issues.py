"""Which sale lines take goods out of stock (or bring them back), from which storehouse, on which day.

EBP moves stock on delivery and return notes, and on invoices that do not come from a delivery. Credit notes of the demo
company are commercial: goods come back on return notes only. What this does to the stock is in ``stock``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.chains import DELIVERY, INVOICE, RETURN
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.primitives import Bool, Int, at_least_one, exactly
from ebp_lakehouse.demo.company.skeleton import Skeleton

ELSEWHERE = (0.0, 0.08, 0.02)  # share of the stocked items that the second storehouse and the van hold
DROP_SHIPMENTS = 12  # sold lines that the supplier delivers to the customer: they never enter our stock


@dataclass(frozen=True)
class Issues:
    """One row per moving line: sale line, item, day, thousandths taken out (negative: brought back), storehouse."""

    line: Int
    item: Int
    day: Int
    quantity: Int
    storehouse: Int


def stocked_in(items: Items, options: CompanyOptions) -> Bool:
    """Storehouses by items: where each stock-managed item is kept; the first storehouse keeps them all."""
    managed = items.manage_stock
    by_sales = np.argsort(-np.where(managed, items.weight, -1.0), kind="stable")
    held = np.zeros((options.storehouses, items.count), dtype=bool)
    held[0] = managed
    for storehouse in range(1, options.storehouses):
        held[storehouse, by_sales[: at_least_one(ELSEWHERE[storehouse], float(managed.sum()))]] = True
        held[storehouse] &= managed
    return held


def storehouse_of_lines(sk: Skeleton, documents: Int, held: Bool) -> Int:
    """The storehouse of each line of goods in stock: its document's where the item is kept there, else the main one."""
    item = sk.lines["item"]
    wanted = documents[sk.lines["document"]]
    kept = held[wanted, np.maximum(item, 0)]
    stocked = (item >= 0) & held[0][np.maximum(item, 0)]
    return np.where(stocked, np.where(kept, wanted, 0), -1)


def drop_shipped(
    rng: np.random.Generator, scale: float, sk: Skeleton, storehouse: Int, calendar: BusinessCalendar
) -> Int:
    """Sale lines that suppliers deliver to the customer: invoiced straight, one line each, in the last years."""
    day = sk.documents["day"][sk.lines["document"]]
    fits = (
        _moving(sk, storehouse)
        & (sk.documents["kind"][sk.lines["document"]] == INVOICE)
        & (sk.lines["level"] == 0)
        & (sk.lines["quantity"] > 0)
        & (day < calendar.as_of - 60)
        & (day > calendar.as_of - 1100)
    )
    return np.flatnonzero(exactly(rng, fits, at_least_one(DROP_SHIPMENTS, scale)))


def build(sk: Skeleton, storehouse: Int, dropped: Int, calendar: BusinessCalendar) -> Issues:
    """All lines that moved stock by the as-of day, in the order of the days."""
    moving = _moving(sk, storehouse)
    moving[dropped] = False
    day = sk.documents["day"][sk.lines["document"]]
    rows = np.flatnonzero(moving & (day <= calendar.as_of))
    rows = rows[np.argsort(day[rows], kind="stable")]
    back = sk.documents["kind"][sk.lines["document"][rows]] == RETURN
    quantity = sk.lines["quantity"][rows]
    return Issues(
        line=rows,
        item=sk.lines["item"][rows],
        day=day[rows],
        quantity=np.where(back, -np.abs(quantity), quantity),
        storehouse=storehouse[rows],
    )


def _moving(sk: Skeleton, storehouse: Int) -> Bool:
    """Lines of stocked goods on deliveries, returns, and invoices that no delivery feeds; components included."""
    lines, kind = sk.lines, sk.documents["kind"][sk.lines["document"]]
    delivered = np.zeros(lines.size, dtype=bool)
    delivered[sk.links["target"][kind[sk.links["origin"]] == DELIVERY]] = True
    base = np.where(lines["top"] >= 0, lines["top"], np.arange(lines.size))
    straight = (kind == INVOICE) & ~delivered[base] & (sk.documents["template"][lines["document"]] != 1)
    return np.asarray(
        (storehouse >= 0)
        & (lines["not_included"][base] == 0)
        & (lines["quantity"] != 0)
        & (np.isin(kind, (DELIVERY, RETURN)) | straight)
    )
