"""One more document of the living company: priced by ``pricing``, rendered as the generator does, and inserted.

Everything written for a document or a payment happens inside the caller's transaction.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import psycopg

from ebp_lakehouse.demo.company import documentextras, documents, lines, padding, payments, pricing
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.catalogue import Catalogue, StoredDocument, copy_document
from ebp_lakehouse.demo.company.field.contractinvoices import fee_line
from ebp_lakehouse.demo.company.items import LABOUR, LINE_TYPES, TRAVEL
from ebp_lakehouse.demo.company.ledger import SIMULATED_USER, Ledger
from ebp_lakehouse.demo.company.primitives import DAY_US, Int, day_number, decimals, stamps, uuids
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.demo.company.truth import GroundTruth

QUOTE, INVOICE, CREDIT_NOTE, DELIVERY, ORDER = 1, 2, 3, 6, 8
MEAN_LINES = 3.5


@dataclass(frozen=True)
class Written:
    """A document that was inserted."""

    key: str
    number: str


class DocumentWriter:
    """Writes documents and payments of the simulated days through a ledger; numbers follow those of the source."""

    def __init__(
        self, rng: np.random.Generator, known: Catalogue, ledger: Ledger, connection: psycopg.Connection[Any]
    ) -> None:
        self.rng, self.known, self.ledger = rng, known, ledger
        rows = connection.execute(
            'SELECT "NumberPrefix", max("NumberSuffix") FROM "SaleDocument" GROUP BY 1'
        ).fetchall()
        self._last: dict[str, int] = defaultdict(int, {prefix: int(suffix) for prefix, suffix in rows})

    def new(self, connection: psycopg.Connection[Any], kind: int, moment: datetime) -> Written:
        """A document typed by hand: some lines at catalogue price with the usual discounts."""
        people, goods = self.known.customers, self.known.items
        sk = Skeleton()
        customer = int(self.rng.choice(people.count, p=people.weight / people.weight.sum()))
        sk.documents.add(
            1,
            kind=kind,
            customer=customer,
            day=day_number(moment.date()),
            seller=people.salesperson[customer],
            footer_bp=int(self.rng.choice([0, 200, 500], p=[0.92, 0.05, 0.03])),
            shipping=int(self.rng.choice([0, 990, 1490], p=[0.85, 0.1, 0.05])),
            shipping_vat=5 if people.export[customer] else 0,
        )
        count = int(min(self.rng.geometric(1 / MEAN_LINES), 15))
        item = self.rng.integers(0, len(goods.codes), count)
        timed = np.isin(goods.kind[item], (LABOUR, TRAVEL))
        quantity = np.where(timed, self.rng.integers(1, 17, count) * 500, self.rng.geometric(0.4, count) * 1000)
        sk.lines.add(
            count,
            document=0,
            order=np.arange(count),
            item=item,
            line_type=LINE_TYPES[goods.kind[item]],
            quantity=quantity,
            unit_quantity=quantity,
            price=goods.price[item],
            cost=goods.cost[item],
            purchase=goods.purchase[item],
            vat=np.full(count, 5) if people.export[customer] else goods.vat[item],
            d0=self.rng.choice([0, 500, 1000], count, p=[0.7, 0.15, 0.15]),
        )
        return self._write(connection, sk, moment, None)

    def invoice_contract(
        self, connection: psycopg.Connection[Any], contract: str, payer: str, fee_cents: int, moment: datetime
    ) -> Written | None:
        """The fee of a contract on an invoice of its own, which names it; nothing for a payer without a record."""
        people, goods = self.known.customers, self.known.items
        codes = people.frame["Id"].to_list()
        if payer not in codes:
            return None
        customer = codes.index(payer)
        sk = Skeleton()
        sk.documents.add(
            1,
            kind=INVOICE,
            customer=customer,
            day=day_number(moment.date()),
            seller=people.salesperson[customer],
            shipping_vat=5 if people.export[customer] else 0,
        )
        fee = np.array([fee_cents])
        sk.lines.add(1, document=0, **fee_line(fee, fee, people.export[[customer]], goods))
        return self._write(connection, sk, moment, None, contract)

    def transfer(
        self, connection: psycopg.Connection[Any], key: str, kind: int, left: str, moment: datetime
    ) -> Written | None:
        """What is left of a stored document becomes a document of ``kind``; links and the origin follow."""
        sk = Skeleton()
        origin = copy_document(connection, self.known, sk, key, kind, day_number(moment.date()), left)
        if origin is None:
            return None
        if kind == CREDIT_NOTE and self.known.credit_sign < 0:
            sk.lines["quantity"][:] *= -1
            sk.lines["unit_quantity"][sk.lines["level"] == 0] *= -1
            sk.documents["shipping"][:] *= -1
            sk.documents["charges"][:] *= -1
        return self._write(connection, sk, moment, origin)

    def _write(
        self,
        connection: psycopg.Connection[Any],
        sk: Skeleton,
        moment: datetime,
        origin: StoredDocument | None,
        contract: str | None = None,
    ) -> Written:
        kind, day = int(sk.documents["kind"][0]), int(sk.documents["day"][0])
        typed = lines.inputs(sk)
        line_amounts, amounts = pricing.price(typed, documents.inputs(sk))
        ids, line_ids = uuids(self.rng, 1), uuids(self.rng, sk.lines.size)
        ctx, number = self._context(ids, kind, moment)
        none = np.zeros(1, dtype=np.int64)
        progress = padding.progress(sk)
        due = amounts.total_ttc
        balance = due if kind in (INVOICE, CREDIT_NOTE) else none
        calendar = BusinessCalendar(np.array([day]), np.ones(1), day, day, -1)
        context = lines.LineContext(
            ids=line_ids,
            document_ids=ids,
            created=ctx.created,
            modified=ctx.modified,
            created_user=ctx.created_user,
            modified_user=ctx.modified_user,
            seller=sk.documents["seller"],
            storehouse=np.where(
                self.known.items.manage_stock[np.maximum(sk.lines["item"], 0)] & (sk.lines["item"] >= 0), 0, -1
            ),
            settled_order=none,
            progress=progress,
        )
        line_frame = lines.frame(
            self.rng, sk, line_amounts, typed, context, self.known.items, self.known.masters, GroundTruth()
        )
        people = self.known.customers
        still = {
            name: amounts.net if kind in kinds else none
            for name, kinds in (("deliver", (ORDER,)), ("invoice", (ORDER, DELIVERY)))
        }
        header = documents.frame(
            self.rng, 1.0, sk, amounts, ctx, people, self.known.masters, calendar, self.known.payer, due, balance,
            still["deliver"], progress, GroundTruth(),
        ).with_columns(CustomerId=people.frame["Id"].gather([int(sk.documents["customer"][0])]))  # fmt: skip
        if origin is not None:
            header = header.with_columns(**self._origin(connection, origin.key))
        if contract is not None:
            header = header.with_columns(MaintenanceContractId=pl.lit(contract))
        self.ledger.insert(connection, "SaleDocument", header)
        extension = documentextras.extension_frame(
            self.rng, 1.0, sk, ctx, self.known.masters, still["invoice"], calendar
        )
        self.ledger.insert(connection, "SaleDocumentEx", extension)
        self.ledger.insert(connection, "SaleDocumentLine", line_frame)
        if balance[0] != 0:
            self._commit_to_pay(connection, sk, ids, due, moment)
        if origin is not None:
            self._link(connection, sk, origin, ids[0], line_ids, kind, moment)
        return Written(ids[0], number)

    def _context(self, ids: pl.Series, kind: int, moment: datetime) -> tuple[documents.DocumentContext, str]:
        prefix = documents.PREFIXES[kind]
        self._last[prefix] += 1
        number = f"{prefix}{self._last[prefix]:08d}"
        stamp = np.array([int((moment - datetime(1970, 1, 1)).total_seconds()) * 1_000_000], dtype=np.int64)  # noqa: DTZ001
        user = pl.Series([SIMULATED_USER])
        context = documents.DocumentContext(
            ids=ids,
            created=stamp,
            modified=stamp,
            created_user=user,
            modified_user=user,
            storehouse=np.zeros(1, dtype=np.int64),
            settled_order=np.zeros(1, dtype=np.int64),
            numbers=pl.Series([number]),
            suffix=np.array([self._last[prefix]]),
            prefix=pl.Series([prefix]),
        )
        return context, number

    @staticmethod
    def _origin(connection: psycopg.Connection[Any], key: str) -> dict[str, pl.Expr]:
        row = connection.execute(
            'SELECT "DocumentType", "DocumentNumber" FROM "SaleDocument" WHERE "Id" = %s', [key]
        ).fetchone()
        assert row is not None  # noqa: S101 - it was copied a moment ago in the same transaction
        return {"OriginDocumentType": pl.lit(row[0]), "OriginDocumentNumber": pl.lit(row[1])}

    def _commit_to_pay(
        self, connection: psycopg.Connection[Any], sk: Skeleton, ids: pl.Series, due: Int, moment: datetime
    ) -> None:
        """Instalments under the customer's terms; their sum is the amount due to the cent."""
        people, customer = self.known.customers, int(sk.documents["customer"][0])
        term = people.term[[customer]]
        parts = payments.instalments_of(term)[0] if sk.documents["kind"][0] == INVOICE and due[0] > 0 else 1
        each = due[0] // parts
        amount = np.array([each] * (parts - 1) + [due[0] - each * (parts - 1)], dtype=np.int64)
        day = payments.due_days(np.repeat(sk.documents["day"], parts), np.repeat(term, parts), np.arange(parts))
        codes = people.frame["Id"].to_list()
        frame = pl.DataFrame(
            {
                "Id": uuids(self.rng, parts),
                "DocumentId": [ids[0]] * parts,
                "DocumentType": [int(sk.documents["kind"][0])] * parts,
                "ThirdId": [codes[self.known.payer[customer]]] * parts,
                "DueDate": stamps(day * DAY_US),
                "Amount": decimals(amount),
                "BalanceDue": decimals(amount),
                "CurrencyAmount": decimals(amount),
                "CurrencyBalanceDue": decimals(amount),
                "IsLiquidated": [False] * parts,
                "PaymentTypeId": ["VIR"] * parts,
                "sysCreatedDate": [moment] * parts,
                "sysCreatedUser": [SIMULATED_USER] * parts,
                "sysModifiedDate": [moment] * parts,
                "sysModifiedUser": [SIMULATED_USER] * parts,
            }
        )
        self.ledger.insert(connection, "SaleCommitment", frame)

    def _link(
        self,
        connection: psycopg.Connection[Any],
        sk: Skeleton,
        origin: StoredDocument,
        key: str,
        line_ids: pl.Series,
        kind: int,
        moment: datetime,
    ) -> None:
        """Associations of the level-0 lines; the origin's quantities and header say what was transferred."""
        base = np.flatnonzero(sk.lines["level"] == 0)
        row = connection.execute('SELECT "DocumentType" FROM "SaleDocument" WHERE "Id" = %s', [origin.key]).fetchone()
        assert row is not None  # noqa: S101 - copied in the same transaction
        quantity = decimals(np.abs(sk.lines["quantity"][base]), 3)
        frame = pl.DataFrame(
            {
                "Id": uuids(self.rng, len(base)),
                "OriginLineId": [origin.lines[n] for n in base],
                "OriginDocumentId": [origin.key] * len(base),
                "OriginDocumentSubType": [row[0]] * len(base),
                "TransferedLineId": line_ids.gather(base.tolist()),
                "TransferedDocumentId": [key] * len(base),
                "TransferedDocumentSubType": [kind] * len(base),
                "Quantity": quantity,
                "RealQuantity": quantity,
                "IsCountermark": [False] * len(base),
                "LinkType": [0] * len(base),
            }
        )
        self.ledger.insert(connection, "DocumentLineAssociation", frame)
        for line, moved in zip([origin.lines[n] for n in base], quantity.to_list(), strict=True):
            self._advance(connection, line, row[0], kind, moved, moment)
        if kind != CREDIT_NOTE:
            self.ledger.update(
                connection, "SaleDocument", origin.key, {"TransferedDocumentId": key, "DocumentState": 2}, moment
            )
        if kind == INVOICE:
            self._invoiced(connection, origin.key, moment)

    def _invoiced(self, connection: psycopg.Connection[Any], key: str, moment: datetime) -> None:
        """The extension row has no sys columns: nothing but its content tells that it changed."""
        column = "RemainingAmountToInvoiceVatExcluded"
        row = connection.execute(f'SELECT "{column}" FROM "SaleDocumentEx" WHERE "Id" = %s', [key]).fetchone()
        if row is not None and row[0] != 0:
            self.ledger.update(connection, "SaleDocumentEx", key, {column: Decimal(0)}, moment)

    def _advance(
        self, connection: psycopg.Connection[Any], line: str, origin: int, kind: int, moved: Decimal, moment: datetime
    ) -> None:
        row = connection.execute(
            'SELECT "DeliveredQuantity", "RemainingQuantityToDeliver", "InvoicedQuantity",'
            ' "RemainingQuantityToInvoice", "ReturnedQuantity" FROM "SaleDocumentLine" WHERE "Id" = %s',
            [line],
        ).fetchone()
        assert row is not None  # noqa: S101 - copied in the same transaction
        delivered, to_deliver, invoiced, to_invoice, returned = (value or Decimal(0) for value in row)
        changes: dict[str, Decimal] = {}
        if origin == ORDER and kind == DELIVERY:
            changes = {
                "DeliveredQuantity": delivered + moved,
                "RemainingQuantityToDeliver": max(to_deliver - moved, Decimal(0)),
            }
        elif kind == INVOICE:
            changes = {
                "InvoicedQuantity": invoiced + moved,
                "RemainingQuantityToInvoice": max(to_invoice - moved, Decimal(0)),
            }
        elif kind == CREDIT_NOTE:
            changes = {"ReturnedQuantity": returned + moved}
        if changes:
            self.ledger.update(connection, "SaleDocumentLine", line, changes, moment)

    def settle(
        self,
        connection: psycopg.Connection[Any],
        third: str,
        owed: list[tuple[Any, ...]],
        moment: datetime,
        *,
        partly: bool,
    ) -> None:
        """One settlement for the instalments ``owed``: (commitment, document, third, balance, amount) each."""
        paid = [round(row[3] / 2, 2) if partly and row[3] > 2 else row[3] for row in owed]
        (key,) = uuids(self.rng, 1).to_list()
        total, count = sum(paid, Decimal(0)), len(owed)
        audit = {
            "sysCreatedDate": moment,
            "sysCreatedUser": "compta",
            "sysModifiedDate": moment,
            "sysModifiedUser": "compta",
        }
        midnight = moment.replace(hour=0, minute=0, second=0)
        settlement = {
            "Id": key,
            "SettlementDate": midnight,
            "Amount": total,
            "CurrencyAmount": total,
            "RemainingAmount": Decimal(0),
            "IsLiquidated": True,
            "PaymentTypeId": "VIR",
            "ThirdId": third,
            "ThirdName": self._name(third),
            **audit,
        }
        self.ledger.insert(connection, "SaleSettlement", pl.DataFrame([settlement]))
        rows = [
            {
                "Id": i,
                "SettlementId": key,
                "CommitmentId": row[0],
                "AssignedAmount": amount,
                "CurrencyAssignedAmount": amount,
                **audit,
            }
            for i, row, amount in zip(uuids(self.rng, count).to_list(), owed, paid, strict=True)
        ]
        self.ledger.insert(connection, "SaleSettlementCommitmentAssociation", pl.DataFrame(rows))
        for (commitment, document, _, balance, _), amount in zip(owed, paid, strict=True):
            left = balance - amount
            values: dict[str, Any] = {"BalanceDue": left, "CurrencyBalanceDue": left}
            if left == 0:
                values |= {"IsLiquidated": True, "LiquidationStateChangeDate": midnight}
            self.ledger.update(connection, "SaleCommitment", commitment, values, moment)
            row = connection.execute(
                'SELECT "CommitmentsBalanceDue" FROM "SaleDocument" WHERE "Id" = %s', [document]
            ).fetchone()
            if row is not None:
                self.ledger.update(
                    connection, "SaleDocument", document, {"CommitmentsBalanceDue": row[0] - amount}, moment
                )

    def _name(self, third: str) -> str | None:
        names = self.known.customers.frame.filter(pl.col("Id") == third)["Name"].to_list()
        return names[0] if names else None
