"""The company day by day: what EBP held on the evening of a day of early 2026, and what captures of those evenings bring.

The rows of the other modules are those of the end. Here a document is entered on its day, lines and instalments with it;
an appointment ten days ahead, its report when it is over; what is due is what was not paid yet; the stock is that of the
last movement. On top of that people correct the past (`ENTERED_LATER`, `CHANGES`). Not here: any figure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse_tests.mini_company.company import source_tables
from ebp_lakehouse_tests.mini_company.field import DONE, REPAIR, SERVICE, activity, event
from ebp_lakehouse_tests.mini_company.masters import customer
from ebp_lakehouse_tests.mini_company.payments import assignment, commitment, settlement
from ebp_lakehouse_tests.mini_company.purchases import document as purchase
from ebp_lakehouse_tests.mini_company.purchases import line as purchase_line
from ebp_lakehouse_tests.mini_company.rows import CAPTURED, DELETED, EARLY, Row, captured
from ebp_lakehouse_tests.mini_company.sales import ANNECY, BOURG, INVOICE, MACON, QUOTE, document, line

Key = tuple[str, tuple[Any, ...]]  # table and key of a row
Held = dict[Key, Row]

START = date(2026, 1, 1)  # what says no day was there before
KNOWN_BEFORE = timedelta(days=10)  # appointments

# The day on which a row is entered: its own, or that of the row it names.
OWN_DAY = {
    "SaleDocument": "DocumentDate",
    "PurchaseDocument": "DocumentDate",
    "SaleSettlement": "SettlementDate",
    "PurchaseSettlement": "SettlementDate",
    "StockMovement": "DocumentDate",
    "Deal": "DealDate",
    "Activity": "StartDateTime",
    "Incident": "StartDate",
    "ScheduleEvent": "StartDateTime",
}
NAMED = {
    "SaleDocumentEx": ("Id",),
    "SaleDocumentLine": ("DocumentId",),
    "SaleCommitment": ("DocumentId",),
    "SaleCreditMemoOrigin": ("CreditMemoId",),
    "PeriodicInvoicing": ("ReferenceDocumentId",),
    "DocumentLineAssociation": ("TransferedDocumentId",),
    "SaleSettlementCommitmentAssociation": ("SettlementId", "CommitmentId", "LinkedCommitmentId"),
    "PurchaseDocumentLine": ("DocumentId",),
    "PurchaseCommitment": ("DocumentId",),
    "PurchaseSettlementCommitmentAssociation": ("SettlementId", "CommitmentId"),
    "DealCustomer": ("DealId",),
    "DealPurchaseDocumentLine": ("DocumentId",),
    "DealResourcesCost": ("DealId",),
    "ConstructionSite": ("DealId",),
    "CustomerProduct": ("SaleDocumentLineId",),
    "MaintenanceContractCustomerProduct": ("CustomerProductId",),
    "IncidentCustomerProduct": ("IncidentId",),
}
ENTERED_APART = {
    "FA310001": date(2026, 3, 1),
    "a7": date(2026, 3, 31),
}  # dated after the day on which they were entered
REPORT = ("AchievedDuration_DurationInHours", "GlobalPercentComplete", "InvoiceId")  # of an appointment that is over
BALANCES = {
    "SaleCommitment": ("SaleDocument", "SaleSettlementCommitmentAssociation", "SaleSettlement"),
    "PurchaseCommitment": ("PurchaseDocument", "PurchaseSettlementCommitmentAssociation", "PurchaseSettlement"),
}

# fmt: off
ENTERED_LATER: dict[str, list[Row]] = {
    "SaleDocument": [
        # Dated in January, entered at the end of February.
        *captured("2026-02-25", document("FA260011", INVOICE, "2026-01-09", "C004", 170, 34, CommitmentsBalanceDue=204, **ANNECY)),
        # Three pieces were forgotten: see CHANGES.
        *captured("2026-01-07", document("FA260012", INVOICE, "2026-01-07", "C002", 50, 10, CommitmentsBalanceDue=60, **MACON)),
        # Both are deleted.
        *captured("2026-01-08", document("FA260013", INVOICE, "2026-01-08", "C001", 30, 6, CommitmentsBalanceDue=36, **BOURG)),
        *captured("2026-01-09", document("DE260005", QUOTE, "2026-01-09", "C005", 500, 100)),
    ],
    "SaleDocumentLine": [
        *captured("2026-02-25", line("FA260011", 1, "A1", 2, 10), line("FA260011", 2, "S1", 3, 50)),
        *captured("2026-01-07", line("FA260012", 1, "A1", 5, 10)),
        *captured("2026-01-08", line("FA260013", 1, "A1", 3, 10)),
        *captured("2026-01-09", line("DE260005", 1, "A2", 5, 100)),
    ],
    "SaleCommitment": [
        *captured("2026-02-25", commitment("k20", "FA260011", "C004", "2026-02-09", 204, 204)),
        *captured("2026-01-07", commitment("k21", "FA260012", "C002", "2026-02-07", 60, 60)),
        *captured("2026-01-08", commitment("k22", "FA260013", "C001", "2026-02-08", 36, 36)),
    ],
    # Booked twice; a payment of January that was seen in March.
    "SaleSettlement": [
        *captured("2026-01-11", settlement("s12", "C002", "2026-01-11", 40, RemainingAmount=40)),
        *captured("2026-03-20", settlement("s13", "C002", "2026-01-30", 60)),
    ],
    "SaleSettlementCommitmentAssociation": captured("2026-03-20", assignment("s13", "k21", 60)),
    "PurchaseDocument": captured("2026-03-03", purchase("PF260005", INVOICE, "2026-01-15", "F1", 65, CommitmentsBalanceDue=78, Reference="R-0")),
    "PurchaseDocumentLine": captured("2026-03-03", purchase_line("PF260005", "A1", 10, 6.5)),
    "PurchaseCommitment": captured("2026-03-03", commitment("q6", "PF260005", "F1", "2026-02-15", 78, 78)),
    "Customer": captured("2026-03-01", customer("C007", "Lefèvre", FamilyId="PME")),
    "ScheduleEvent": [
        *captured("2026-01-05", event("e10", "2026-01-30 09:00:00", "2026-01-30 10:00:00", "T2", "C002", SERVICE, 46.2)),
        *captured("2026-01-09", event("e11", "2026-01-09 09:00:00", "2026-01-09 10:00:00", "T2", "C001", REPAIR, 46.1,
            AchievedDuration_DurationInHours=1, NetAmountVatExcluded=40, ToInvoice=True, **DONE)),
    ],
    "Activity": captured("2026-01-09", activity("a8", "2026-01-09 10:00:00", "2026-01-09 10:20:00", "C005", "Appel", EventType="Appel")),
}

# Day, table, key, what was changed; None: deleted.
CHANGES: list[tuple[str, str, tuple[Any, ...], Row | None]] = [
    ("2026-01-20", "ScheduleEvent", ("e10",), None),
    ("2026-02-01", "SaleDocument", ("FA260013",), None),
    ("2026-02-01", "SaleDocumentLine", ("FA260013-1",), None),
    ("2026-02-01", "SaleCommitment", ("k22",), None),
    ("2026-02-01", "PurchaseDocument", ("PC260001",), {"DeliveryDate": "2026-01-15"}),
    ("2026-02-03", "SaleSettlement", ("s12",), None),
    ("2026-02-10", "ScheduleEvent", ("e11",), {"AchievedDuration_DurationInHours": 2, "NetAmountVatExcluded": 80}),
    ("2026-02-12", "SaleDocument", ("FA260012",), document("FA260012", INVOICE, "2026-01-07", "C002", 80, 16, CommitmentsBalanceDue=96, **MACON)),
    ("2026-02-12", "SaleDocumentLine", ("FA260012-1",), line("FA260012", 1, "A1", 8, 10)),
    ("2026-02-12", "SaleCommitment", ("k21",), {"Amount": 96, "BalanceDue": 96}),
    ("2026-02-15", "Activity", ("a8",), None),
    ("2026-02-20", "CustomerProduct", ("Q2",), {"PartsEndDate": "2027-03-01"}),
    ("2026-02-20", "Item", ("A1",), {"FamilyId": "CHA"}),
    ("2026-02-20", "SupplierItem", ("F1 A1",), {"DeliveryDelay": 9}),
    ("2026-02-21", "Customer", ("C004",), {"FamilyId": "PME"}),
    ("2026-02-21", "SaleDocumentLine", ("FA260004-2",), {"CostPrice": 20}),
    ("2026-03-01", "MaintenanceContract", ("K1",), {"EndDate": "2027-08-31"}),
    ("2026-03-01", "MaintenanceContract", ("K2",), {"CancellationDate": "2026-01-31"}),
    ("2026-03-01", "SaleDocument", ("DE260005",), None),
    ("2026-03-01", "SaleDocumentLine", ("DE260005-1",), None),
    ("2026-03-01", "StockItem", ("A1", "DEP"), {"MinStock": 40}),
    ("2026-03-02", "Colleague", ("T1",), {"HourlyCostPrice": 27}),
    ("2026-03-05", "Deal", ("D1",), {"PredictedSales": 1200}),
    ("2026-03-10", "CustomerFamily", ("GC",), {"Caption": "Comptes clés"}),
    ("2026-03-20", "Customer", ("C006",), None),
    ("2026-03-20", "SaleCommitment", ("k21",), {"BalanceDue": 36}),
]
# fmt: on


def captured_on(instants: Mapping[date, str]) -> dict[str, list[Row]]:
    """Table → the versions that captures bring: of each day, what is not as the capture before it found it.

    Args:
        instants: day whose evening is captured → the instant (UTC) that the capture bears, in order.
    """
    found: dict[str, list[Row]] = {table: [] for table in source_tables()}
    before: Held = {}
    for day, instant in instants.items():
        held = held_on(day)
        for (table, key), row in held.items():
            if row != before.get((table, key)):
                found[table] += captured(instant, row)
        for (table, key), row in before.items():
            if (table, key) not in held:
                found[table] += captured(instant, {**row, DELETED: True})
        before = held
    return found


def held_on(day: date) -> Held:
    """What EBP holds on the evening of `day`, without what it deleted."""
    held: Held = {}
    for since, table, row in _entries():
        if since <= day:
            held[table, _key(table, row)] = row
    for since_day, table, key, change in CHANGES:
        if date.fromisoformat(since_day) <= day:
            held[table, key] = {**held[table, key], **(change or {DELETED: True})}
    held = {
        key: {name: value for name, value in row.items() if not name.startswith("_")}
        for key, row in held.items()
        if not row.get(DELETED)
    }
    _report(held, day)
    _owe(held)
    _stock(held)
    return held


def _entries() -> list[tuple[date, str, Row]]:
    """Every version of every row with the day on which it was entered."""
    days, entries = _days(), []
    for table, rows in source_tables().items():
        for key, versions in _by_key(table, rows).items():
            is_lived = table in (*OWN_DAY, *NAMED) and not versions[-1].get(DELETED)  # then only its last state is told
            for row in versions[-1:] if is_lived else versions:
                moment = row.get(CAPTURED, EARLY)
                since = START if moment == EARLY else datetime.fromisoformat(moment).date()
                entries.append((max(since, days.get((table, key), START)), table, row))
    for table, rows in ENTERED_LATER.items():
        entries += [(date.fromisoformat(row[CAPTURED]), table, row) for row in rows]
    return sorted(entries, key=lambda entry: entry[0])


def _days() -> dict[Key, date]:
    """The day of the rows that have one, and of those that name such a row."""
    tables, days = source_tables(), {}
    by_name: dict[str, date] = {}
    for table, column in OWN_DAY.items():
        ahead = KNOWN_BEFORE if table == "ScheduleEvent" else timedelta()
        for row in tables[table]:
            own = datetime.fromisoformat(row[column]).date() - ahead
            days[table, _key(table, row)] = by_name[row["Id"]] = ENTERED_APART.get(row["Id"], own)
    for table, columns in NAMED.items():
        for row in tables[table]:
            named = [by_name[row[column]] for column in columns if row.get(column) in by_name]
            days[table, _key(table, row)] = by_name[row["Id"]] = max(named, default=START)
    return days


def _report(held: Held, day: date) -> None:
    """Appointments that are not over have no report yet, incidents no end."""
    for (table, _), row in held.items():
        if table == "ScheduleEvent" and datetime.fromisoformat(row["EndDateTime"]).date() > day:
            for name in REPORT:
                row.pop(name, None)
        if table == "Incident" and row.get("EndDate", "")[:10] > day.isoformat():
            del row["EndDate"]


def _owe(held: Held) -> None:
    """Due of an instalment is what is due at the end and what is paid until then; of a document, what its instalments say."""
    for table, (documents, assignments, settlements) in BALANCES.items():
        returned = {row["Id"] for row in source_tables()[settlements] if row.get("IsUnpaid")}
        paid_later = [
            row
            for row in source_tables()[assignments]
            if (assignments, (row["Id"],)) not in held and row["SettlementId"] not in returned
        ]
        due: dict[str, Any] = {}
        for instalment in (row for (name, _), row in held.items() if name == table):
            later = [row["AssignedAmount"] for row in paid_later if row["CommitmentId"] == instalment["Id"]]
            instalment["BalanceDue"] += sum(later)
            if number := instalment["DocumentId"]:
                due[number] = due.get(number, 0) + instalment["BalanceDue"]
        for number, amount in due.items():
            held[documents, (number,)]["CommitmentsBalanceDue"] = amount


def _stock(held: Held) -> None:
    """Stock and average cost are those after the last movement; nothing was there before the first."""
    last: dict[Key, Row] = {}
    for row in (row for (table, _), row in held.items() if table == "StockMovement"):
        place = ("StockItem", (row["ItemId"], row["StorehouseId"]))
        if place not in last or row["Id"] > last[place]["Id"]:
            last[place] = row
    for place in [key for key in held if key[0] == "StockItem"]:
        if place in last:
            held[place] |= {name: last[place][name] for name in ("RealStock", "Pump", "StockValue")}
        else:
            del held[place]


def _by_key(table: str, rows: Sequence[Row]) -> dict[tuple[Any, ...], list[Row]]:
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(_key(table, row), []).append(row)
    return found


def _key(table: str, row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in reference()[table].key)
