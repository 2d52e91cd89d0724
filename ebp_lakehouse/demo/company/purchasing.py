"""Purchase documents from written orders: order -> receipts -> invoices, returns for quality, credit notes.

Days, quantities and links only, in the skeleton's aligned arrays; counter purchases, overheads and quotes are added by
``purchasefill``, columns are rendered by ``purchaseframes``. Quantities of a line are in its purchase unit.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.primitives import Bool, Int, at_least_one, exactly, rank_in_group
from ebp_lakehouse.demo.company.replenishment import Buys
from ebp_lakehouse.demo.company.skeleton import Skeleton, Table
from ebp_lakehouse.demo.company.suppliers import FOREIGN, Suppliers

QUOTE, INVOICE, CREDIT_NOTE, RECEIPT, RETURN, ORDER = 1, 2, 3, 6, 7, 8
RETURNS, PRICE_CREDITS = 80, 40
OVERDUE, PROMISE_MISSING, CLOSED_SHORT, WITHOUT_RECEIPT, CHARGED = 24, 60, 12, 25, 60
MONTHLY = 3  # one supplier in three sends one invoice a month
PER_BOX = 10

DOCUMENTS: dict[str, int] = {
    "kind": 0, "supplier": -1, "day": 0, "promised": -1, "shipping": 0, "footer_bp": 0, "financial_bp": 0, "origin": -1,
    "same_as": -1, "closed": 0, "customer_document": -1, "storehouse": 0,
}  # fmt: skip
LINES: dict[str, int] = {
    "document": -1, "line_type": 2, "item": -1, "quantity": 0, "price": 0, "d0": 0, "vat": 0, "text": -1, "charge": 0,
    "box": 1, "moves": 0,
}  # fmt: skip


@dataclass
class Purchases(Skeleton):
    """The skeleton of the purchases: same shape as that of the sales, other columns."""

    documents: Table = field(default_factory=lambda: Table(DOCUMENTS))
    lines: Table = field(default_factory=lambda: Table(LINES))


def boxed(item: Int) -> Bool:
    """Goods that suppliers sell in boxes of ten while the stock counts pieces."""
    return np.asarray((item >= 0) & (item % 30 == 4))


def lines_of_buys(buys: Buys) -> dict[str, Int]:
    """Columns of the lines of these buys: in boxes where the supplier sells boxes."""
    box = np.where(boxed(buys.item), PER_BOX, 1)
    return {
        "item": buys.item,
        "quantity": -(-buys.quantity // (box * 1000)) * 1000,
        "price": buys.price * box,
        "box": box,
        "d0": np.where(buys.item % 5 == 2, 500, 0),
        "vat": np.where(buys.supplier == FOREIGN, 5, 0),
    }


def group_nearest(group: Int, day: Int, documents: int) -> Int:
    """Number of the document of each row: rows of a group next to each other in time share one, ``documents`` in all.

    Fewer rows than documents give one document each; more groups than documents give one per group.
    """
    by = np.lexsort((np.arange(len(day)), day, group))
    gap = np.diff(day[by], prepend=0).astype(np.float64)
    if len(by):
        gap[np.r_[True, group[by][1:] != group[by][:-1]]] = np.inf
    joined = np.zeros(len(by), dtype=bool)
    nearest = np.argsort(gap, kind="stable")[: max(0, len(by) - documents)]
    joined[nearest] = np.isfinite(gap[nearest])
    number = np.empty(len(by), dtype=np.int64)
    number[by] = np.cumsum(~joined) - 1
    return number


def first_of(number: Int, values: Int) -> Int:
    """The smallest of ``values`` per document number."""
    out = np.full(int(number.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    np.minimum.at(out, number, values)
    return out


def chain(
    rng: np.random.Generator,
    scale: float,
    buys: Buys,
    dropped: Buys,
    dropped_for: Int,
    suppliers: Suppliers,
    calendar: BusinessCalendar,
    orders: int,
    sign: int,
) -> Purchases:
    """``orders`` written orders for ``buys`` (plus one each for the drop shipments), and all that follows from them.

    ``dropped_for`` is the sale document of each drop shipment. Credit notes and returns carry ``sign``.
    """
    pk = Purchases()
    number = group_nearest(buys.supplier, buys.day, orders - len(dropped.item))
    day = first_of(number, buys.day)
    lead = np.argsort(number, kind="stable")[np.searchsorted(np.sort(number), np.arange(len(day)))]
    supplier = buys.supplier[lead]
    size = len(day)
    promised = calendar.roll(day + suppliers.promised[supplier])
    promised = np.where(
        day + suppliers.promised[supplier] > calendar.as_of, day + suppliers.promised[supplier], promised
    )
    made = pk.documents.add(
        size,
        kind=ORDER,
        supplier=supplier,
        day=day,
        promised=promised,
        shipping=np.where(rng.random(size) < 0.1, 1500, 0),
    )
    unsaid = exactly(rng, np.ones(size, dtype=bool), at_least_one(PROMISE_MISSING, scale))
    pk.documents["promised"][made[unsaid]] = -1
    lines = pk.lines.add(len(buys.item), document=made[number], **lines_of_buys(buys))
    drops = pk.documents.add(
        len(dropped.item), kind=ORDER, supplier=dropped.supplier, day=dropped.day, customer_document=dropped_for,
        promised=calendar.roll(dropped.day + suppliers.promised[dropped.supplier]),
    )  # fmt: skip
    drop_lines = pk.lines.add(len(dropped.item), document=drops, **lines_of_buys(dropped))

    arrival = calendar.roll(np.maximum(promised + suppliers.late_days(rng, supplier), day + 1))
    overdue = exactly(rng, (promised < calendar.as_of - 5) & (day > calendar.as_of - 200), at_least_one(OVERDUE, scale))
    come = (arrival <= calendar.as_of) & ~overdue
    straight = exactly(rng, come & (arrival < calendar.as_of - 90), at_least_one(WITHOUT_RECEIPT, scale))
    received = come & ~straight
    splittable = np.zeros(size, dtype=bool)
    splittable[number[pk.lines["quantity"][lines] >= 2000]] = True
    short = received & splittable & (rng.random(size) < suppliers.share("short", supplier))
    short |= exactly(rng, received & splittable & (arrival < calendar.as_of - 60), at_least_one(5, scale))
    never = exactly(rng, short & (arrival < calendar.as_of - 60), at_least_one(CLOSED_SHORT, scale))
    pk.documents["closed"][made[never]] = 1
    first, second = _receipts(rng, pk, lines, made, number, arrival, received, short, never, calendar)
    invoiced = _invoices(rng, pk, calendar, np.concatenate([first, second]))
    direct = _copy(
        pk, made[straight], lines[straight[number]], INVOICE, calendar.roll(arrival[straight]), moves=1, link=True
    )
    _copy(pk, drops, drop_lines, INVOICE, calendar.roll(dropped.day + 3), moves=0, link=True)
    charged = exactly(rng, np.isin(np.arange(pk.documents.size), first), at_least_one(CHARGED, scale))
    with_charge = charged[pk.lines["document"]]
    pk.lines["charge"][with_charge] = np.maximum(pk.lines["price"][with_charge] // 20, 1)
    _returns(rng, scale, pk, suppliers, calendar, first, sign)
    _price_credits(rng, scale, pk, calendar, invoiced, sign)

    pk.plant("order without a promised day", "documents", made[unsaid], "supplier OTIF (promise from SupplierItem)")
    pk.plant("supplier order overdue and never received", "documents", made[overdue], "late supplier orders")
    pk.plant("delivered short and completed later", "documents", made[short & ~never], "supplier OTIF")
    pk.plant("supplier order closed short", "documents", made[never], "supplier OTIF, on order")
    pk.plant("invoice without receipt", "documents", direct, "supplier lead time (no receipt date)")
    pk.plant("drop shipment", "documents", drops, "stock on hand (goods that never enter it)")
    pk.plant("approach charges", "lines", with_charge, "landed cost, PUMP")
    return pk


def _receipts(
    rng: np.random.Generator,
    pk: Purchases,
    lines: Int,
    made: Int,
    number: Int,
    arrival: Int,
    received: Bool,
    short: Bool,
    never: Bool,
    calendar: BusinessCalendar,
) -> tuple[Int, Int]:
    """The first delivery of each order, and the second one of those that came short, unless it is still to come."""
    whole = pk.lines["quantity"][lines]
    part = np.where(short[number], np.maximum(whole * rng.integers(40, 80, len(whole)) // 100_000 * 1000, 1000), whole)
    part = np.minimum(part, whole)
    keep = received[number]
    first = _copy(pk, made[received], lines[keep], RECEIPT, arrival[received], quantity=part[keep], moves=1, link=True)
    later = calendar.roll(arrival + rng.integers(4, 25, len(arrival)))
    left = whole - part
    completed = short & ~never & (later <= calendar.as_of)
    completed &= np.bincount(number, weights=left, minlength=len(made)) > 0
    keep = completed[number] & (left > 0)
    second = _copy(pk, made[completed], lines[keep], RECEIPT, later[completed], quantity=left[keep], moves=1, link=True)
    return first, second


def _copy(pk: Purchases, source: Int, lines: Int, kind: int, day: Int, *, link: bool, **changes: Int | int) -> Int:
    """Documents of ``kind`` with copies of some ``lines`` of each ``source`` document; linked to them if asked."""
    place = np.full(pk.documents.size, -1)
    place[source] = np.arange(len(source))
    kept = {name: pk.documents[name][source] for name in ("supplier", "shipping", "customer_document", "storehouse")}
    if kind != RECEIPT:
        kept["promised"] = np.full(len(source), -1)
    made = pk.documents.add(len(source), kind=kind, day=day, origin=source, **kept)
    columns: dict[str, Int | int] = {name: pk.lines[name][lines] for name in LINES if name != "moves"}
    at = place[pk.lines["document"][lines]]
    copied = pk.lines.add(len(lines), **{**columns, "document": made[at], **changes})
    if link:
        quantity = np.minimum(np.abs(pk.lines["quantity"][lines]), np.abs(pk.lines["quantity"][copied]))
        pk.links.add(len(lines), origin=lines, target=copied, quantity=quantity)
    return made


def _invoices(rng: np.random.Generator, pk: Purchases, calendar: BusinessCalendar, receipts: Int) -> Int:
    """One invoice per receipt some days later, or one a month and supplier; the latest are still to come."""
    supplier, day = pk.documents["supplier"][receipts], pk.documents["day"][receipts]
    month = day.astype("datetime64[D]").astype("datetime64[M]")
    end = (month + 1).astype("datetime64[D]").astype(np.int64) - 1
    monthly = supplier % MONTHLY == 1
    when = calendar.roll(np.where(monthly, end, day + rng.integers(1, 10, len(day))))
    come = when <= calendar.as_of
    receipts, supplier, when, monthly = receipts[come], supplier[come], when[come], monthly[come]
    key = np.where(monthly, supplier * 1_000_000 + when, -1 - np.arange(len(receipts)))
    _, lead, member = np.unique(key, return_index=True, return_inverse=True)
    made = pk.documents.add(
        len(lead),
        kind=INVOICE,
        supplier=supplier[lead],
        day=when[lead],
        origin=receipts[lead],
        shipping=pk.documents["shipping"][receipts[lead]],
    )
    target = np.full(pk.documents.size, -1)
    target[receipts] = made[member]
    rows = np.flatnonzero(target[pk.lines["document"]] >= 0)
    columns: dict[str, Int | int] = {name: pk.lines[name][rows] for name in LINES}
    copied = pk.lines.add(len(rows), **{**columns, "document": target[pk.lines["document"][rows]], "moves": 0})
    pk.links.add(len(rows), origin=rows, target=copied, quantity=np.abs(pk.lines["quantity"][rows]))
    return made


def _returns(
    rng: np.random.Generator,
    scale: float,
    pk: Purchases,
    suppliers: Suppliers,
    calendar: BusinessCalendar,
    receipts: Int,
    sign: int,
) -> None:
    """Goods sent back for their quality, mostly to the suppliers of bad goods; four in five are credited."""
    old = receipts[pk.documents["day"][receipts] < calendar.as_of - 40]
    weight = suppliers.share("defect", pk.documents["supplier"][old])
    draw = -np.log(rng.random(len(old))) / np.maximum(weight, 1e-9)
    chosen = old[np.argsort(draw, kind="stable")[: at_least_one(RETURNS, scale)]]
    rows = np.flatnonzero(np.isin(pk.lines["document"], chosen))
    rows = rows[rank_in_group(pk.lines["document"][rows]) == 0]
    back = np.where(pk.lines["quantity"][rows] >= 2000, pk.lines["quantity"][rows] // 2000 * 1000, 1000) * sign
    day = calendar.roll(pk.documents["day"][chosen] + rng.integers(2, 20, len(chosen)))
    returned = _copy(pk, chosen, rows, RETURN, day, quantity=back, moves=1, link=True)
    pk.documents["shipping"][returned] = 0
    credited = returned[np.arange(len(returned)) % 5 != 4]
    rows = np.flatnonzero(np.isin(pk.lines["document"], credited))
    notes = _copy(
        pk, credited, rows, CREDIT_NOTE, calendar.roll(pk.documents["day"][credited] + 12), moves=0, link=True
    )
    pk.plant("goods returned for quality", "documents", returned, "supplier defect rate")
    pk.plant("supplier credit note of a return", "documents", notes, "purchases")


def _price_credits(
    rng: np.random.Generator, scale: float, pk: Purchases, calendar: BusinessCalendar, invoices: Int, sign: int
) -> None:
    """A supplier takes off a tenth of the price of one line; nothing comes back."""
    old = invoices[pk.documents["day"][invoices] < calendar.as_of - 60]
    chosen = rng.permutation(old)[: at_least_one(PRICE_CREDITS, scale)]
    rows = np.flatnonzero(np.isin(pk.lines["document"], chosen))
    rows = rows[rank_in_group(pk.lines["document"][rows]) == 0]
    less = np.maximum(pk.lines["price"][rows] // 10, 1)
    day = calendar.roll(pk.documents["day"][chosen] + rng.integers(5, 50, len(chosen)))
    made = _copy(pk, chosen, rows, CREDIT_NOTE, day, quantity=1000 * sign, price=less, moves=0, link=False)
    pk.documents["shipping"][made] = 0
    pk.plant("supplier credit note on the price only", "documents", made, "purchases, without any quantity")
