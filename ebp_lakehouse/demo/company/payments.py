"""Instalments, settlements and who paid what: ``SaleCommitment``, ``SaleSettlement`` and their association.

Per document: instalments add up to the amount due and their balances to ``CommitmentsBalanceDue``. Per instalment:
amount - balance = what settlements that were not rejected and set-offs assigned to it, or what was written off.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import dirt
from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.paymentframes import (
    OPENING,
    Instalments,
    association_frame,
    commitment_frame,
    settlement_frame,
)
from ebp_lakehouse.demo.company.pricing import sum_by
from ebp_lakehouse.demo.company.primitives import (
    Bool,
    Int,
    at_least_one,
    exactly,
    generator,
    spread,
    uuids,
)
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.demo.company.truth import GroundTruth

FAR_DAYS = 3653  # the year typed wrong
NEVER_PAID_SHARE = 0.022  # disputes and bad payers, beside what is simply not due yet
WRITTEN_OFF, DOUBTFUL, UNALLOCATED, REJECTED, PARTIAL = 170, 15, 25, 60, 120  # at full scale, at least one of each


@dataclass(frozen=True)
class Payments:
    """The three tables, and per document: balance still due and the day of its last settlement (0 = none)."""

    commitments: pl.DataFrame
    settlements: pl.DataFrame
    associations: pl.DataFrame
    balance: Int
    last_day: Int


def build(
    seed: int,
    scale: float,
    calendar: BusinessCalendar,
    customers: Customers,
    sk: Skeleton,
    total_due: Int,
    payer: Int,
    document_ids: pl.Series,
    truth: GroundTruth,
) -> Payments:
    """Everything about money received. ``total_due`` in cents per document, ``payer`` = debtor of each customer."""
    rng = generator(seed, "payments")
    inst = _instalments(rng, round(15_924 * scale) - at_least_one(OPENING, scale), customers, sk, total_due)
    size = len(inst.amount)
    far = exactly(rng, (inst.kind == 2) & (inst.amount > 0), max(1, round(dirt.FAR_DUE_DATES * size)))
    inst.due[far] += FAR_DAYS
    truth.soil("due ten years ahead", "SaleCommitment", "DueDate", dirt.FAR_DUE_DATES, int(far.sum()), size)
    late_of = np.rint(rng.gamma(1.2, 7, customers.count) - 5).astype(np.int64)
    late_of[rng.random(customers.count) < 0.06] += 45  # some always pay six weeks late
    day = calendar.roll(
        np.maximum(inst.due + late_of[inst.customer] + rng.integers(-4, 9, size), sk.documents["day"][inst.document])
    )
    positive = (inst.amount > 0) & (inst.kind == 2)
    paid = (day <= calendar.as_of) & (rng.random(size) >= NEVER_PAID_SHARE) & (inst.amount != 0)
    old = inst.due < calendar.as_of - 540
    written_off = exactly(rng, ~paid & old & positive, at_least_one(WRITTEN_OFF, scale))

    offset, pairs = _set_offs(rng, inst, sk)
    paid |= inst.amount == offset
    cash = np.where(paid, inst.amount - offset, 0)
    rejected = exactly(rng, paid & (cash > 0) & (inst.due < calendar.as_of - 60), at_least_one(REJECTED, scale))
    partial = exactly(rng, paid & (cash > 5000) & ~rejected, at_least_one(PARTIAL, scale))
    cash = np.where(partial, cash * 2 // 5, cash)
    doubtful = exactly(rng, partial, at_least_one(DOUBTFUL, scale))  # a first part came, the rest is in dispute

    wanted = round(15_516 * scale) - 2 * len(pairs) - int(rejected.sum())
    commitment, amount, when, dropped = cash_rows(rng, cash, day, rejected | partial, wanted, calendar)
    cash[dropped] = 0
    inst.balance = np.where(written_off, 0, inst.amount - offset - cash)
    inst.pay_day = np.zeros(size, dtype=np.int64)

    deposits = np.flatnonzero(sk.documents["deposit_share"] > 0)
    spare = at_least_one(UNALLOCATED, scale)
    groups = round(12_962 * scale) - spare - len(deposits) - int(rejected.sum())
    group, group_day = settlement_groups(payer[inst.customer[commitment]], commitment, amount, when, groups)
    ids = uuids(rng, size)
    settlements, settlement_ids = settlement_frame(
        rng,
        calendar,
        customers,
        inst,
        group,
        group_day,
        commitment,
        amount,
        np.flatnonzero(rejected),
        day,
        deposits,
        spare,
        sk,
        payer,
        document_ids,
    )
    np.maximum.at(inst.pay_day, commitment, group_day[group])
    for one, other in ((pairs[:, 0], pairs[:, 1]), (pairs[:, 1], pairs[:, 0])):
        np.maximum.at(
            inst.pay_day,
            one,
            np.maximum(sk.documents["day"][inst.document[one]], sk.documents["day"][inst.document[other]]),
        )
    associations = association_frame(
        rng,
        ids,
        settlement_ids,
        group,
        group_day,
        commitment,
        amount,
        np.flatnonzero(rejected),
        inst,
        day,
        offset,
        pairs,
        doubtful,
        sk,
    )
    last_day = np.zeros(sk.documents.size, dtype=np.int64)
    np.maximum.at(last_day, inst.document, inst.pay_day)
    return Payments(
        commitments=commitment_frame(
            rng, scale, calendar, customers, inst, ids, written_off, doubtful, rejected, sk, document_ids, payer
        ),
        settlements=settlements,
        associations=associations,
        balance=sum_by(inst.document, inst.balance, sk.documents.size),
        last_day=last_day,
    )


def due_days(day: Int, term: Int, instalment: Int) -> Int:
    """Due day of each instalment under the customer's terms (days, then end of month, then day of month)."""
    days = np.array([t[3] for t in small.TERMS])[term]
    end_of_month = np.array([t[4] for t in small.TERMS])[term]
    month_day = np.array([t[5] for t in small.TERMS])[term]
    due = day + days + 30 * instalment
    month = due.astype("datetime64[D]").astype("datetime64[M]")
    last = (month + 1).astype("datetime64[D]").astype(np.int64) - 1
    return np.asarray(np.where(end_of_month, last + month_day, due), dtype=np.int64)


