"""Purchases without a written order: over the counter, overheads, quotes, duplicates; text lines up to the table's size.

Together with ``purchasing`` it brings ``PurchaseDocument`` and ``PurchaseDocumentLine`` to their exact row counts.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.primitives import Int, at_least_one, exactly, spread
from ebp_lakehouse.demo.company.purchasing import (
    CREDIT_NOTE,
    INVOICE,
    LINES,
    QUOTE,
    Purchases,
    first_of,
    group_nearest,
    lines_of_buys,
)  # fmt: skip
from ebp_lakehouse.demo.company.replenishment import Buys
from ebp_lakehouse.demo.company.suppliers import GOODS, OVERHEADS, SERVICES

DUPLICATES, BIG_OVERHEADS = 5, 3
TEXT = 9
FREE_TEXTS = 4
OVERHEAD_TEXT, FREE_TEXT = 0, len(OVERHEADS)  # where the two kinds of text start in ``texts``
COUNTER_SHARE = 0.6  # of the invoices without an order; the others are overheads


def texts() -> list[str]:
    """Every text a purchase line may show."""
    return [
        *(caption for caption, _, _ in OVERHEADS),
        "Suivant bon de livraison", "Référence chantier", "Port inclus", "Livraison au dépôt",
    ]  # fmt: skip


def fill(
    rng: np.random.Generator,
    scale: float,
    pk: Purchases,
    counter: Buys,
    calendar: BusinessCalendar,
    documents: int,
    lines: int,
    payable: int,
) -> None:
    """Add what is missing until there are ``documents``, of which ``payable`` invoices and credit notes, and ``lines``."""
    kinds = pk.documents["kind"]
    due = int(np.isin(kinds, (INVOICE, CREDIT_NOTE)).sum())
    duplicates = at_least_one(DUPLICATES, scale)
    quotes = documents - payable - (pk.documents.size - due)
    invoices = payable - due - duplicates
    if quotes < 0 or invoices < 0:
        raise ValueError(f"the purchase chain leaves no room: {quotes} quotes, {invoices} invoices")
    _duplicate(rng, pk, calendar, duplicates)
    _quotes(rng, pk, counter, quotes)
    room = max(0, lines - pk.lines.size)
    over = invoices - min(round(COUNTER_SHARE * invoices), len(counter.item))
    overhead_lines = np.minimum(rng.geometric(0.75, over), 4)
    bought = max(0, min(len(counter.item), round(0.96 * (room - int(overhead_lines.sum())))))
    # The oldest go: what was bought then is in the starting stock.
    kept = counter.only(np.sort(np.argsort(-counter.day, kind="stable")[:bought]))
    made = _counter(rng, pk, kept, invoices - over)
    _overheads(rng, scale, pk, calendar, overhead_lines, invoices - made)
    _pad(rng, pk, lines - pk.lines.size)


def _duplicate(rng: np.random.Generator, pk: Purchases, calendar: BusinessCalendar, count: int) -> None:
    """Supplier invoices typed twice: same supplier, number, lines; some days later, and no goods moved."""
    old = (pk.documents["kind"] == INVOICE) & (pk.documents["day"] < calendar.as_of - 30)
    old &= pk.documents["day"] > calendar.as_of - 700
    source = np.flatnonzero(exactly(rng, old, count))
    source = np.concatenate([source, np.flatnonzero(pk.documents["kind"] == INVOICE)[: count - len(source)]])
    place = np.full(pk.documents.size, -1)
    place[source] = np.arange(len(source))
    made = pk.documents.add(
        len(source), kind=INVOICE, supplier=pk.documents["supplier"][source], same_as=source,
        day=calendar.roll(pk.documents["day"][source] + rng.integers(3, 15, len(source))),
        shipping=pk.documents["shipping"][source],
    )  # fmt: skip
    rows = np.flatnonzero(place[pk.lines["document"]] >= 0)
    columns: dict[str, Int | int] = {name: pk.lines[name][rows] for name in LINES}
    pk.lines.add(len(rows), **{**columns, "document": made[place[pk.lines["document"][rows]]], "moves": 0})
    pk.plant("supplier invoice typed twice", "documents", made, "purchases, payables, duplicate-invoice check")


def _quotes(rng: np.random.Generator, pk: Purchases, counter: Buys, count: int) -> None:
    chosen = rng.integers(0, max(1, len(counter.item)), count)
    asked = counter.only(chosen)
    made = pk.documents.add(count, kind=QUOTE, supplier=asked.supplier, day=asked.day)
    pk.lines.add(count, document=made, **lines_of_buys(asked))


def _counter(rng: np.random.Generator, pk: Purchases, buys: Buys, wanted: int) -> int:
    """Goods taken at the counter: the invoice is the receipt. How many invoices that made."""
    number = group_nearest(buys.supplier, buys.day, wanted)
    day = first_of(number, buys.day)
    lead = np.searchsorted(np.sort(number), np.arange(len(day)))
    supplier = buys.supplier[np.argsort(number, kind="stable")[lead]] if len(day) else buys.supplier[:0]
    size = len(day)
    made = pk.documents.add(
        size,
        kind=INVOICE,
        supplier=supplier,
        day=day,
        footer_bp=np.where(rng.random(size) < 0.05, 300, 0),
        financial_bp=np.where(rng.random(size) < 0.02, 100, 0),
        shipping=np.where(rng.random(size) < 0.08, rng.integers(10, 40, size) * 100, 0),
    )
    pk.lines.add(len(buys.item), document=made[number], moves=1, **lines_of_buys(buys))
    return size


def _overheads(
    rng: np.random.Generator, scale: float, pk: Purchases, calendar: BusinessCalendar, per_invoice: Int, count: int
) -> None:
    """Rent, fuel, subcontractors …: free text with a price, no item."""
    per_invoice = np.concatenate([per_invoice, np.ones(max(0, count - len(per_invoice)), dtype=np.int64)])[:count]
    supplier = GOODS + rng.integers(0, SERVICES, count)
    share = np.sort(rng.random(count))
    day = calendar.days[np.minimum(np.searchsorted(calendar.cumulated, share), len(calendar.days) - 1)]
    made = pk.documents.add(count, kind=INVOICE, supplier=supplier, day=day)
    owner, _ = spread(per_invoice)
    what = supplier[owner] % len(OVERHEADS)
    low, high = (np.array([o[n] for o in OVERHEADS])[what] for n in (1, 2))
    price = (low + (high - low) * rng.random(len(owner))).astype(np.int64)
    rows = pk.lines.add(
        len(owner), document=made[owner], quantity=1000, price=price, text=OVERHEAD_TEXT + what, line_type=10
    )
    big = rows[exactly(rng, day[owner] > calendar.as_of - 400, at_least_one(BIG_OVERHEADS, scale))]
    pk.lines["price"][big] *= 10
    pk.plant("supplier invoice with an amount ten times the usual", "lines", big, "anomalies of purchases")


def _pad(rng: np.random.Generator, pk: Purchases, missing: int) -> None:
    if missing < 0:
        raise ValueError(f"the purchases have {-missing} lines too many")
    anchor = rng.integers(0, pk.lines.size, missing)
    pk.lines.add(
        missing,
        document=pk.lines["document"][anchor],
        line_type=TEXT,
        text=FREE_TEXT + rng.integers(0, FREE_TEXTS, missing),
    )
