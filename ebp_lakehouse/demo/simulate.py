"""The demo company lives on: N more business days written to the source with SQL, the way EBP would.

Lives here: what happens on a day. Prices and columns come from ``company``, net counts from its ``ledger``.
The simulated clock is stored nowhere: the next day follows the newest modification found in the source. One transaction
is opened on the first day and committed after all others, as a forgotten EBP window does: a watermark by date loses it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psycopg

from ebp_lakehouse.demo.company import calendar as days
from ebp_lakehouse.demo.company import catalogue, geography
from ebp_lakehouse.demo.company.catalogue import Catalogue
from ebp_lakehouse.demo.company.field.contractinvoices import YEAR
from ebp_lakehouse.demo.company.ledger import Ledger
from ebp_lakehouse.demo.company.newdocuments import DocumentWriter, Written
from ebp_lakehouse.demo.company.primitives import day_number, uuids
from ebp_lakehouse.demo.company.truth import live_on
from ebp_lakehouse.demo.fielddays import FieldDays
from ebp_lakehouse.demo.fieldsource import FieldSource
from ebp_lakehouse.demo.stockdays import StockDays
from ebp_lakehouse.demo.tradedays import TradeDays
from ebp_lakehouse.errors import DemoError

Progress = Callable[[str, float], None]

# Shares of the day's new documents: (kind, share); transfers of existing ones come on top.
NEW_KINDS = ((1, 0.4), (8, 0.25), (2, 0.35))
TRANSFERS_A_DAY, PAYMENT_SHARE = 0.5, 0.15  # of the documents of a day; of the instalments due
DELETE_CHANCE, CREDIT_CHANCE, NEW_CUSTOMER_CHANCE = 0.4, 0.15, 0.3
FORGOTTEN_AFTER = 30  # days after which nobody invoices the fee of a contract any more
RENAME_CHANCE, FRIDAY = 0.2, 4  # tables are reloaded on Fridays
RELOADED = ("SettlementMode", "CustomerFamily", "SupplierItem", "Unit")  # emptied and filled again, as copy tools do
CUSTOMER_CODES = (
    ("SaleDocument", "CustomerId"), ("SaleDocument", "PaymentThirdId"), ("SaleCommitment", "ThirdId"),
    ("SaleCommitment", "PaymentThirdId"), ("SaleSettlement", "ThirdId"), ("Contact", "AssociatedCustomerId"),
    ("ScheduleEvent", "CustomerId"), ("Activity", "CustomerId"), ("CustomerProduct", "CustomerId"),
    ("MaintenanceContract", "CustomerId"), ("MaintenanceContract", "InvoicingCustomerId"),
    ("ConstructionSite", "CustomerId"), ("Customer", "PaymentThirdId"),
)  # fmt: skip
QUOTE, INVOICE, CREDIT_NOTE, DELIVERY, ORDER = 1, 2, 3, 6, 8


@dataclass(frozen=True)
class SimulationSummary:
    """Days lived and their net effect: rows per table that are new, changed or gone compared with before.

    ``late_document`` is the number of the quote typed first and committed last; ``events`` counts what happened.
    """

    first_day: date
    last_day: date
    inserted: dict[str, int]
    updated: dict[str, int]
    deleted: dict[str, int]
    late_document: str
    events: dict[str, int] = field(default_factory=dict)


def simulate(
    dsn: str,
    days: int,
    seed: int | None = None,
    progress: Progress | None = None,
    truth_file: Path | None = None,
) -> SimulationSummary:
    """Live ``days`` more business days in the demo database at ``dsn``.

    Without a seed, the database's own clock is the seed. ``progress`` gets the day and the share done. ``truth_file`` is
    the company's ground truth: planted cases are told apart from those that these days moved. Raises ``DemoError`` when
    the database is not a demo company.
    """
    if days < 1:
        raise DemoError(f"The number of days to simulate is {days}: give 1 or more.")
    report = progress or (lambda _stage, _done: None)
    with psycopg.connect(dsn, autocommit=True) as connection, psycopg.connect(dsn) as forgotten:
        dates = _next_days(connection, days)
        rng = np.random.default_rng(day_number(dates[0]) if seed is None else seed)
        company = _Company(connection, rng, catalogue.read(connection))
        early = company.forgotten_document(forgotten, dates[0])
        try:
            for done, day in enumerate(dates):
                report(day.isoformat(), done / days)
                company.live(day)
            forgotten.commit()
        finally:  # what was interrupted has been lived up to there
            if truth_file is not None and truth_file.exists():
                live_on(truth_file, day, company.ledger.moved(connection))
        report(dates[-1].isoformat(), 1.0)
        inserted, updated, deleted = company.ledger.counts()
    return SimulationSummary(dates[0], dates[-1], inserted, updated, deleted, early, dict(company.events))


def _next_days(connection: psycopg.Connection[Any], count: int) -> list[date]:
    row = connection.execute(
        "SELECT greatest("
        '(SELECT max("sysModifiedDate") FROM "SaleDocument"), (SELECT max("sysModifiedDate") FROM "SaleSettlement"),'
        ' (SELECT max("sysModifiedDate") FROM "Customer"))'
    ).fetchone()
    if row is None or row[0] is None:
        raise DemoError(
            "Tables SaleDocument, SaleSettlement and Customer hold no sysModifiedDate: nothing to go on from."
        )
    newest: date = row[0].date()
    return days.business_days(newest + timedelta(days=1), newest + timedelta(days=2 * count + 30))[:count]


class _Company:
    """State of one simulation: connection, generator, masters, counts."""

    def __init__(self, connection: psycopg.Connection[Any], rng: np.random.Generator, known: Catalogue) -> None:
        self.connection, self.rng, self.known = connection, rng, known
        self.ledger = Ledger(connection)
        self.events: Counter[str] = Counter()
        self.writer = DocumentWriter(rng, known, self.ledger, connection)
        chance = np.random.default_rng(rng.integers(0, 2**63, 4))  # a stream of its own: sales do not shift the field
        self.field = FieldDays(FieldSource(connection, chance, self.ledger))
        goods = FieldSource(connection, np.random.default_rng(rng.integers(0, 2**63, 4)), self.ledger)
        self.stock = StockDays(goods)
        self.trade = TradeDays(goods, self.stock)
        self._seconds = 0
        kinds = [(kind, share) for kind, share in NEW_KINDS if known.orders or kind != ORDER]
        self._kinds = [kind for kind, _ in kinds]
        self._shares = np.array([share for _, share in kinds]) / sum(share for _, share in kinds)

    def live(self, day: date) -> None:
        """One business day, each event in its own transaction, later than the one before."""
        self._seconds = 8 * 3600
        volume = max(1, int(self.rng.poisson(self.known.documents_a_day)))
        for kind in self.rng.choice(self._kinds, volume, p=self._shares).tolist():
            self._do("document", partial(self.writer.new, self.connection, kind), day)
        for _ in range(max(1, round(volume * TRANSFERS_A_DAY))):
            self._do("transfer", self._transfer, day)
        self._do("contract invoices", self._invoice_contracts, day)
        self._do("payments", self._payments, day)
        self._do("customer changed", self._change_customer, day)
        self._do("price changed", self._change_price, day)
        for name, chance, event in (
            ("draft quote deleted", DELETE_CHANCE, self._delete_quote),
            ("credit note", CREDIT_CHANCE, self._credit),
            ("new customer", NEW_CUSTOMER_CHANCE, self._new_customer),
        ):
            if self.rng.random() < chance:
                self._do(name, event, day)
        if self.rng.random() < RENAME_CHANCE:
            self._do("customer renamed", self._rename, day)
        if day.weekday() == FRIDAY:
            self._do("table reloaded", self._reload, day)
        for name, happening in chain(self.trade.events(), self.stock.events(), self.field.events()):
            self._do(name, happening, day)

    def forgotten_document(self, other: psycopg.Connection[Any], day: date) -> str:
        """A quote and an appointment typed on the first day in a window that stays open; the caller commits them."""
        moment = datetime(day.year, day.month, day.day, 8, 5)  # noqa: DTZ001 - EBP has wall clocks
        self.field.make(moment + timedelta(minutes=3), other)
        return self.writer.new(other, QUOTE, moment).number

    def _do(self, name: str, event: Callable[[datetime], Any], day: date) -> None:
        self._seconds += int(self.rng.integers(20, 240))
        moment = datetime(day.year, day.month, day.day) + timedelta(seconds=min(self._seconds, 66_600))  # noqa: DTZ001
        with self.connection.transaction():
            happened = event(moment)
        if happened:
            self.events[name] += int(happened) if isinstance(happened, int) else 1

    def _pick(self, statement: str, *values: Any) -> tuple[Any, ...] | None:
        """One of the rows, at random but by our generator: the same seed lives the same days."""
        rows = self.connection.execute(statement, values).fetchall()
        return rows[int(self.rng.integers(0, len(rows)))] if rows else None

    def _transfer(self, moment: datetime) -> Written | None:
        """Quote to order, order to delivery, or delivery to invoice: whichever is found open.

        Without orders a quote is delivered.
        """
        steps = [(DELIVERY, INVOICE, "RemainingQuantityToInvoice", 150)]
        if self.known.orders:
            steps = [(QUOTE, ORDER, "RealQuantity", 60), (ORDER, DELIVERY, "RemainingQuantityToDeliver", 150), *steps]
        else:
            steps = [(QUOTE, DELIVERY, "RealQuantity", 60), *steps]
        for n in self.rng.permutation(len(steps)).tolist():
            origin, target, left, age = steps[n]
            found = self._pick(
                'SELECT DISTINCT d."Id"::text FROM "SaleDocument" d JOIN "SaleDocumentLine" l'
                ' ON l."DocumentId" = d."Id"'
                ' WHERE d."DocumentType" = %s AND d."TransferedDocumentId" IS NULL AND'
                f' d."DocumentDate" BETWEEN %s AND %s AND l."{left}" > 0 ORDER BY 1',
                origin,
                moment - timedelta(days=age),
                moment,
            )
            if found is not None:
                return self.writer.transfer(self.connection, found[0], target, left, moment)
        return None

    def _invoice_contracts(self, moment: datetime) -> int:
        """Each year of a running contract is invoiced in advance; what was forgotten for a month stays forgotten."""
        rows = self.connection.execute(
            'SELECT c."Id", coalesce(c."InvoicingCustomerId", c."CustomerId"), c."PredictedPeriodicInvoicingAmount",'
            ' c."TotalInvoiceAmountVatExcluded" FROM "MaintenanceContract" c CROSS JOIN LATERAL (SELECT'
            ' c."StartDate"::date + (%(day)s::date - c."StartDate"::date) / %(year)s * %(year)s AS day) AS due'
            ' WHERE c."StartDate" <= %(day)s AND (c."CancellationDate" IS NULL OR c."CancellationDate" > %(day)s)'
            ' AND (c."TacitRenewal" OR c."EndDate" >= %(day)s) AND due.day > %(day)s::date - %(forgotten)s'
            ' AND NOT EXISTS (SELECT FROM "SaleDocument" d WHERE d."MaintenanceContractId" = c."Id"'
            ' AND d."DocumentType" = 2 AND d."DocumentDate" >= due.day) ORDER BY 1',
            {"day": moment.date(), "year": YEAR, "forgotten": FORGOTTEN_AFTER},
        ).fetchall()
        done = 0
        for contract, payer, fee, total in rows:
            if self.writer.invoice_contract(self.connection, contract, payer, catalogue.scaled(fee), moment) is None:
                continue
            sums = dict.fromkeys(("TotalInvoiceAmountVatExcluded", "AccomplishedSales"), total + fee)
            self.ledger.update(self.connection, "MaintenanceContract", contract, sums, moment)
            done += 1
        return done

    def _credit(self, moment: datetime) -> Written | None:
        found = self._pick(
            'SELECT d."Id"::text FROM "SaleDocument" d WHERE d."DocumentType" = 2 AND d."AmountVatExcluded" > 0 AND'
            ' d."DepositAmount" = 0 AND d."DocumentDate" BETWEEN %s AND %s AND NOT EXISTS (SELECT 1 FROM'
            ' "DocumentLineAssociation" a WHERE a."OriginDocumentId" = d."Id") ORDER BY 1',
            moment - timedelta(days=90), moment,
        )  # fmt: skip
        return self.writer.transfer(self.connection, found[0], CREDIT_NOTE, "RealQuantity", moment) if found else None

    def _payments(self, moment: datetime) -> int:
        """Some of the instalments due are paid: a customer's all at once, some in part."""
        rows = self.connection.execute(
            'SELECT "Id"::text, "DocumentId"::text, "ThirdId", "BalanceDue", "Amount" FROM "SaleCommitment"'
            ' WHERE "BalanceDue" > 0 AND "DocumentId" IS NOT NULL AND "DocumentType" = 2 AND "DueDate" <= %s'
            ' ORDER BY "DueDate" DESC, "Id" LIMIT 200',
            [moment + timedelta(days=5)],
        ).fetchall()
        wanted = max(2, round(len(rows) * PAYMENT_SHARE))
        chosen = [rows[n] for n in sorted(self.rng.permutation(len(rows))[:wanted].tolist())]
        third = Counter(row[2] for row in chosen)
        for code in dict.fromkeys(row[2] for row in chosen):
            mine = [row for row in chosen if row[2] == code]
            partly = third[code] == 1 and self.rng.random() < 0.15  # noqa: PLR2004 - some pay a first part
            self.writer.settle(self.connection, code, mine, moment, partly=partly)
        return len(chosen)

    def _change_customer(self, moment: datetime) -> bool:
        found = self._pick('SELECT "Id", "Name", "FamilyId" FROM "Customer" ORDER BY "Id"')
        if found is None:
            return False
        code, name, family = found
        what = int(self.rng.integers(0, 3))
        place = geography.communes().row(int(geography.draw(self.rng, 1)[0]), named=True)
        values: dict[str, Any] = (
            {"FamilyId": "COLL" if family == "PRO" else "PRO"},
            {
                "Name": f"{name[:50].removesuffix(' (ex)')} (ex)"
                if not name.endswith("(ex)")
                else name.removesuffix(" (ex)")
            },
            {
                f"Main{role}Address_{column}": value
                for role in ("Invoicing", "Delivery")
                for column, value in (
                    ("ZipCode", place["postcode"]),
                    ("City", place["name"][:35]),
                    ("CodeINSEE", place["insee_code"]),
                )
            },
        )[what]
        self.ledger.update(self.connection, "Customer", code, values, moment)
        return True

    def _rename(self, moment: datetime) -> bool:
        """A customer gets another code; ``UniqueId`` stays, and EBP carries the new code to every table."""
        frame = self.known.customers.frame
        codes = frame["Id"].to_list()
        number = int(self.rng.integers(0, len(codes)))
        old, new = codes[number], f"R{codes[number][1:]}"
        if not old.startswith("CLI") or new in codes:
            return False
        self.ledger.rename(self.connection, "Customer", old, new, moment)
        for table, column in CUSTOMER_CODES:
            self.ledger.replace(self.connection, table, column, old, new, moment)
        codes[number] = new
        people = replace(self.known.customers, frame=frame.with_columns(Id=pl.Series(codes)))
        self.known = self.writer.known = replace(self.known, customers=people)
        return True

    def _reload(self, _moment: datetime) -> bool:
        """A table is truncated and filled again with the same rows: nothing changed, but every row is a new one."""
        table = RELOADED[int(self.rng.integers(0, len(RELOADED)))]
        self.connection.execute(
            f'CREATE TEMP TABLE kept ON COMMIT DROP AS TABLE "{table}"; TRUNCATE "{table}"; INSERT INTO "{table}" TABLE kept'
        )
        return True

    def _change_price(self, moment: datetime) -> bool:
        index = int(self.rng.integers(0, len(self.known.items.codes)))
        price = max(1, round(int(self.known.items.price[index]) * float(self.rng.uniform(0.95, 1.12))))
        self.known.items.price[index] = price
        rate = (20, 10, 5.5, 2.1, 0, 0)[int(self.known.items.vat[index])]
        values = {
            "SalePriceVatExcluded": price / 100,
            "SalePriceVatIncluded": round(price * (1 + rate / 100)) / 100,
            "SalePriceModifiedDate": moment,
        }
        self.ledger.update(self.connection, "Item", self.known.items.codes[index], values, moment)
        return True

    def _delete_quote(self, moment: datetime) -> bool:
        """A draft quote that led to nothing is removed for good, with its lines and its extension row."""
        found = self._pick(
            'SELECT d."Id"::text FROM "SaleDocument" d WHERE d."DocumentType" = 1 AND'
            ' d."TransferedDocumentId" IS NULL AND d."DocumentDate" <= %s AND NOT EXISTS'
            ' (SELECT 1 FROM "DocumentLineAssociation" a WHERE'
            ' a."OriginDocumentId" = d."Id" OR a."TransferedDocumentId" = d."Id") ORDER BY 1',
            moment,
        )
        if found is None:
            return False
        for table, column in (("SaleDocumentLine", "DocumentId"), ("SaleDocumentEx", "Id"), ("SaleDocument", "Id")):
            self.ledger.delete(self.connection, table, column, found[0])
        return True

    def _new_customer(self, moment: datetime) -> bool:
        row = self.connection.execute('SELECT max("Id") FROM "Customer" WHERE "Id" ~ %s', ["^CLI[0-9]{5}$"]).fetchone()
        code = f"CLI{int(row[0][3:]) + 1:05d}" if row and row[0] else "CLI00001"
        place = geography.communes().row(int(geography.draw(self.rng, 1)[0]), named=True)
        address = {"ZipCode": place["postcode"], "City": place["name"][:35].upper(), "CountryIsoCode": "FR"}
        frame = pl.DataFrame(
            {
                "Id": [code],
                "UniqueId": uuids(self.rng, 1),
                "Name": [f"Nouveau client {code[3:]}"],
                "NaturalPerson": [False],
                "FamilyId": ["PRO"],
                "SettlementModeId": ["VIR30"],
                "ActiveState": [0],
                "TerritorialityId": [self.known.masters.territory_id],
                **{f"Main{role}Address_{k}": [v] for role in ("Invoicing", "Delivery") for k, v in address.items()},
                "sysCreatedDate": [moment],
                "sysCreatedUser": ["CBE"],
                "sysModifiedDate": [moment],
                "sysModifiedUser": ["CBE"],
            }
        )
        self.ledger.insert(self.connection, "Customer", frame)
        return True