def instalments_of(term: Int) -> Int:
    """How many instalments the terms ask for."""
    return np.asarray(np.array([t[2] for t in small.TERMS])[term], dtype=np.int64)


def _instalments(
    rng: np.random.Generator,
    target: int,
    customers: Customers,
    sk: Skeleton,
    total_due: Int,
) -> Instalments:
    docs = sk.documents
    payable = np.isin(docs["kind"], (2, 3, 4, 5)) & (docs["template"] != 1) & (total_due != 0)
    documents = np.flatnonzero(payable)
    customer = docs["customer"][documents]
    terms = instalments_of(customers.term[customer])
    # Extra instalments go first to customers whose terms say so, then at random, until the table has its size.
    splittable = (docs["kind"][documents] == 2) & (total_due[documents] > 3000)
    score = rng.random(len(documents))
    slots = np.concatenate([np.where(terms >= 2, score, score + 2), np.where(terms >= 3, score + 1, score + 4)])
    slots = np.where(np.tile(splittable, 2), slots, np.inf)
    taken = np.argsort(slots, kind="stable")[: max(0, min(target - len(documents), 2 * int(splittable.sum())))]
    count = 1 + np.bincount(taken % max(1, len(documents)), minlength=len(documents))
    owner, position = spread(count)
    document = documents[owner]
    each = total_due[document] // count[owner]
    last = position == count[owner] - 1
    amount = np.where(last, total_due[document] - each * (count[owner] - 1), each)
    return Instalments(
        document=document,
        customer=docs["customer"][document],
        amount=amount,
        due=due_days(docs["day"][document], customers.term[docs["customer"][document]], position),
        balance=amount.copy(),
        pay_day=np.zeros(len(document), dtype=np.int64),
        kind=np.where(np.isin(docs["kind"][document], (3, 5)), 3, 2),
    )


