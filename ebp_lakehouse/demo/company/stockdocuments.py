"""``StockDocument`` and its lines: the papers behind inventories, transfers, assemblies, loans, own consumption.

Which movements they make is decided in ``stock``; inventory lines without a gap are added here, up to the table's size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.documents import nullable
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Bool,
    Int,
    decimals,
    office_time,
    rank_in_group,
    stamps,
    take,
    users,
    uuids,
)  # fmt: skip
from ebp_lakehouse.demo.company.purchasing import first_of, group_nearest
from ebp_lakehouse.demo.company.stock import (
    ASSEMBLED,
    CONSUMPTION,
    GAP,
    GIVEN_BACK,
    LENT,
    OPENING,
    TRANSFER_IN,
    TRANSFER_OUT,
    USED,
    Movements,
)  # fmt: skip
from ebp_lakehouse.demo.company.valuation import Valued

DOCUMENTS, LINES = 245, 3163  # reference installation
# StockDocument.DocumentType: the codes are ours, EBP's are not documented.
INVENTORY, ENTRY, EXIT, TRANSFER, ASSEMBLY = 1, 2, 3, 4, 5
KIND_OF = {OPENING: INVENTORY, GAP: INVENTORY, CONSUMPTION: EXIT, LENT: EXIT, GIVEN_BACK: ENTRY, USED: ASSEMBLY,
           ASSEMBLED: ASSEMBLY, TRANSFER_OUT: TRANSFER}  # fmt: skip
PREFIXES = {INVENTORY: "IN", ENTRY: "ES", EXIT: "SS", TRANSFER: "TR", ASSEMBLY: "FA"}


@dataclass(frozen=True)
class StockPapers:
    """The two frames, and the document and line of each movement (sorted order; -1 = a sale's or a purchase's)."""

    documents: pl.DataFrame
    lines: pl.DataFrame
    document_of: Int
    line_of: Int
    ids: pl.Series
    line_ids: pl.Series
    numbers: pl.Series


def build(
    rng: np.random.Generator,
    scale: float,
    movements: Movements,
    valued: Valued,
    items: Items,
    masters: Masters,
    calendar: BusinessCalendar,
) -> StockPapers:
    """About ``245 * scale`` documents (one of each kind at least) with exactly ``3163 * scale`` lines."""
    what, day = movements.what[valued.order], movements.day[valued.order]
    place, item = movements.storehouse[valued.order], movements.item[valued.order]
    kind = np.array([KIND_OF.get(code, 0) for code in range(13)])[what]
    own = np.flatnonzero(kind > 0)
    group = _papers(movements.line[valued.order][own], what[own], day[own], place[own], round(DOCUMENTS * scale))
    count = int(group.max(initial=-1)) + 1
    doc_kind, doc_place = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    doc_kind[group], doc_place[group], doc_day = kind[own], place[own], first_of(group, day[own])
    # Inventories that found nothing: same lines, no movement.
    counts = max(0, round(DOCUMENTS * scale) - count)
    empty_day = np.sort(rng.choice(calendar.days[calendar.days >= int(day.min(initial=calendar.as_of))], counts))
    spare = max(counts, round(LINES * scale) - len(own))
    doc_kind = np.concatenate([doc_kind, np.full(counts, INVENTORY)])
    doc_place = np.concatenate([doc_place, np.zeros(counts, dtype=np.int64)])
    doc_day = np.concatenate([doc_day, empty_day])
    inventories = np.flatnonzero(doc_kind == INVENTORY)
    checked = inventories[np.arange(spare) % max(1, len(inventories))] if len(inventories) else inventories
    line_document = np.concatenate([group, checked])
    looked_at = rng.choice(np.unique(item[place == 0]), len(checked)) if len(checked) else np.zeros(0, dtype=np.int64)
    line_item = np.concatenate([item[own], looked_at])
    number = rank_in_group(doc_kind, doc_day) + 1
    prefix = take([PREFIXES.get(k, "") for k in range(6)], doc_kind)
    ids, line_ids = uuids(rng, len(doc_kind)), uuids(rng, len(line_document))
    numbers = prefix + pl.Series(number).cast(pl.String).str.zfill(8)
    created = office_time(rng, doc_day)
    size = len(doc_kind)
    target = np.full(size, -1)
    inward = _other_side(movements, valued)
    moved_to = np.where(what[own] == TRANSFER_OUT, place[np.maximum(inward[own], 0)], -1)
    np.maximum.at(target, group, moved_to)
    lent = np.zeros(size, dtype=bool)
    lent[group[what[own] == LENT]] = True
    back = np.zeros(size, dtype=bool)
    back[group[what[own] == GIVEN_BACK]] = True
    documents = pl.DataFrame(
        {
            "Id": ids,
            "DocumentType": doc_kind,
            "DocumentNumber": numbers,
            "NumberPrefix": prefix,
            "NumberSuffix": decimals(number, 0),
            "DocumentDate": stamps(doc_day * DAY_US),
            "GlobalDocumentOrder": rank_in_group(doc_day),
            "StorehouseId": take(masters.storehouse_ids, doc_place),
            "TargetStorehouseId": take(masters.storehouse_ids, target),
            "ValidateState": np.ones(size, dtype=np.int64),
            "xx_LoanEquipment": lent,
            "xx_LoanEquipmentReturn": back,
            "Reference": take(("Prêt client", "Inventaire"), np.where(lent | back, 0, np.where(doc_kind == 1, 1, -1))),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(created),
            "sysModifiedUser": users(rng, size),
        }
    )
    line_of = np.full(movements.size, -1)
    line_of[own] = np.arange(len(own))
    document_of = np.full(movements.size, -1)
    document_of[own] = group
    arrivals = inward[own][what[own] == TRANSFER_OUT]
    line_of[arrivals] = np.flatnonzero(what[own] == TRANSFER_OUT)
    document_of[arrivals] = group[what[own] == TRANSFER_OUT]
    lines = _lines(
        movements, valued, own, inward, what, line_document, line_item, ids, line_ids, doc_kind, doc_place, doc_day,
        stamps(created), items, masters,
    )  # fmt: skip
    return StockPapers(documents, lines, document_of, line_of, ids, line_ids, numbers)


def _papers(shared: Int, what: Int, day: Int, place: Int, wanted: int) -> Int:
    """The document of each movement: inventories by storehouse, loans and assemblies by number, the others by period."""
    inventory = np.isin(what, (OPENING, GAP))
    single = np.isin(what, (LENT, GIVEN_BACK, ASSEMBLED, USED))
    kind = np.array([KIND_OF.get(code, 0) for code in range(13)])[what]
    key = np.where(inventory, what * 10 + place, np.where(single, 1_000 + kind * 1_000 + shared, -1))
    _, number = np.unique(key, return_inverse=True)
    loose = np.flatnonzero(key < 0)
    fixed = int(number.max(initial=-1)) + 1 - bool(len(loose))
    number = number - bool(len(loose))
    share = max(2, (wanted - fixed) * 3 // 4)
    number[loose] = fixed + group_nearest(what[loose], day[loose], share)
    return np.asarray(number, dtype=np.int64)


def _other_side(movements: Movements, valued: Valued) -> Int:
    """For each row that leaves for another storehouse, the sorted row that arrives there; -1 for the others."""
    what, line = movements.what[valued.order], movements.line[valued.order]
    sent, arrived = np.flatnonzero(what == TRANSFER_OUT), np.flatnonzero(what == TRANSFER_IN)
    at = np.full(int(line[arrived].max(initial=-1)) + 1, -1)
    at[line[arrived]] = arrived
    out = np.full(movements.size, -1)
    out[sent] = at[line[sent]]
    return out


def _lines(
    movements: Movements,
    valued: Valued,
    own: Int,
    inward: Int,
    what: Int,
    document: Int,
    item: Int,
    ids: pl.Series,
    line_ids: pl.Series,
    doc_kind: Int,
    doc_place: Int,
    doc_day: Int,
    created: pl.Series,
    items: Items,
    masters: Masters,
) -> pl.DataFrame:
    size, made = len(document), len(own)
    moves: Bool = np.arange(size) < made
    quantity = np.zeros(size, dtype=np.int64)
    quantity[:made] = movements.quantity[valued.order][own]
    place = np.concatenate([movements.storehouse[valued.order][own], doc_place[document[made:]]])
    stock = np.zeros(size, dtype=np.int64)
    stock[:made] = valued.stock[own]
    looked = _stock_on(movements, valued, item[made:], place[made:], doc_day[document[made:]])
    stock[made:] = looked
    unit = np.zeros(size, dtype=np.int64)
    unit[:made] = valued.unit_cost[own]
    counted = doc_kind[document] == INVENTORY
    movement = np.full(size, -1)
    movement[:made] = own + 1
    arrival = np.full(size, -1)
    arrival[:made] = np.where(what[own] == TRANSFER_OUT, inward[own] + 1, -1)
    target = np.where(arrival >= 0, movements.storehouse[valued.order][np.maximum(arrival - 1, 0)], -1)
    shown = np.where(counted, stock, np.abs(quantity))
    when = created.gather(document.tolist())
    return pl.DataFrame(
        {
            "Id": line_ids,
            "DocumentId": take(ids, document),
            "LineType": np.full(size, 2),
            "LineOrder": (rank_in_group(document) + 1) * 100,
            "ItemId": take(items.codes, item),
            "DescriptionClear": take(items.captions, item),
            "UnitId": take([u[0] for u in small.UNITS], items.unit[item]),
            "StorehouseId": take(masters.storehouse_ids, place),
            "TargetStorehouseId": take(masters.storehouse_ids, target),
            "Quantity": decimals(shown, 3),
            "RealQuantity": decimals(shown, 3),
            "CurrentStock": decimals(stock - quantity, 3),
            "Gap": pl.select(pl.when(pl.Series(counted)).then(decimals(quantity, 3))).to_series(),
            "ItemValue": decimals(unit, 6),
            "TotalValue": decimals(np.rint(shown * (unit / 1e7)).astype(np.int64)),
            "StockMovementId": nullable(movement, moves & ~counted),
            "GapStockMovementId": nullable(movement, moves & counted),
            "TargetStockMovementId": nullable(arrival, arrival >= 0),
            "ManageStock": np.ones(size, dtype=bool),
            "sysCreatedDate": when,
            "sysCreatedUser": take(("CBE",), np.zeros(size, dtype=np.int64)),
            "sysModifiedDate": when,
            "sysModifiedUser": take(("CBE",), np.zeros(size, dtype=np.int64)),
        }
    )


def _stock_on(movements: Movements, valued: Valued, item: Int, place: Int, day: Int) -> Int:
    """Thousandths of an item in a storehouse at the end of a day: the stock after the last movement until then."""
    many = int(movements.item.max(initial=0)) + 1
    key = (movements.storehouse[valued.order] * many + movements.item[valued.order]) * 100_000 + movements.day[
        valued.order
    ]
    wanted = (place * many + item) * 100_000 + day
    at = np.searchsorted(key, wanted, side="right") - 1
    same = (at >= 0) & (key[np.maximum(at, 0)] // 100_000 == wanted // 100_000)
    return np.where(same, valued.stock[np.maximum(at, 0)], 0)
