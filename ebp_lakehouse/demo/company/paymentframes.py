"""``SaleCommitment``, ``SaleSettlement`` and their association rendered from what ``payments`` decided.

Who pays what and when is not decided here.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.pricing import sum_by
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Bool,
    Int,
    at_least_one,
    decimals,
    office_time,
    stamps,
    take,
    users,
    uuids,
)
from ebp_lakehouse.demo.company.skeleton import Skeleton

MEANS = ("VIR", "CHQ", "CB", "PRLV", "LCR", "ESP")
OPENING = 12  # balances taken over when EBP was installed, without a document
NUMBERS_OF_OPENING = ("LiquidationType", "TotalReminderNumber", "LastReminderLevel")
FLAGS_OF_OPENING = ("IsDeposit", "HadAnUnpaidSettlement", "WasDoubtfulBeforeUnrecoverable")
LIQUIDATED_WRITE_OFF = 3  # LiquidationType of a balance closed without money; the code is not documented


@dataclass
class Instalments:
    """One row per instalment: document, debtor index, cents, due day, balance, day of its last payment (0 = none)."""

    document: Int
    customer: Int
    amount: Int
    due: Int
    balance: Int
    pay_day: Int
    kind: Int


def settlement_frame(
    rng: np.random.Generator,
    calendar: BusinessCalendar,
    customers: Customers,
    inst: Instalments,
    group: Int,
    group_day: Int,
    commitment: Int,
    amount: Int,
    rejected: Int,
    day: Int,
    deposits: Int,
    spare: int,
    sk: Skeleton,
    payer: Int,
    document_ids: pl.Series,
) -> tuple[pl.DataFrame, pl.Series]:
    """Ordinary, then rejected, then deposits on an order, then money nobody allocated yet."""
    groups = len(group_day)
    owner = np.zeros(groups, dtype=np.int64)
    owner[group] = payer[inst.customer[commitment]]
    deposit_amount = sk.documents["deposit_amount"][deposits]
    third = np.concatenate(
        [
            owner,
            payer[inst.customer[rejected]],
            payer[sk.documents["customer"][deposits]],
            rng.integers(0, customers.count, spare),
        ]
    )
    amounts = np.concatenate(
        [sum_by(group, amount, groups), inst.amount[rejected], deposit_amount, rng.integers(2000, 90_000, spare)]
    )
    recent = calendar.days[-1 - rng.integers(0, min(120, len(calendar.days)), spare)]
    days = np.concatenate(
        [
            group_day,
            np.maximum(day[rejected] - 12, sk.documents["day"][inst.document[rejected]]),
            sk.documents["day"][deposits] - 15,
            recent,
        ]
    )
    size = len(third)
    kind = np.repeat([0, 1, 2, 3], [groups, len(rejected), len(deposits), spare])
    ids = uuids(rng, size)
    created = office_time(rng, days)
    frame = pl.DataFrame(
        {
            "Id": ids,
            "SettlementDate": stamps(days * DAY_US),
            "Amount": decimals(amounts),
            "CurrencyAmount": decimals(amounts),
            "RemainingAmount": decimals(np.where(kind == 3, amounts, 0)),
            "ValidationState": np.where(days < calendar.as_of - 45, 3, 0),
            "IsUnpaid": kind == 1,
            "IsLiquidated": kind != 3,
            "IsDeposit": kind == 2,
            "PaymentTypeId": take(MEANS, rng.choice(6, size, p=[0.45, 0.25, 0.14, 0.1, 0.05, 0.01])),
            "ThirdId": take(customers.frame["Id"], third),
            "ThirdName": take(customers.frame["Name"], third),
            "AssociatedInvoiceId": take(
                document_ids,
                np.where(
                    kind == 2, np.concatenate([np.full(groups + len(rejected), -1), deposits, np.full(spare, -1)]), -1
                ),
            ),
            "Reference": take(
                [f"RGT{n:06d}" for n in range(size)], np.where(rng.random(size) < 0.5, np.arange(size), -1)
            ),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(
                np.minimum(created + rng.integers(0, 5, size) * DAY_US, calendar.as_of * DAY_US + 66_600_000_000)
            ),
            "sysModifiedUser": users(rng, size),
        }
    )
    return frame, ids


def association_frame(
    rng: np.random.Generator,
    ids: pl.Series,
    settlement_ids: pl.Series,
    group: Int,
    group_day: Int,
    commitment: Int,
    amount: Int,
    rejected: Int,
    inst: Instalments,
    day: Int,
    offset: Int,
    pairs: np.ndarray,
    doubtful: Bool,
    sk: Skeleton,
) -> pl.DataFrame:
    """Cash, then rejected payments (kept, to be ignored), then set-offs: one row on each side of the pair."""
    sides = np.concatenate([pairs[:, 0], pairs[:, 1]])
    linked = np.concatenate([pairs[:, 1], pairs[:, 0]])
    owner = np.concatenate([commitment, rejected, sides])
    settlement = np.concatenate([group, len(group_day) + np.arange(len(rejected)), np.full(len(sides), -1)])
    days = np.concatenate(
        [
            group_day[group],
            day[rejected] - 12,
            np.maximum(sk.documents["day"][inst.document[sides]], sk.documents["day"][inst.document[linked]]),
        ]
    )
    size = len(owner)
    moment = stamps(office_time(rng, days))
    money = decimals(np.concatenate([amount, inst.amount[rejected], offset[sides]]))
    return pl.DataFrame(
        {
            "Id": uuids(rng, size),
            "SettlementId": take(settlement_ids, settlement),
            "CommitmentId": take(ids, owner),
            "LinkedCommitmentId": take(ids, np.concatenate([np.full(len(commitment) + len(rejected), -1), linked])),
            "AssignedAmount": money,
            "CurrencyAssignedAmount": money,
            "IsDoubtfulAssociation": doubtful[owner],
            "sysCreatedDate": moment,
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": moment,
            "sysModifiedUser": users(rng, size),
        }
    )


def commitment_frame(
    rng: np.random.Generator,
    scale: float,
    calendar: BusinessCalendar,
    customers: Customers,
    inst: Instalments,
    ids: pl.Series,
    written_off: Bool,
    doubtful: Bool,
    rejected: Bool,
    sk: Skeleton,
    document_ids: pl.Series,
    payer: Int,
) -> pl.DataFrame:
    """Instalments of documents, then opening balances that belong to no document."""
    size, opening = len(inst.amount), at_least_one(OPENING, scale)
    docs = sk.documents
    created = office_time(rng, np.minimum(docs["day"][inst.document], calendar.as_of))
    closed = inst.balance == 0
    change = np.where(written_off, inst.due + 400, inst.pay_day)
    late = (calendar.as_of - inst.due > 10) & ~closed & (inst.amount > 0)
    level = np.where(late, np.minimum((calendar.as_of - inst.due) // 20, 3), 0)
    last = np.maximum(created, np.maximum(change, 0) * DAY_US + 36_000_000_000)
    frame = pl.DataFrame(
        {
            "Id": ids,
            "DocumentId": take(document_ids, inst.document),
            "DocumentType": docs["kind"][inst.document],
            "ThirdId": take(customers.frame["Id"], payer[inst.customer]),
            "PaymentThirdId": take(
                customers.frame["Id"], np.where(payer[inst.customer] != inst.customer, payer[inst.customer], -1)
            ),
            "DueDate": stamps(inst.due * DAY_US),
            "Amount": decimals(inst.amount),
            "BalanceDue": decimals(inst.balance),
            "CurrencyAmount": decimals(inst.amount),
            "CurrencyBalanceDue": decimals(inst.balance),
            "IsLiquidated": closed,
            "LiquidationType": np.where(written_off, LIQUIDATED_WRITE_OFF, 0),
            "LiquidationStateChangeDate": pl.select(
                pl.when(pl.Series(closed & (change > 0))).then(stamps(change * DAY_US))
            ).to_series(),
            "IsDeposit": np.isin(docs["kind"][inst.document], (4, 5)),
            "HadAnUnpaidSettlement": rejected,
            "WasDoubtfulBeforeUnrecoverable": doubtful,
            "PaymentTypeId": take(MEANS, rng.integers(0, 5, size)),
            "PercentageDistribution": decimals(
                np.full(size, 10_000) // np.bincount(inst.document, minlength=docs.size)[inst.document]
            ),
            "TotalReminderNumber": level,
            "LastReminderLevel": level,
            "LastReminderDate": pl.select(
                pl.when(pl.Series(level > 0)).then(stamps((inst.due + 20 * level) * DAY_US))
            ).to_series(),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, size),
            "sysModifiedDate": stamps(np.minimum(last, calendar.as_of * DAY_US + 66_600_000_000)),
            "sysModifiedUser": users(rng, size),
        }
    )
    amounts = rng.integers(5_000, 200_000, opening)
    who = rng.integers(0, customers.count, opening)
    left = np.where(np.arange(opening) % 3 == 0, amounts, 0)
    day = np.full(opening, calendar.first_day)
    extra = pl.DataFrame(
        {
            "Id": uuids(rng, opening),
            "ThirdId": take(customers.frame["Id"], who),
            "DueDate": stamps((day + 30) * DAY_US),
            "Amount": decimals(amounts),
            "BalanceDue": decimals(left),
            "IsLiquidated": left == 0,
            "CurrencyAmount": decimals(amounts),
            "CurrencyBalanceDue": decimals(left),
            "DocumentType": np.full(opening, 2),
            **{name: np.zeros(opening, dtype=np.int64) for name in NUMBERS_OF_OPENING},
            **{name: np.zeros(opening, dtype=bool) for name in FLAGS_OF_OPENING},
            "sysCreatedDate": stamps(day * DAY_US + 36_000_000_000),
            "sysCreatedUser": take(("ADM",), np.zeros(opening, dtype=np.int64)),
            "sysModifiedDate": stamps(day * DAY_US + 36_000_000_000),
            "sysModifiedUser": take(("ADM",), np.zeros(opening, dtype=np.int64)),
        }
    )
    return pl.concat([frame, extra], how="diagonal_relaxed")