def _set_offs(rng: np.random.Generator, inst: Instalments, sk: Skeleton) -> tuple[Int, np.ndarray]:
    """Credit notes set off against the first instalment of their own invoice: (signed offset, pairs invoice-credit)."""
    first_of = np.full(sk.documents.size, -1)
    first_of[inst.document[::-1]] = np.arange(len(inst.document))[::-1]
    source = sk.documents["origin"][inst.document]
    invoice = np.where((inst.kind == 3) & (source >= 0), first_of[np.maximum(source, 0)], -1)
    invoice = np.where((invoice >= 0) & (sk.documents["kind"][np.maximum(source, 0)] == 2), invoice, -1)
    fits = (
        (invoice >= 0)
        & (np.abs(inst.amount) <= inst.amount[np.maximum(invoice, 0)])
        & (rng.random(len(invoice)) < 0.75)
    )
    credit = np.flatnonzero(fits)
    pairs = np.stack([invoice[credit], credit], axis=1)
    offset = np.zeros(len(invoice), dtype=np.int64)
    offset[credit] = inst.amount[credit]
    offset[pairs[:, 0]] = np.abs(inst.amount[credit])
    return offset, pairs


def cash_rows(
    rng: np.random.Generator, cash: Int, day: Int, whole: Bool, wanted: int, calendar: BusinessCalendar
) -> tuple[Int, Int, Int, Bool]:
    """One assignment per paid instalment, some in two, ``wanted`` in all; the mask = payments given up for that.

    ``whole`` payments are never cut in two. Returns (instalment, cents, day) of each assignment, and the mask.
    """
    rows = np.flatnonzero(cash != 0)
    dropped = np.zeros(len(cash), dtype=bool)
    if len(rows) > wanted:  # small scales: the latest payments have not come yet
        latest = rows[np.argsort(day[rows], kind="stable")[::-1]]
        give_up = latest[~whole[latest]][: len(rows) - wanted]
        dropped[give_up] = True
        rows = np.flatnonzero((cash != 0) & ~dropped)
    two = exactly(rng, (cash > 10_000) & ~dropped & ~whole & (day < calendar.as_of - 40), wanted - len(rows))
    extra = np.flatnonzero(two)
    amount = np.concatenate([np.where(two[rows], cash[rows] // 2, cash[rows]), cash[extra] - cash[extra] // 2])
    when = np.concatenate([day[rows], calendar.roll(day[extra] + 21)])
    return np.concatenate([rows, extra]), amount, when, dropped


def settlement_groups(payer: Int, commitment: Int, amount: Int, when: Int, groups: int) -> tuple[Int, Int]:
    """Which settlement each assignment belongs to, and the settlements' days: nearest payments of a payer are one."""
    by = np.lexsort((when, np.sign(amount), payer))
    gap = np.diff(when[by], prepend=0).astype(float)
    same = np.r_[
        False,
        (payer[by][1:] == payer[by][:-1])
        & (amount[by][1:] > 0)
        & (amount[by][:-1] > 0)
        & (commitment[by][1:] != commitment[by][:-1]),
    ]
    gap[~same] = np.inf
    merges = np.argsort(gap, kind="stable")[: max(0, len(by) - groups)]
    joined = np.zeros(len(by), dtype=bool)
    joined[merges] = np.isfinite(gap[merges])
    group = np.empty(len(by), dtype=np.int64)
    group[by] = np.cumsum(~joined) - 1
    days = np.zeros(int(group.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(days, group, when)
    return group, days
