"""Planted on the finished sales skeleton: typing errors that a check should find, and rare but right documents.

Every case is reported with the figure it moves. Cases that the chains bring about by themselves are reported by
``salescases``; those of purchases and stock where they are made.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np

from ebp_lakehouse.demo.company import pricing
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.chains import INVOICE, NAMES, QUOTE
from ebp_lakehouse.demo.company.primitives import Bool, Int, at_least_one, exactly
from ebp_lakehouse.demo.company.skeleton import DOCUMENT_COLUMNS, LINE_COLUMNS, Skeleton

TENFOLD, EXCESSIVE, DUPLICATES, BELOW_COST = 20, 20, 8, 12
FOOTER_AMOUNTS, FOREIGN, REVERSE_CHARGED, ABSURD = 15, 6, 8, 2
FOOTER_AMOUNT = 2_500  # cents taken off at the foot, some lines excluded
RECENT = 800  # days in which errors are planted: checks look at recent documents


def room(scale: float) -> int:
    """Documents added here, so that the chains leave room for them."""
    return at_least_one(DUPLICATES, scale)


def plant(rng: np.random.Generator, scale: float, calendar: BusinessCalendar, sk: Skeleton, free: Bool) -> None:
    """Plant each case on invoices of its own among ``free`` (documents that nothing else refers to or touched)."""
    docs, lines = sk.documents, sk.lines
    base = (lines["level"] == 0) & (lines["not_included"] == 0)
    single = base & ~np.isin(np.arange(lines.size), lines["top"]) & (lines["item"] >= 0) & (lines["d0"] < 10_000)
    single &= (lines["quantity"] > 0) & (lines["line_type"] == 2) & (lines["price"] > 0)
    recent = free & (docs["day"] > calendar.as_of - RECENT) & (docs["day"] < calendar.as_of - 3)
    taken = np.zeros(docs.size, dtype=bool)

    def pick(case_documents: Bool, count: int) -> Int:
        """One line each of ``count`` documents that have not been used yet."""
        owners = np.zeros(docs.size, dtype=bool)
        owners[lines["document"][single]] = True
        chosen = exactly(rng, case_documents & owners & ~taken, at_least_one(count, scale))
        taken[chosen] = True
        candidates = np.flatnonzero(single & chosen[lines["document"]])
        _, first = np.unique(lines["document"][candidates], return_index=True)
        return np.asarray(candidates[first], dtype=np.int64)

    rows = pick(recent & (docs["ttc"] == 0), TENFOLD)
    lines["quantity"][rows] *= 10
    lines["unit_quantity"][rows] *= 10
    sk.plant("quantity ten times too large", "lines", rows, "revenue, quantity: anomaly of a sale line")
    rows = pick(recent, EXCESSIVE)
    lines["d0"][rows], lines["d1"][rows], lines["d2"][rows] = rng.integers(60, 86, len(rows)) * 100, 0, 0
    sk.plant("discount of 60 to 85 %", "lines", rows, "margin, discount: anomaly of a sale line")
    rows = pick(recent, BELOW_COST)
    lines["cost"][rows] = lines["price"][rows] * 13 // 10
    sk.plant("sold below its cost", "lines", rows, "margin below zero")

    plain = free & (docs["footer_bp"] == 0) & (docs["financial_bp"] == 0) & (docs["ttc"] == 0)
    rows = _footer_amounts(rng, scale, sk, plain & ~taken, base)
    taken[rows] = True
    sk.plant(
        "discount at the foot as an amount, a line excluded", "documents", rows, "discount by line (share of each)"
    )
    rows = np.flatnonzero(exactly(rng, plain & ~taken, at_least_one(FOREIGN, scale)))
    docs["foreign"][rows] = 1
    taken[rows] = True
    sk.plant("document in Swiss francs, amounts in euros", "documents", rows, "revenue (no exchange rate is applied)")
    company = plain & ~taken & (docs["shipping"] == 0) & (docs["charges"] == 0)
    reverse = exactly(rng, company, at_least_one(REVERSE_CHARGED, scale))
    docs["reverse"][reverse] = 1
    lines["vat"][reverse[lines["document"]]] = 4
    taken |= reverse
    sk.plant("reverse charge, no VAT invoiced", "documents", reverse, "VAT due")
    _absurd_dates(rng, sk)
    _duplicates(rng, scale, sk, recent & ~taken & (docs["day"] < calendar.as_of - 20), calendar)


def _footer_amounts(rng: np.random.Generator, scale: float, sk: Skeleton, fits: Bool, base: Bool) -> Int:
    """Documents worth much more than the amount without their first line, which is excluded."""
    lines, size = sk.lines, sk.documents.size
    unit = pricing.discounted(lines["price"], (lines["d0"], lines["d1"], lines["d2"]))
    worth = np.where(base, pricing.round_half_away(unit * lines["quantity"], 1000), 0)
    first = np.full(size, lines.size)
    np.minimum.at(first, lines["document"][base], np.flatnonzero(base))
    excluded = np.zeros(lines.size, dtype=bool)
    excluded[first[first < lines.size]] = True
    left = pricing.sum_by(lines["document"], np.where(excluded | (lines["no_footer"] == 1), 0, worth), size)
    rows = np.flatnonzero(exactly(rng, fits & (left > 10 * FOOTER_AMOUNT), at_least_one(FOOTER_AMOUNTS, scale)))
    sk.documents["footer_amount"][rows] = FOOTER_AMOUNT
    lines["no_footer"][first[rows]] = 1
    return rows


def _absurd_dates(rng: np.random.Generator, sk: Skeleton) -> None:
    """A lost quote dated 1900 and one dated 9999: no figure of any year may hold them."""
    lost = (sk.documents["kind"] == QUOTE) & (sk.documents["path"] == NAMES.index("LOST"))
    rows = np.flatnonzero(exactly(rng, lost, ABSURD))
    sk.documents["absurd"][rows] = 1 + np.arange(len(rows)) % ABSURD
    sk.plant("document dated 1900 or 9999", "documents", rows, "quotes by month; date member out of calendar")


def _duplicates(rng: np.random.Generator, scale: float, sk: Skeleton, fits: Bool, calendar: BusinessCalendar) -> None:
    """Invoices typed twice: same customer, lines and amounts one to three days later."""
    layered = np.zeros(sk.documents.size, dtype=bool)
    layered[sk.lines["document"][sk.lines["level"] > 0]] = True
    fits = fits & ~layered & (sk.documents["kind"] == INVOICE)
    source = np.flatnonzero(exactly(rng, fits, room(scale)))
    place = np.full(sk.documents.size, -1)
    place[source] = np.arange(len(source))
    day = calendar.roll_invoicing(sk.documents["day"][source] + rng.integers(1, 4, len(source)))
    made = sk.documents.add(
        len(source), **{name: sk.documents[name][source] for name in DOCUMENT_COLUMNS if name != "day"}, day=day
    )
    rows = np.flatnonzero(place[sk.lines["document"]] >= 0)
    columns: dict[str, Int | int] = {name: sk.lines[name][rows] for name in LINE_COLUMNS}
    sk.lines.add(len(rows), **{**columns, "document": made[place[sk.lines["document"][rows]]]})
    sk.plant("invoice typed twice", "documents", made, "revenue; duplicate-invoice anomaly")
