"""What moved in the storehouses since stock is managed: opening inventory, receipts, issues, transfers, corrections.

The company sold for years before it managed its stock: movements exist from the day on that makes the table as long as
it should be, and begin with an inventory of every storehouse. Costs and running stocks are in ``valuation``, columns in
``stockframes``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.issues import Issues
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.pricing import LineAmounts, round_half_away
from ebp_lakehouse.demo.company.primitives import Int, at_least_one, rank_in_group
from ebp_lakehouse.demo.company.purchasing import RETURN, Purchases

MOVEMENTS = 12_158  # reference installation
PER_TRANSFER = 4  # issues of an item elsewhere that one transfer covers
GAPS, ASSEMBLIES, LOANS, LATE_ENTRIES, IN_TRANSIT = 90, 3, 4, 6, 4
SALE, PURCHASE, STOCK = 0, 1, 2  # where the document of a movement is
# What a movement is; the stock documents among them are OPENING and above.
ISSUE, SALE_RETURN, RECEIPT, PURCHASE_RETURN, OPENING, GAP, TRANSFER_OUT, TRANSFER_IN, CONSUMPTION, ASSEMBLED, USED, LENT, GIVEN_BACK = range(13)  # fmt: skip
AT_PUMP = -1


@dataclass(frozen=True)
class Movements:
    """One row per movement, in no order: what it is, item, storehouse, day, signed thousandths, unit cost.

    ``cost`` is in millionths of a euro, ``AT_PUMP`` when the movement is valued at the running average. ``line`` is the
    index of the sale or purchase line, or the number that the two sides of a transfer share, else -1.
    """

    what: Int
    item: Int
    storehouse: Int
    day: Int
    quantity: Int
    cost: Int
    line: Int

    @property
    def size(self) -> int:
        """Number of movements."""
        return len(self.what)

    def add(self, **columns: Int | int) -> Movements:
        """With more rows; scalars are broadcast."""
        count = max(np.size(value) for value in columns.values())
        return Movements(
            **{
                name: np.concatenate([mine, np.broadcast_to(np.asarray(columns[name], dtype=np.int64), (count,))])
                for name, mine in vars(self).items()
            }
        )

    def since(self, day: int) -> Movements:
        """Only those from ``day`` on."""
        return Movements(**{name: values[self.day >= day] for name, values in vars(self).items()})


def traded(issues: Issues, pk: Purchases, amounts: LineAmounts, items: Items, calendar: BusinessCalendar) -> Movements:
    """Movements of ten years of sales and purchases, before it is known from which day on they are recorded."""
    lines = pk.lines
    item, day = lines["item"], pk.documents["day"][lines["document"]]
    rows = np.flatnonzero(
        (lines["moves"] == 1) & (item >= 0) & items.manage_stock[np.maximum(item, 0)] & (day <= calendar.as_of)
    )
    pieces = lines["quantity"][rows] * lines["box"][rows]
    paid = amounts.net_discounted[rows] + round_half_away(lines["charge"][rows] * lines["quantity"][rows], 1000)
    back = pk.documents["kind"][lines["document"][rows]] == RETURN
    bought = np.where(back, -np.abs(pieces), pieces)
    unit = round_half_away(np.abs(paid) * 10_000_000, np.maximum(np.abs(pieces), 1))
    return Movements(
        what=np.concatenate(
            [np.where(issues.quantity > 0, ISSUE, SALE_RETURN), np.where(back, PURCHASE_RETURN, RECEIPT)]
        ),
        item=np.concatenate([issues.item, item[rows]]),
        storehouse=np.concatenate([issues.storehouse, np.zeros(len(rows), dtype=np.int64)]),
        day=np.concatenate([issues.day, day[rows]]),
        quantity=np.concatenate([-issues.quantity, bought]),
        cost=np.concatenate([np.full(len(issues.item), AT_PUMP), np.where(back, AT_PUMP, unit)]),
        line=np.concatenate([issues.line, rows]),
    )


def build(
    rng: np.random.Generator,
    scale: float,
    all_traded: Movements,
    starting: Int,
    items: Items,
    calendar: BusinessCalendar,
    most_lines: int,
) -> tuple[Movements, int]:
    """All recorded movements, exactly as many as the scale asks for, and the day on which stock management began.

    ``most_lines`` bounds the lines of stock documents (opening, transfers, corrections).
    """
    target = round(MOVEMENTS * scale)
    extras = at_least_one(GAPS, scale) + 3 * at_least_one(ASSEMBLIES, scale) + 2 * at_least_one(LOANS, scale)
    low, high = 0, len(calendar.days) - 60
    while low < high:  # the earliest day from which everything fits into the tables
        middle = (low + high) // 2
        made, lines = _from(all_traded, starting, items, calendar, int(calendar.days[middle]), most_lines * 2 // 3)
        fits = made.size + extras <= target and lines + extras <= most_lines * 9 // 10
        low, high = (low, middle) if fits else (middle + 1, high)
    first = int(calendar.days[low])
    made, _ = _from(all_traded, starting, items, calendar, first, most_lines * 2 // 3)
    made = _corrections(rng, scale, made, items, calendar, first)
    return _consumption(rng, made, calendar, first, target - made.size), first


def _from(
    every: Movements, starting: Int, items: Items, calendar: BusinessCalendar, first: int, most_opened: int
) -> tuple[Movements, int]:
    """Movements from ``first`` on with the opening inventory and the transfers; and lines of stock documents."""
    recorded, count = every.since(first), items.count
    before = every.day < first
    moved = np.bincount(every.item[before], weights=every.quantity[before], minlength=count)
    held = np.maximum(starting + np.rint(moved).astype(np.int64), 0)
    away = np.flatnonzero((recorded.storehouse > 0) & (recorded.what == ISSUE))
    pair = recorded.storehouse[away] * count + recorded.item[away]
    block = rank_in_group(pair, recorded.day[away]) // PER_TRANSFER
    key, where = np.unique(pair * 100_000 + block, return_inverse=True)
    quantity = np.rint(np.bincount(where, weights=-recorded.quantity[away], minlength=len(key))).astype(np.int64)
    quantity = -(-quantity // 1000) * 1000
    needed = np.full(len(key), np.iinfo(np.int64).max)
    np.minimum.at(needed, where, recorded.day[away])
    storehouse, item, later = key // 100_000 // count, key // 100_000 % count, key % 100_000 > 0
    there = {"item": item[~later], "storehouse": storehouse[~later], "quantity": quantity[~later]}
    np.subtract.at(held, there["item"], there["quantity"])
    # A small company counts what moves; the rest as far as the papers reach, the most first.
    moves = np.bincount(recorded.item, minlength=count) > 0
    here = np.lexsort((-held, ~moves))[:most_opened]
    here = np.sort(here[held[here] > 0])
    made = recorded.add(
        what=OPENING, item=here, storehouse=0, day=first, quantity=held[here], cost=_usual(items, here), line=-1
    )
    if len(there["item"]):
        made = made.add(what=OPENING, day=first, cost=_usual(items, there["item"]), line=-1, **there)
    sent = int(later.sum())
    if sent:
        day = calendar.roll(np.maximum(needed[later] - 3, first))
        both = {"item": item[later], "line": np.arange(sent), "cost": AT_PUMP}
        made = made.add(what=TRANSFER_OUT, storehouse=0, day=day, quantity=-quantity[later], **both)
        arrives = day.copy()
        arrives[:: max(1, sent // IN_TRANSIT)] = calendar.roll(arrives[:: max(1, sent // IN_TRANSIT)] + 1)
        made = made.add(what=TRANSFER_IN, storehouse=storehouse[later], day=arrives, quantity=quantity[later], **both)
    return made, len(here) + len(there["item"]) + sent


def _usual(items: Items, item: Int) -> Int:
    return np.maximum(items.cost[item], items.price[item] * 3 // 10) * 10_000


def _corrections(
    rng: np.random.Generator, scale: float, made: Movements, items: Items, calendar: BusinessCalendar, first: int
) -> Movements:
    """Gains and losses found by an inventory half-way, goods assembled into another, goods lent and given back."""
    inventory = int(calendar.days[(np.searchsorted(calendar.days, first) + len(calendar.days)) // 2])
    until = made.day <= inventory
    pair = made.storehouse * items.count + made.item
    stock = np.rint(np.bincount(pair[until], weights=made.quantity[until], minlength=3 * items.count)).astype(np.int64)
    wanted = at_least_one(GAPS, scale)
    below = np.flatnonzero(stock < 0)[: wanted // 2]
    others = rng.permutation(np.flatnonzero(stock >= 3000))[: wanted - len(below)]
    found = np.where(rng.random(len(others)) < 0.65, -1000, 1000) * rng.integers(1, 3, len(others))
    chosen = np.concatenate([below, others])
    gap = np.concatenate([-stock[below] + 1000, found])
    if len(chosen):
        made = made.add(
            what=GAP, item=chosen % items.count, storehouse=chosen // items.count, day=inventory, quantity=gap,
            cost=AT_PUMP, line=-1,
        )  # fmt: skip
    plenty = np.flatnonzero(stock[: items.count] >= 4000)
    if len(plenty) < 6:
        return made
    for number in range(at_least_one(ASSEMBLIES, scale)):
        day = calendar.days[-1 - int(rng.integers(5, 40))]
        whole, *parts = rng.choice(plenty, 3, replace=False).tolist()
        made = made.add(
            what=USED, item=np.array(parts), storehouse=0, day=day, quantity=-1000, cost=AT_PUMP, line=number
        )
        made = made.add(
            what=ASSEMBLED, item=whole, storehouse=0, day=day, quantity=1000,
            cost=int(_usual(items, np.array(parts)).sum()), line=number,
        )  # fmt: skip
    for number in range(at_least_one(LOANS, scale)):
        item, day = int(rng.choice(plenty)), calendar.days[-1 - int(rng.integers(40, 55))]
        made = made.add(what=LENT, item=item, storehouse=0, day=day, quantity=-1000, cost=AT_PUMP, line=number)
        back = int(calendar.roll(np.array([day + 20]))[0])
        made = made.add(what=GIVEN_BACK, item=item, storehouse=0, day=back, quantity=1000, cost=AT_PUMP, line=number)
    return made


def _consumption(
    rng: np.random.Generator, made: Movements, calendar: BusinessCalendar, first: int, missing: int
) -> Movements:
    """Small goods used in our own workshop: as many movements as are still ``missing``."""
    if missing <= 0:
        return made
    opened = np.flatnonzero((made.what == OPENING) & (made.storehouse == 0))
    largest = opened[np.argsort(-made.quantity[opened], kind="stable")[: max(1, len(opened) // 5)]]
    days = calendar.days[calendar.days > first]
    return made.add(
        what=CONSUMPTION, item=made.item[rng.choice(largest, missing)], storehouse=0,
        day=rng.choice(days, missing), quantity=-1000, cost=AT_PUMP, line=-1,
    )  # fmt: skip
