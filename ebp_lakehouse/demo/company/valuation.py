"""EBP's running figures of stock: after each movement the stock, the weighted average cost (PUMP) and the value.

The rule, per item and storehouse, in the order of the days: goods that come in at a cost change the average to
(stock * PUMP + quantity * cost) / (stock + quantity), or to that cost when nothing was there; what leaves, comes back or
is found by an inventory is valued at the average and does not change it. Value = stock * PUMP.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.pricing import round_half_away
from ebp_lakehouse.demo.company.primitives import Int, rank_in_group
from ebp_lakehouse.demo.company.stock import (
    AT_PUMP,
    GAP,
    OPENING,
    TRANSFER_IN,
    TRANSFER_OUT,
    Movements,
)  # fmt: skip

PER_CENT_OF_VALUE = 10_000_000  # thousandths of a unit times millionths of a euro in one cent


@dataclass(frozen=True)
class Valued:
    """Aligned with the sorted movements: rows in order, thousandths in stock, PUMP and unit cost in millionths, cents."""

    order: Int
    stock: Int
    pump: Int
    unit_cost: Int
    value: Int


def phase(movements: Movements) -> Int:
    """Order within a day: openings, what comes in, what leaves, and what the inventory finds in the evening."""
    usual = np.where(movements.quantity < 0, 2, 1)
    return np.where(movements.what == OPENING, 0, np.where(movements.what == GAP, 3, usual))


def value(movements: Movements) -> Valued:
    """Running figures of all movements, sorted by storehouse, item, day and phase.

    The main storehouse comes first: what it sends elsewhere arrives at its PUMP of the moment.
    """
    order = np.lexsort(
        (np.arange(movements.size), phase(movements), movements.day, movements.item, movements.storehouse)
    )
    what, storehouse = movements.what[order], movements.storehouse[order]
    quantity, cost, line = movements.quantity[order], movements.cost[order].copy(), movements.line[order]
    pair = storehouse * (int(movements.item.max(initial=0)) + 1) + movements.item[order]
    size = len(order)
    stock, pump = np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)
    main = storehouse == 0
    _run(np.flatnonzero(main), pair, quantity, cost, stock, pump)
    sent = np.flatnonzero(what == TRANSFER_OUT)
    at = np.zeros(int(line[sent].max(initial=-1)) + 1, dtype=np.int64)
    at[line[sent]] = pump[sent]
    arrived = np.flatnonzero(what == TRANSFER_IN)
    cost[arrived] = at[line[arrived]]
    _run(np.flatnonzero(~main), pair, quantity, cost, stock, pump)
    return Valued(
        order=order,
        stock=stock,
        pump=pump,
        unit_cost=np.where(cost == AT_PUMP, pump, cost),
        value=round_half_away(stock * pump, PER_CENT_OF_VALUE),
    )


def _run(rows: Int, pair: Int, quantity: Int, cost: Int, stock: Int, pump: Int) -> None:
    """Fill ``stock`` and ``pump`` of sorted rows: the n-th movements of all pairs at once, n after n."""
    rank = rank_in_group(pair[rows])
    by_rank = np.argsort(rank, kind="stable")
    ends = np.cumsum(np.bincount(rank)) if len(rows) else np.zeros(0, dtype=np.int64)
    start = 0
    for end in ends.tolist():
        now = rows[by_rank[start:end]]
        before = np.where(rank[by_rank[start:end]] > 0, now - 1, -1)
        had = np.where(before >= 0, stock[before], 0)
        was = np.where(before >= 0, pump[before], 0)
        got, price = quantity[now], cost[now]
        stock[now] = had + got
        mixed = (had * was + got * price + (had + got) // 2) // np.where(had + got == 0, 1, had + got)
        comes = (got > 0) & (price != AT_PUMP)
        pump[now] = np.where(comes, np.where(had > 0, mixed, price), was)
        start = end
