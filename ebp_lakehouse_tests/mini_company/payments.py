"""What customers owe and paid: commitments (échéances), settlements (règlements) and their assignments (pointages)."""

from __future__ import annotations

from typing import Any

from ebp_lakehouse_tests.mini_company.rows import EARLY, Row, captured, money


def commitment(
    name: str, number: str | None, third: str, due: str, amount: float, balance: float = 0, **others: Any
) -> Row:
    return {
        "Id": name, "DocumentId": number, "ThirdId": third, "DueDate": due,
        "Amount": money(amount), "BalanceDue": money(balance), "DocumentType": 2, **others,
    }  # fmt: skip


def settlement(name: str, third: str, day: str, amount: float, **others: Any) -> Row:
    return {
        "Id": name,
        "ThirdId": third,
        "SettlementDate": day,
        "Amount": money(amount),
        "PaymentTypeId": "VIR",
        **others,
    }


def assignment(settlement_name: str | None, commitment_name: str, amount: float, **others: Any) -> Row:
    return {
        "Id": f"{settlement_name} {commitment_name}", "SettlementId": settlement_name, "CommitmentId": commitment_name,
        "AssignedAmount": money(amount), **others,
    }  # fmt: skip


# fmt: off
COMMITMENTS: list[Row] = [
    commitment("k01", "FA220001", "GONE", "2022-07-01", 120),
    commitment("k02", "FA240001", "C001", "2024-12-15", 240),
    commitment("k03", "FA250001", "C002", "2025-07-10", 120),
    # Two instalments: the first late, the second early; a payment made once more by mistake came back.
    *captured(EARLY,
        commitment("k04a", "FA260001", "C001", "2026-02-28", 67.2, 67.2),
        commitment("k04b", "FA260001", "C001", "2026-03-31", 67.2, 67.2),
    ),
    commitment("k04a", "FA260001", "C001", "2026-02-28", 67.2, HadAnUnpaidSettlement=True),
    commitment("k04b", "FA260001", "C001", "2026-03-31", 67.2),
    commitment("k05", "FA260002", "C002", "2026-03-12", 66, 66, TotalReminderNumber=1, LastReminderLevel=1),
    commitment("k06", "FA260003", "C001", "2026-03-18", 299.9, 175.9),
    commitment("k07", "FA260004", "C005", "2026-03-22", 1032),
    commitment("k08", "FD260001", "C004", "2026-02-05", 300, IsDeposit=True, DocumentType=4),
    commitment("k09", "FA260005", "C001", "2026-04-01", 117.6),
    # Credit notes: amounts in the sign of their headers.
    commitment("k10", "AV260001", "C001", "2026-03-05", 24, DocumentType=3),
    commitment("k11", "AV260002", "C002", "2026-03-09", 18, 18, DocumentType=3),
    commitment("k12", "AV260003", "C002", "2026-03-12", -12, -12, DocumentType=3),
    commitment("k13", "FA260006", "C003B", "2026-03-06", 29.97),
    commitment("k14", "FA260007", "C003B", "2026-03-09", 2.4),
    commitment("k15", "FA260008", "C002", "2026-03-16", 100, 100),
    commitment("k16", "FA260009", "C005", "2026-04-19", 408, 408),
    commitment("k17", "FA260010", "C001", "2026-04-30", 6, 6),
    # An opening balance of the accounts: no document.
    commitment("k18", None, "C001", "2025-12-31", 500, 500),
    commitment("k19", "FA310001", "C001", "2032-01-23", 36, 36),
]

SETTLEMENTS: list[Row] = [
    settlement("s01", "GONE", "2022-07-01", 120),
    settlement("s02", "C001", "2024-12-15", 240),
    settlement("s03", "C002", "2025-07-20", 120),
    settlement("s04r", "C001", "2026-03-25", 67.2, IsUnpaid=True),
    settlement("s04", "C001", "2026-03-10", 67.2),
    settlement("s05", "C001", "2026-03-20", 67.2),
    settlement("s06", "C001", "2026-03-25", 100),
    settlement("s07", "C005", "2026-03-30", 1032),
    settlement("s08", "C004", "2026-02-05", 300),
    settlement("s09", "C001", "2026-03-10", 117.6),
    settlement("s10", "C003B", "2026-03-09", 32.37),  # for two invoices
    settlement("s11", "C002", "2026-03-28", 50, RemainingAmount=50),  # not assigned to anything yet
]

ASSIGNMENTS: list[Row] = [
    assignment("s01", "k01", 120),
    assignment("s02", "k02", 240),
    assignment("s03", "k03", 120),
    assignment("s04r", "k04a", 67.2),
    assignment("s04", "k04a", 67.2),
    assignment("s05", "k04b", 67.2),
    assignment("s06", "k06", 100),
    assignment(None, "k06", 24, LinkedCommitmentId="k10"),  # set-off against the credit note
    assignment("s07", "k07", 1032),
    assignment("s08", "k08", 300),
    assignment("s09", "k09", 117.6),
    assignment("s10", "k13", 29.97),
    assignment("s10", "k14", 2.4),
    assignment(None, "k15", 0, IsDoubtfulAssociation=True),
]
# fmt: on

TABLES: dict[str, list[Row]] = {
    "SaleCommitment": COMMITMENTS,
    "SaleSettlement": SETTLEMENTS,
    "SaleSettlementCommitmentAssociation": ASSIGNMENTS,
}
