"""``StockMovement`` and ``StockItem`` rendered, the counters that EBP keeps on ``Item``, and ``ItemAccount``.

Sums hold by construction: the movements of an item in a storehouse add up to its ``RealStock``, but for one planted pair.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.pricing import round_half_away, sum_by
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Int,
    at_least_one,
    decimals,
    exactly,
    office_time,
    rank_in_group,
    stamps,
    take,
    users,
    uuids,
)  # fmt: skip
from ebp_lakehouse.demo.company.stock import (
    ASSEMBLED,
    CONSUMPTION,
    GAP,
    GIVEN_BACK,
    ISSUE,
    LATE_ENTRIES,
    LENT,
    OPENING,
    PURCHASE_RETURN,
    RECEIPT,
    SALE_RETURN,
    TRANSFER_IN,
    TRANSFER_OUT,
    USED,
    Movements,
)  # fmt: skip
from ebp_lakehouse.demo.company.truth import GroundTruth
from ebp_lakehouse.demo.company.valuation import PER_CENT_OF_VALUE, Valued

PAIRS, ACCOUNTS = 6831, 72_428  # reference installation
# (DocumentType, DocumentSubType) of a movement. Purchase, sale, other issue and transfer as seen in a retail EBP; the
# others are ours: EBP's enum is not documented.
CODES: dict[int, tuple[int, int]] = {
    RECEIPT: (0, 2), PURCHASE_RETURN: (0, 3), ISSUE: (1, 4), SALE_RETURN: (0, 4), CONSUMPTION: (1, 5), LENT: (1, 5),
    GIVEN_BACK: (0, 5), TRANSFER_OUT: (1, 6), TRANSFER_IN: (0, 6), OPENING: (0, 7), GAP: (0, 8), ASSEMBLED: (0, 9),
    USED: (1, 9),
}  # fmt: skip
MISSING_PIECES = 7_000  # thousandths that the planted pair has too much


@dataclass(frozen=True)
class Papers:
    """Id, number and line id of the document of each sorted movement."""

    document: pl.Series
    number: pl.Series
    line: pl.Series


def movement_frame(
    rng: np.random.Generator,
    scale: float,
    movements: Movements,
    valued: Valued,
    papers: Papers,
    items: Items,
    masters: Masters,
    calendar: BusinessCalendar,
    truth: GroundTruth,
) -> pl.DataFrame:
    """One row per movement; ids follow the sorted order, a few were typed weeks after their date."""
    order, size = valued.order, movements.size
    what, day, item = movements.what[order], movements.day[order], movements.item[order]
    pair = movements.storehouse[order] * items.count + item
    codes = np.array([CODES[n] for n in range(len(CODES))])
    quantity = movements.quantity[order]
    cost = np.sign(quantity) * round_half_away(np.abs(quantity) * valued.unit_cost, PER_CENT_OF_VALUE)
    created = office_time(rng, day)
    followed = np.r_[pair[1:] == pair[:-1], False] if size else np.zeros(0, dtype=bool)
    fits = (what == RECEIPT) & followed & (day < calendar.as_of - 40)
    late = exactly(rng, fits, at_least_one(LATE_ENTRIES, scale))
    created = np.where(late, created + 21 * DAY_US, created)
    # A movement typed late rewrites the running figures of those after it: they change at that moment.
    by = np.argsort(pair, kind="stable")
    begin = np.r_[True, pair[by][1:] != pair[by][:-1]] if size else np.zeros(0, dtype=bool)
    of_pair = np.cumsum(begin) * 2**32
    typed = np.empty(size, dtype=np.int64)
    typed[by] = np.maximum.accumulate(np.where(late[by], created[by] // 1_000_000, 0) + of_pair) - of_pair
    modified = np.maximum(created, typed * 1_000_000)
    ids = np.arange(1, size + 1)
    truth.plant("movement typed three weeks after its date", "StockMovement", ids[late], "stock on hand of the past")
    for case, kind, moves in (
        ("transfer between storehouses", TRANSFER_OUT, "stock by warehouse (the sum does not move)"),
        ("inventory gain or loss", GAP, "inventory adjustment"),
        ("goods assembled", ASSEMBLED, "stock value"),
        ("goods lent to a customer", LENT, "stock on hand, days of supply (no sale)"),
    ):
        truth.plant(case, "StockMovement", ids[what == kind], moves)
    below = valued.stock < 0
    truth.plant("stock below zero after this movement", "StockMovement", ids[below], "negative stocks")
    return pl.DataFrame(
        {
            "Id": ids,
            "MovementType": np.where(quantity < 0, 1, 0),
            "DocumentType": codes[what, 0],
            "DocumentSubType": codes[what, 1],
            "ItemId": take(items.codes, item),
            "StorehouseId": take(masters.storehouse_ids, movements.storehouse[order]),
            "DocumentId": papers.document,
            "DocumentLineId": papers.line,
            "DocumentNumber": papers.number,
            "DocumentDate": stamps(day * DAY_US),
            "DocumentOrder": rank_in_group(pair),
            "Quantity": decimals(quantity, 3),
            "UnitCost": decimals(valued.unit_cost, 6),
            "Cost": decimals(cost),
            "Pump": decimals(valued.pump, 6),
            "RealStock": decimals(valued.stock, 3),
            "StockValue": decimals(valued.value),
            "VirtualStock": decimals(valued.stock, 3),
            "UsePumpForSaleReturn": what == SALE_RETURN,
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(np.minimum(modified, calendar.as_of * DAY_US + 66_600_000_000)),
            "sysModifiedUser": users(rng, size),
        }
    )


@dataclass(frozen=True)
class OnOrder:
    """Thousandths by storehouse and item (flattened): ordered by customers and not delivered; on order at suppliers."""

    customers: Int
    suppliers: Int


def stock_item_frame(
    rng: np.random.Generator,
    scale: float,
    movements: Movements,
    valued: Valued,
    on_order: OnOrder,
    held: np.ndarray,
    items: Items,
    masters: Masters,
    calendar: BusinessCalendar,
    truth: GroundTruth,
) -> tuple[pl.DataFrame, dict[str, Int]]:
    """One row per item and storehouse, and the sums per item that EBP keeps on ``Item`` (thousandths, cents)."""
    count, order = items.count, valued.order
    pair = movements.storehouse[order] * count + movements.item[order]
    last = np.full(held.size, -1)
    last[pair] = np.arange(len(pair))
    stock = np.where(last >= 0, valued.stock[last], 0)
    usual = np.tile(items.cost * 10_000, held.shape[0])
    pump = np.where(last >= 0, valued.pump[last], usual)
    flat = held.reshape(-1)
    needed = (last >= 0) | (on_order.customers > 0) | (on_order.suppliers > 0)
    goods = np.tile(items.kind == 0, held.shape[0])
    rank = np.where(needed, 0, np.where(flat, 1, np.where(goods, 2, 3)))
    rows = np.sort(np.argsort(rank, kind="stable")[: max(round(PAIRS * scale), int(needed.sum()))])
    wrong = rows[np.flatnonzero((stock[rows] > 10_000) & (last[rows] >= 0))[:1]]
    stock[wrong] += MISSING_PIECES
    value = round_half_away(stock * pump, PER_CENT_OF_VALUE)
    ordered, expected = on_order.customers, on_order.suppliers
    booked = np.where((rng.random(held.size) < 0.4) & (stock > 0), np.minimum(ordered, np.maximum(stock, 0)), 0)
    issued = np.bincount(pair, weights=np.maximum(-movements.quantity[order], 0), minlength=held.size)
    monthly = np.rint(issued / max(1.0, (calendar.as_of - int(movements.day.min(initial=calendar.as_of))) / 30))
    low = np.where((rng.random(held.size) < 0.35) & (issued > 0), np.maximum(monthly // 1000, 1) * 1000, 0)
    minimum = low.astype(np.int64)
    code = items.codes
    names = [(code[n % count], masters.storehouse_ids[int(n // count)]) for n in wrong.tolist()]
    truth.plant("movements that do not add up to the stock", "StockItem", names, "opening + movements = stock")
    limits = [(code[n % count], masters.storehouse_ids[int(n // count)]) for n in np.flatnonzero(minimum > 0).tolist()]
    truth.plant("threshold set", "StockItem", limits, "items below reorder point (others have none)")
    created = np.full(len(rows), calendar.first_day * DAY_US + 36_000_000_000)
    moved = np.where(last[rows] >= 0, movements.day[order][last[rows]], calendar.first_day)
    values = {"RealStock": stock, "VirtualStock": stock - ordered + expected, "OrderedQuantity": ordered,
              "SuppliersOrderedQuantity": expected, "BookedQuantity": booked, "MinStock": minimum,
              "StockToOrderThreshold": minimum * 3 // 2, "MaxStock": minimum * 6}  # fmt: skip
    frame = pl.DataFrame(
        {
            "ItemId": take(code, rows % count),
            "StorehouseId": take(masters.storehouse_ids, rows // count),
            "StorageEnable": flat[rows],
            **{name: decimals(of[rows], 3) for name, of in values.items()},
            "Pump": decimals(pump[rows], 6),
            "StockValue": decimals(value[rows]),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": take(("ADM",), np.zeros(len(rows), dtype=np.int64)),
            "sysModifiedDate": stamps(np.maximum(created, moved * DAY_US + 64_000_000_000)),
            "sysModifiedUser": users(rng, len(rows)),
        }
    )
    item = np.tile(np.arange(count), held.shape[0])
    sums = {name: sum_by(item, of, count) for name, of in values.items()} | {"StockValue": sum_by(item, value, count)}
    return frame, sums


def with_counters(frame: pl.DataFrame, sums: dict[str, Int], items: Items) -> pl.DataFrame:
    """``Item`` with the totals over its storehouses; PUMP = value / stock where there is stock."""
    quantities = ("RealStock", "VirtualStock", "OrderedQuantity", "SuppliersOrderedQuantity", "BookedQuantity")
    stock = sums["RealStock"]
    average = np.where(stock > 0, round_half_away(sums["StockValue"] * 1000, np.maximum(stock, 1)), items.cost)
    return frame.with_columns(
        **{name: decimals(sums[name], 3) for name in quantities},
        StockValue=decimals(sums["StockValue"]),
        Pump=decimals(average),
    )


def account_frame(rng: np.random.Generator, scale: float, items: Items, masters: Masters) -> pl.DataFrame:
    """``ItemAccount``: the sales and purchase accounts of every item under every VAT rate, up to the table's size."""
    rows = round(ACCOUNTS * scale)
    item, vat = np.arange(rows) % items.count, np.arange(rows) // items.count % len(masters.vat_ids)
    good = np.isin(items.kind[item], (0, 4))
    suffix = take([f"{n:02d}" for n in range(len(masters.vat_ids))], vat)
    return small.audited(
        pl.DataFrame(
            {
                "Id": uuids(rng, rows),
                "ItemId": take(items.codes, item),
                "VatId": take(masters.vat_ids, vat),
                "Account": take(("7060", "7070"), good.astype(np.int64)) + suffix,
                "PurchaseAccount": take(("6040", "6070"), good.astype(np.int64)) + suffix,
            }
        )
    )
