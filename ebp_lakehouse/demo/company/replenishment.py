"""What must be bought so that the goods sold were there: one buy covers some of an item's issues, ahead of the first.

Who sells it, on which written order or counter invoice, is decided here too; documents are in ``purchasing``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.issues import Issues
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.primitives import Bool, Int, rank_in_group
from ebp_lakehouse.demo.company.suppliers import GOODS, ORDERED_FROM, SECOND_PRICE, Suppliers

SECOND_SUPPLIER_SHARE = 0.08
OVERSTOCKED, FEW_ISSUES = 0.15, 40  # of the items that sell little, one in eight is always bought a bit too much
STARTING_SHARE = 0.95  # items with some stock when the ten years begin


@dataclass(frozen=True)
class Buys:
    """One row per buy: item, supplier, thousandths, day it is decided, unit price in cents, by order or at the counter."""

    item: Int
    supplier: Int
    quantity: Int
    day: Int
    price: Int
    ordered: Bool

    def only(self, mask: Bool | Int) -> Buys:
        """Some of the rows."""
        return Buys(**{name: values[mask] for name, values in vars(self).items()})


def build(
    rng: np.random.Generator,
    issues: Issues,
    items: Items,
    suppliers: Suppliers,
    calendar: BusinessCalendar,
    wanted: int,
    by_order: int,
) -> tuple[Buys, Int]:
    """About ``wanted`` buys (never more than there are issues), ``by_order`` of them written orders; starting stock.

    The starting stock is that of each item, in thousandths, before the first issue of the ten years.
    """
    out = issues.quantity > 0
    item, day, quantity = issues.item[out], issues.day[out], issues.quantity[out]
    by = np.lexsort((np.arange(len(item)), day, item))
    item, day, quantity = item[by], day[by], quantity[by]
    many = np.bincount(item, minlength=items.count)
    count = _shared(many, min(wanted, len(item)))
    rank = rank_in_group(item)
    block = rank * count[item] // np.maximum(many[item], 1)
    first = (count[item] > 0) & ((rank == 0) | (block != np.roll(block, 1)))
    start = np.flatnonzero(first)
    covered = np.add.reduceat(np.where(count[item] > 0, quantity, 0), start) if len(start) else start
    bought, needed = item[start], day[start]
    size = len(start)
    slow = many[bought] < FEW_ISSUES
    more = np.where((bought % 8 == 5) & slow, 1 + OVERSTOCKED, 1.0)
    lot = (np.ceil(covered * more / 1000) * 1000).astype(np.int64)
    main = items.supplier[bought] % GOODS
    second = rng.random(size) < SECOND_SUPPLIER_SHARE
    supplier = np.where(second, (main + 7) % GOODS, main)
    ordered = _ordered(rng, supplier, needed, calendar, by_order)
    ahead = np.where(ordered, suppliers.promised[supplier] + rng.integers(1, 8, size), rng.integers(0, 3, size))
    decided = np.maximum(needed - ahead, calendar.first_day)
    decided = np.minimum(calendar.roll(decided), np.maximum(needed, calendar.first_day))
    usual = np.maximum(items.purchase[bought], items.price[bought] * 3 // 10)
    years = np.maximum(0, (calendar.as_of - decided) // 365)
    price = np.rint(usual / 1.027**years * np.where(second, SECOND_PRICE, 1.0)).astype(np.int64)
    starting = np.zeros(items.count, dtype=np.int64)
    mean = np.bincount(bought, weights=lot, minlength=items.count) / np.maximum(
        np.bincount(bought, minlength=items.count), 1
    )
    has = rng.random(items.count) < STARTING_SHARE
    starting[has] = (np.ceil(mean[has] * 1.2 / 1000) * 1000).astype(np.int64)
    total = np.bincount(item, weights=quantity, minlength=items.count).astype(np.int64)
    starting = np.where((many > 0) & (count == 0), total, starting)
    # Goods that never sold were bought before these ten years: dead stock.
    dead = items.manage_stock & (many == 0) & (rng.random(items.count) < 0.15)
    starting[dead] = rng.integers(1, 30, int(dead.sum())) * 1000
    return (
        Buys(bought, supplier, np.maximum(lot, 1000), decided, suppliers.price(price, supplier, decided), ordered),
        starting,
    )


def _shared(many: Int, wanted: int) -> Int:
    """``wanted`` buys shared over the items in proportion to their issues, by largest remainder."""
    total = int(many.sum())
    if not total:
        return np.zeros(len(many), dtype=np.int64)
    whole = many * wanted // total
    rest = many * wanted - whole * total
    lucky = np.argsort(-rest, kind="stable")[: wanted - int(whole.sum())]
    whole[lucky] += 1
    return np.minimum(whole, many)


def _ordered(rng: np.random.Generator, supplier: Int, day: Int, calendar: BusinessCalendar, by_order: int) -> Bool:
    """Which buys are written orders: of the suppliers that get some, more and more of them over the years."""
    weight = np.where(supplier < ORDERED_FROM, 0.2 + ((day - calendar.first_day) / 3650.0) ** 2, 0.0)
    draw = np.where(weight > 0, -np.log(rng.random(len(day))) / np.maximum(weight, 1e-9), np.inf)
    chosen = np.argsort(draw, kind="stable")[:by_order]
    ordered = np.zeros(len(day), dtype=bool)
    ordered[chosen[np.isfinite(draw[chosen])]] = True
    return ordered
