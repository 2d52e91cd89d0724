"""Documents made from other documents, and planted cases: credit notes, returns, deposits, negative invoices.

Each function adds to the skeleton; none prices anything.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np

from ebp_lakehouse.demo.company import anomalies, pricing
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.chains import CREDIT_NOTE, DEPOSIT, DEPOSIT_CREDIT, INVOICE, RETURN, Chains
from ebp_lakehouse.demo.company.primitives import Bool, Int, at_least_one, exactly, rank_in_group
from ebp_lakehouse.demo.company.skeleton import DOCUMENT_COLUMNS, LINE_COLUMNS, Skeleton

CREDIT_NOTES = 380  # about 4 % of the invoices, plus those of the returns
RETURNS = 110
DEPOSITS = 46  # deposit invoices (kind 4); as many more deposits are plain settlements on the order
DEPOSITS_REFUNDED = 6
DEPOSITS_WAITING = 4  # invoiced on an order that is not invoiced yet
ORIGIN_BY_TABLE, ORIGIN_BY_LINES, ORIGIN_BY_TEXT, UNLINKED = 1, 2, 3, 0
TABLE_ORIGINS = 77  # rows of SaleCreditMemoOrigin in the reference installation


def room(scale: float) -> int:
    """Documents this module adds, so that the chains leave room for them."""
    returns = at_least_one(RETURNS, scale)
    return (
        at_least_one(CREDIT_NOTES, scale)
        + returns
        + (returns + 1) // 2
        + at_least_one(DEPOSITS, scale)
        + 2 * at_least_one(DEPOSITS_REFUNDED, scale)
        + at_least_one(DEPOSITS_WAITING, scale)
        + anomalies.room(scale)
    )


def build(
    rng: np.random.Generator, scale: float, chains: Chains, calendar: BusinessCalendar, sk: Skeleton, sign: int
) -> None:
    """Credit notes, returns and deposits. ``sign`` is -1 when EBP stores credit notes negative, +1 when positive."""
    docs = sk.documents
    settled = calendar.as_of - 130
    candidates = (docs["kind"] == INVOICE) & (docs["template"] == 0) & (docs["day"] <= settled)
    invoices = np.flatnonzero(exactly(rng, candidates, at_least_one(CREDIT_NOTES, scale)))
    # The first one is credited in full: make it the one with most lines, so that a line can go the other way.
    longest = int(np.argmax(np.bincount(sk.lines["document"], minlength=docs.size)[invoices]))
    invoices[[0, longest]] = invoices[[longest, 0]]
    _credit_notes(rng, scale, invoices, calendar, sk, sign)
    deliveries = (docs["kind"] == 6) & (docs["day"] <= settled)
    _returns(rng, np.flatnonzero(exactly(rng, deliveries, at_least_one(RETURNS, scale))), calendar, sk, sign)
    _deposits(rng, scale, chains, calendar, sk, sign)
    _plant(rng, scale, chains, calendar, sk)


def _copy_documents(sk: Skeleton, source: Int, **changes: Int | int) -> Int:
    columns: dict[str, Int | int] = {name: sk.documents[name][source] for name in DOCUMENT_COLUMNS}
    return sk.documents.add(
        len(source), **{**columns, "deposit_document": -1, "deposit_share": 0, "revision": 0, **changes}
    )


def _copy_lines(sk: Skeleton, source: Int, **changes: Int | int) -> Int:
    columns: dict[str, Int | int] = {name: sk.lines[name][source] for name in LINE_COLUMNS}
    return sk.lines.add(len(source), **{**columns, "parent": -1, "top": -1, **changes})


def _counted_lines(sk: Skeleton, documents: Int) -> tuple[Int, Int]:
    """Level-0 lines of the documents: (line, position of its document in ``documents``)."""
    position = np.full(sk.documents.size, -1)
    position[documents] = np.arange(len(documents))
    lines = np.flatnonzero(
        (position[sk.lines["document"]] >= 0) & (sk.lines["level"] == 0) & (sk.lines["not_included"] == 0)
    )
    return lines, position[sk.lines["document"][lines]]


def _credit_notes(
    rng: np.random.Generator, scale: float, invoices: Int, calendar: BusinessCalendar, sk: Skeleton, sign: int
) -> None:
    """Full (0), partial quantity (1) and price-only (2) credit notes, days to a year after their invoice."""
    size = len(invoices)
    mode = rng.choice([0, 1, 2], size, p=[0.4, 0.4, 0.2])
    mode[:1] = 0
    later = sk.documents["day"][invoices] + np.where(
        rng.random(size) < 0.1, rng.integers(200, 420, size), rng.integers(4, 90, size)
    )
    day = calendar.roll(
        np.where(later > calendar.as_of, sk.documents["day"][invoices] + rng.integers(4, 100, size), later)
    )
    link = np.where(
        rng.random(size) < 0.45, ORIGIN_BY_LINES, np.where(rng.random(size) < 0.5, ORIGIN_BY_TEXT, UNLINKED)
    )
    link[: at_least_one(TABLE_ORIGINS, scale)] = ORIGIN_BY_TABLE
    full = (mode == 0).astype(np.int64)
    made = _copy_documents(
        sk,
        invoices,
        kind=CREDIT_NOTE,
        day=day,
        origin=invoices,
        origin_link=link,
        shipping=sk.documents["shipping"][invoices] * full * sign,
        charges=sk.documents["charges"][invoices] * full * sign,
        footer_bp=np.where(mode == 2, 0, sk.documents["footer_bp"][invoices]),
    )
    lines, at = _counted_lines(sk, invoices)
    keep = (mode[at] == 0) | (rank_in_group(at) == 0)
    lines, at = lines[keep], at[keep]
    quantity, price = sk.lines["quantity"][lines], sk.lines["price"][lines]
    less = np.where(np.abs(quantity) >= 2000, quantity // 2000 * 1000, quantity)
    quantity = np.where(mode[at] == 1, less, np.where(mode[at] == 2, 1000, quantity))
    only_price = mode[at] == 2
    discounts = {d: np.where(only_price, 0, sk.lines[d][lines]) for d in ("d0", "d1", "d2")}
    # A full credit note with a line the other way (a fee kept by the company) on a few of them, at least one.
    last = np.zeros(len(lines), dtype=bool)
    last[np.flatnonzero(np.diff(at, append=-1))] = True
    crossed = last & (rank_in_group(at) > 0) & (quantity > 0) & (price > 0) & (sk.lines["d0"][lines] < 10_000)
    # Not so large that the whole credit note would turn round.
    worth = np.abs(quantity) * price
    crossed &= 3 * worth < pricing.sum_by(at, worth, size)[at]
    crossed = exactly(rng, crossed, max(1, round(0.02 * size)))
    quantity = np.where(crossed, -quantity, quantity) * sign
    rows = _copy_lines(
        sk,
        lines,
        document=made[at],
        quantity=quantity,
        unit_quantity=quantity,
        price=np.where(only_price, np.maximum(price // 10, 1), price),
        cost=np.where(only_price, 0, sk.lines["cost"][lines]),
        ecotax=np.where(only_price, 0, sk.lines["ecotax"][lines]),
        **discounts,
    )
    linked = link[at] == ORIGIN_BY_LINES
    sk.links.add(int(linked.sum()), origin=lines[linked], target=rows[linked], quantity=np.abs(quantity[linked]))


def _returns(rng: np.random.Generator, deliveries: Int, calendar: BusinessCalendar, sk: Skeleton, sign: int) -> None:
    """Return notes of part of a delivery; every other one is followed by its credit note."""
    size = len(deliveries)
    nothing = {"footer_bp": 0, "financial_bp": 0, "shipping": 0, "charges": 0, "deposit_share": 0}
    day = calendar.roll(sk.documents["day"][deliveries] + rng.integers(3, 60, size))
    returns = _copy_documents(
        sk, deliveries, kind=RETURN, day=day, origin=deliveries, origin_link=ORIGIN_BY_LINES, **nothing
    )
    lines, at = _counted_lines(sk, deliveries)
    keep = rank_in_group(at) == 0
    lines, at = lines[keep], at[keep]
    quantity = np.where(sk.lines["quantity"][lines] >= 2000, 1000, sk.lines["quantity"][lines]) * sign
    rows = _copy_lines(sk, lines, document=returns[at], quantity=quantity, unit_quantity=quantity)
    sk.links.add(len(lines), origin=lines, target=rows, quantity=np.abs(quantity))
    credited = returns[: (size + 1) // 2]
    notes = _copy_documents(
        sk,
        credited,
        kind=CREDIT_NOTE,
        day=calendar.roll(day[: len(credited)] + 2),
        origin=credited,
        origin_link=ORIGIN_BY_LINES,
    )
    lines, at = _counted_lines(sk, credited)
    rows = _copy_lines(sk, lines, document=notes[at])
    sk.links.add(len(lines), origin=lines, target=rows, quantity=np.abs(sk.lines["quantity"][lines]))


def _deposits(
    rng: np.random.Generator, scale: float, chains: Chains, calendar: BusinessCalendar, sk: Skeleton, sign: int
) -> None:
    """30 % deposit invoices deducted from the final invoice, deposits paid on the order, deposits refunded."""
    order, invoice = chains.documents["O"], chains.documents["I1"]
    whole = chains.on("FULL", "ORDER") & (order >= 0) & (invoice >= 0)
    chosen = exactly(rng, whole, at_least_one(DEPOSITS, scale))
    # By settlement on the order instead of a deposit invoice: 30 %, or everything so that nothing is due.
    settled = exactly(rng, whole & ~chosen, at_least_one(DEPOSITS, scale))
    share = np.where(rng.random(int(settled.sum())) < 0.15, 10_000, 3000)
    share[:1] = 10_000
    sk.documents["deposit_share"][invoice[settled]] = share
    made = _deposit_invoices(order[chosen], 30, calendar, sk, DEPOSIT)
    sk.documents["deposit_document"][invoice[chosen]] = made
    free = (order >= 0) & ~chosen & ~settled & ~chains.on("CANCELLED")
    # Those whose invoice is still to come first; an invoice that forgot the deposit leaves it waiting as well.
    waiting = np.concatenate([np.flatnonzero(free & (invoice < 0)), np.flatnonzero(free & (invoice >= 0))])
    early = order[waiting[: at_least_one(DEPOSITS_WAITING, scale)]]
    sk.plant(
        "deposit invoice not yet applied", "documents", _deposit_invoices(early, 30, calendar, sk, DEPOSIT),
        "deposits not yet applied",
    )  # fmt: skip
    dead = np.flatnonzero(chains.on("CANCELLED") & (order >= 0))[: at_least_one(DEPOSITS_REFUNDED, scale)]
    refunded = _deposit_invoices(order[dead], 30, calendar, sk, DEPOSIT)
    back = _copy_documents(
        sk,
        refunded,
        kind=DEPOSIT_CREDIT,
        day=calendar.roll(np.minimum(sk.documents["day"][refunded] + 20, calendar.as_of)),
        origin=refunded,
    )
    lines, at = _counted_lines(sk, refunded)
    _copy_lines(sk, lines, document=back[at], quantity=sign * 1000, unit_quantity=sign * 1000)


def _deposit_invoices(orders: Int, percent: int, calendar: BusinessCalendar, sk: Skeleton, kind: int) -> Int:
    lines, at = _counted_lines(sk, orders)
    column = sk.lines
    unit = pricing.discounted(column["price"][lines], (column["d0"][lines], column["d1"][lines], column["d2"][lines]))
    worth = pricing.sum_by(at, pricing.round_half_away(unit * column["quantity"][lines], 1000), len(orders))
    made = _copy_documents(
        sk, orders, kind=kind, origin=orders, footer_bp=0, financial_bp=0, shipping=0, charges=0, ttc=0,
        day=np.minimum(calendar.roll_invoicing(sk.documents["day"][orders]), calendar.as_of),
    )  # fmt: skip
    sk.lines.add(
        len(orders),
        document=made,
        quantity=1000,
        unit_quantity=1000,
        price=np.maximum(worth * percent // 100, 100),
        text=-2,
        vat=np.where(sk.documents["shipping_vat"][orders] == 5, 5, 0),
        no_footer=1,
        no_financial=1,
    )
    return made


def _plant(rng: np.random.Generator, scale: float, chains: Chains, calendar: BusinessCalendar, sk: Skeleton) -> None:
    """Negative invoices, a negative quantity on an ordinary invoice, two post-dated documents, posted templates."""
    docs, lines = sk.documents, sk.lines
    direct = np.zeros(docs.size, dtype=bool)
    direct[chains.documents["I1"][chains.on("DIRECT") & (chains.documents["I1"] >= 0)]] = True
    used = np.zeros(docs.size, dtype=bool)
    used[docs["origin"][docs["origin"] >= 0]] = True
    free = direct & ~used
    negative = exactly(rng, free & (docs["shipping"] == 0) & (docs["charges"] == 0), at_least_one(4, scale))
    turned = negative[lines["document"]]
    lines["quantity"][turned] *= -1
    lines["unit_quantity"][turned & (lines["level"] == 0)] *= -1
    many = np.bincount(lines["document"], weights=lines["level"] == 0, minlength=docs.size) >= 3
    crossed = exactly(rng, free & ~negative & many, at_least_one(30, scale))
    last = _last_base_line(sk, crossed)
    single = last[~np.isin(last, lines["top"])]
    lines["quantity"][single] *= -1
    lines["unit_quantity"][single] *= -1
    late = np.flatnonzero(exactly(rng, free & ~negative & ~crossed, 1))
    docs["day"][late] = calendar.as_of + 45
    open_orders = (docs["kind"] == 8) & ~np.isin(np.arange(docs.size), lines["document"][sk.links["origin"]]) & ~used
    wrong = np.flatnonzero(exactly(rng, open_orders, 1))
    docs["day"][wrong] = calendar.as_of + 366  # the year typed wrong
    docs["post_dated"][np.concatenate([late, wrong])] = 1
    posted = exactly(rng, docs["template"] == 1, at_least_one(12, scale))
    docs["template"][posted] = 2  # a model document that was really posted: counts as an invoice
    sk.plant("negative invoice", "documents", negative, "revenue (stays negative: wrong sign)")
    touched = negative | crossed
    touched[late] = True
    anomalies.plant(rng, scale, calendar, sk, free & ~touched & ~_deposited(sk))


def _deposited(sk: Skeleton) -> Bool:
    return np.asarray((sk.documents["deposit_document"] >= 0) | (sk.documents["deposit_share"] > 0))


def _last_base_line(sk: Skeleton, documents: Bool) -> Int:
    rows = np.flatnonzero(documents[sk.lines["document"]] & (sk.lines["level"] == 0) & (sk.lines["not_included"] == 0))
    latest = np.full(sk.documents.size, -1)
    latest[sk.lines["document"][rows]] = rows
    return latest[latest >= 0]
