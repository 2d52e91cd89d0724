"""What we owe suppliers and how we pay it: ``PurchaseCommitment``, ``PurchaseSettlement`` and their association.

Same identities as on the sales side: instalments add up to the amount due and their balances to the document's;
amount - balance = what settlements and set-offs assigned.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.payments import Payments, cash_rows, due_days, instalments_of, settlement_groups
from ebp_lakehouse.demo.company.pricing import sum_by
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Int,
    at_least_one,
    decimals,
    exactly,
    office_time,
    spread,
    stamps,
    take,
    users,
    uuids,
)  # fmt: skip
from ebp_lakehouse.demo.company.purchasing import CREDIT_NOTE, INVOICE, Purchases
from ebp_lakehouse.demo.company.suppliers import Suppliers
from ebp_lakehouse.demo.company.truth import GroundTruth

COMMITMENTS, SETTLEMENTS, ASSOCIATIONS = 8603, 5183, 8082  # reference installation
MEANS = ("VIR", "CHQ", "LCR", "PRLV")
LATE_PAID, DISPUTED = 0.12, 12  # share of the invoices we pay a month late; invoices we do not pay


def build(
    rng: np.random.Generator,
    scale: float,
    calendar: BusinessCalendar,
    suppliers: Suppliers,
    pk: Purchases,
    total_due: Int,
    document_ids: pl.Series,
    truth: GroundTruth,
) -> Payments:
    """Everything about money paid. ``total_due`` in cents per document."""
    docs = pk.documents
    document, amount, due = _instalments(rng, round(COMMITMENTS * scale), suppliers, pk, total_due)
    size = len(document)
    supplier, kind = docs["supplier"][document], docs["kind"][document]
    late = rng.random(size) < LATE_PAID
    day = calendar.roll(
        np.maximum(due + np.where(late, rng.integers(15, 50, size), rng.integers(-2, 3, size)), docs["day"][document])
    )
    disputed = exactly(rng, (kind == INVOICE) & (due < calendar.as_of - 60), at_least_one(DISPUTED, scale))
    # The invoice typed twice is found after a while and never paid: it stays in the payables.
    twice = docs["same_as"][document] >= 0
    paid = (day <= calendar.as_of) & ~disputed & ~twice & (amount != 0)
    offset, pairs = _set_offs(rng, document, amount, pk)
    cash = np.where(paid, amount - offset, 0)
    wanted = round(ASSOCIATIONS * scale) - 2 * len(pairs)
    commitment, part, when, dropped = cash_rows(rng, cash, day, np.zeros(size, dtype=bool), wanted, calendar)
    cash[dropped] = 0
    balance = amount - offset - cash
    group, group_day = settlement_groups(supplier[commitment], commitment, part, when, round(SETTLEMENTS * scale))
    pay_day = np.zeros(size, dtype=np.int64)
    np.maximum.at(pay_day, commitment, group_day[group])
    for one, other in ((pairs[:, 0], pairs[:, 1]), (pairs[:, 1], pairs[:, 0])):
        np.maximum.at(pay_day, one, np.maximum(docs["day"][document[one]], docs["day"][document[other]]))
    ids, settlement_ids = uuids(rng, size), uuids(rng, len(group_day))
    last_day = np.zeros(docs.size, dtype=np.int64)
    np.maximum.at(last_day, document, pay_day)
    paid_late = np.flatnonzero(late & (balance == 0) & (kind == INVOICE))
    truth.plant(
        "supplier invoice in dispute, not paid",
        "PurchaseCommitment",
        ids.gather(np.flatnonzero(disputed)),
        "payables, DPO",
    )
    truth.plant("supplier paid late", "PurchaseCommitment", ids.gather(paid_late), "DPO, days late")
    return Payments(
        commitments=_commitments(rng, calendar, suppliers, pk, document, amount, due, balance, pay_day, ids, document_ids),
        settlements=_settlements(rng, calendar, suppliers, supplier, commitment, part, group, group_day, settlement_ids),
        associations=_associations(
            rng, pk, document, ids, settlement_ids, commitment, part, group, group_day, offset, pairs
        ),
        balance=sum_by(document, balance, docs.size),
        last_day=last_day,
    )  # fmt: skip


def _instalments(
    rng: np.random.Generator, target: int, suppliers: Suppliers, pk: Purchases, total_due: Int
) -> tuple[Int, Int, Int]:
    """``target`` instalments: (document, cents, due day); invoices are cut in two, then in three, to get there."""
    docs = pk.documents
    documents = np.flatnonzero(np.isin(docs["kind"], (INVOICE, CREDIT_NOTE)) & (total_due != 0))
    splittable = np.flatnonzero((docs["kind"][documents] == INVOICE) & (total_due[documents] > 3000))
    missing = target - len(documents)
    slots = np.concatenate([rng.permutation(splittable), rng.permutation(splittable)])[: max(0, missing)]
    count = 1 + np.bincount(slots, minlength=len(documents))
    owner, position = spread(count)
    document = documents[owner]
    each = total_due[document] // count[owner]
    amount = np.where(position == count[owner] - 1, total_due[document] - each * (count[owner] - 1), each)
    term = suppliers.term[docs["supplier"][document]]
    return document, amount, due_days(docs["day"][document], np.minimum(term, len(small.TERMS) - 1), position)


def _set_offs(rng: np.random.Generator, document: Int, amount: Int, pk: Purchases) -> tuple[Int, np.ndarray]:
    """Half of the credit notes are set off against a later and larger invoice of the supplier."""
    kind, supplier, day = (pk.documents[name][document] for name in ("kind", "supplier", "day"))
    credit = np.flatnonzero((kind == CREDIT_NOTE) & (rng.random(len(document)) < 0.5))
    taken: set[int] = set()
    pairs: list[tuple[int, int]] = []
    for row in credit.tolist():
        fits = np.flatnonzero(
            (kind == INVOICE)
            & (supplier == supplier[row])
            & (amount >= abs(amount[row]))
            & (np.abs(day - day[row]) < 120)
        )
        free = [invoice for invoice in fits.tolist() if invoice not in taken]
        if free:
            taken.add(free[0])
            pairs.append((free[0], row))
    offset = np.zeros(len(document), dtype=np.int64)
    found = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    offset[found[:, 1]] = amount[found[:, 1]]
    offset[found[:, 0]] = np.abs(amount[found[:, 1]])
    return offset, found


def _commitments(
    rng: np.random.Generator,
    calendar: BusinessCalendar,
    suppliers: Suppliers,
    pk: Purchases,
    document: Int,
    amount: Int,
    due: Int,
    balance: Int,
    pay_day: Int,
    ids: pl.Series,
    document_ids: pl.Series,
) -> pl.DataFrame:
    size = len(document)
    created = office_time(rng, np.minimum(pk.documents["day"][document], calendar.as_of))
    closed = balance == 0
    last = np.maximum(created, pay_day * DAY_US + 36_000_000_000)
    parts = instalments_of(suppliers.term[pk.documents["supplier"][document]])
    return pl.DataFrame(
        {
            "Id": ids,
            "DocumentId": take(document_ids, document),
            "DocumentType": pk.documents["kind"][document],
            "ThirdId": take(suppliers.codes, pk.documents["supplier"][document]),
            "DueDate": stamps(due * DAY_US),
            "Amount": decimals(amount),
            "BalanceDue": decimals(balance),
            "CurrencyAmount": decimals(amount),
            "CurrencyBalanceDue": decimals(balance),
            "IsLiquidated": closed,
            "LiquidationStateChangeDate": pl.select(
                pl.when(pl.Series(closed & (pay_day > 0))).then(stamps(pay_day * DAY_US))
            ).to_series(),
            "IsDeposit": np.zeros(size, dtype=bool),
            "PaymentTypeId": take(MEANS, rng.integers(0, 4, size)),
            "DaysNumber": np.array([t[3] for t in small.TERMS])[suppliers.term[pk.documents["supplier"][document]]],
            "PercentageDistribution": decimals(10_000 // parts),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(np.minimum(last, calendar.as_of * DAY_US + 66_600_000_000)),
            "sysModifiedUser": users(rng, size),
        }
    )


def _settlements(
    rng: np.random.Generator,
    calendar: BusinessCalendar,
    suppliers: Suppliers,
    supplier: Int,
    commitment: Int,
    part: Int,
    group: Int,
    group_day: Int,
    ids: pl.Series,
) -> pl.DataFrame:
    size = len(group_day)
    owner = np.zeros(size, dtype=np.int64)
    owner[group] = supplier[commitment]
    total = sum_by(group, part, size)
    created = office_time(rng, np.minimum(group_day, calendar.as_of))
    return pl.DataFrame(
        {
            "Id": ids,
            "SettlementDate": stamps(group_day * DAY_US),
            "Amount": decimals(total),
            "CurrencyAmount": decimals(total),
            "RemainingAmount": decimals(np.zeros(size, dtype=np.int64)),
            "ValidationState": np.where(group_day < calendar.as_of - 45, 3, 0),
            "IsLiquidated": np.ones(size, dtype=bool),
            "IsDeposit": np.zeros(size, dtype=bool),
            "PaymentTypeId": take(MEANS, rng.choice(4, size, p=[0.6, 0.15, 0.15, 0.1])),
            "ThirdId": take(suppliers.codes, owner),
            "Reference": take([f"VIR{n:06d}" for n in range(size)], np.where(rng.random(size) < 0.5, np.arange(size), -1)),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(created),
            "sysModifiedUser": users(rng, size),
        }
    )  # fmt: skip


def _associations(
    rng: np.random.Generator,
    pk: Purchases,
    document: Int,
    ids: pl.Series,
    settlement_ids: pl.Series,
    commitment: Int,
    part: Int,
    group: Int,
    group_day: Int,
    offset: Int,
    pairs: np.ndarray,
) -> pl.DataFrame:
    """Cash, then one row on each side of every set-off."""
    sides, linked = np.concatenate([pairs[:, 0], pairs[:, 1]]), np.concatenate([pairs[:, 1], pairs[:, 0]])
    owner = np.concatenate([commitment, sides])
    days = np.concatenate(
        [group_day[group], np.maximum(pk.documents["day"][document[sides]], pk.documents["day"][document[linked]])]
    )
    size, money = len(owner), decimals(np.concatenate([part, offset[sides]]))
    moment = stamps(office_time(rng, days))
    return pl.DataFrame(
        {
            "Id": uuids(rng, size),
            "SettlementId": take(settlement_ids, np.concatenate([group, np.full(len(sides), -1)])),
            "CommitmentId": take(ids, owner),
            "LinkedCommitmentId": take(ids, np.concatenate([np.full(len(commitment), -1), linked])),
            "AssignedAmount": money,
            "CurrencyAssignedAmount": money,
            "sysCreatedDate": moment,
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": moment,
            "sysModifiedUser": users(rng, size),
        }
    )
