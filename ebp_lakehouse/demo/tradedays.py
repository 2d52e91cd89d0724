"""Simulated days on the buying side: orders, receipts, supplier invoices and payments of the demo company.

What a movement does to the stock is in ``stockdays``; the days themselves are driven by ``simulate``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ebp_lakehouse.demo.fieldsource import FieldSource
from ebp_lakehouse.demo.stockdays import RECEIVED, StockDays

Row = dict[str, Any]
Event = tuple[str, Callable[[datetime], Any]]
INVOICE, RECEIPT, ORDER = 2, 6, 8
PREFIXES = {INVOICE: "FF", RECEIPT: "BR", ORDER: "CF"}
CENT = Decimal("0.01")
LINES, SHORT_SHARE, PAID_A_DAY, VAT_RATE = 3, 0.15, 6, Decimal(20)


class TradeDays:
    """Buys for the demo company; everything is written through the source's ledger."""

    def __init__(self, source: FieldSource, stock: StockDays) -> None:
        self.source, self.stock = source, stock
        self._last = {
            row["NumberPrefix"]: int(row["last"])
            for row in source.rows(
                'SELECT "NumberPrefix", max("NumberSuffix") AS last FROM "PurchaseDocument" GROUP BY 1'
            )
        }
        vat = source.rows(
            'SELECT "Id"::text AS id, "TerritorialityId"::text AS place FROM "Vat" WHERE "Rate" = 20 LIMIT 1'
        )
        self._vat: str | None
        self._place: str | None
        self._vat, self._place = (vat[0]["id"], vat[0]["place"]) if vat else (None, None)

    def events(self) -> Iterator[Event]:
        """What happens today, in order; nothing where the company does not buy (a variant without these tables)."""
        if not self._last or self._vat is None:
            return
        yield "supplier order", self._order
        yield "goods received", self._receive
        yield "supplier invoice", self._invoice
        yield "supplier payments", self._pay

    def _order(self, moment: datetime) -> bool:
        """What is shortest in the main storehouse is ordered from its main supplier; anything, where nobody counts it."""
        of_interest = (
            ', st."StorehouseId"::text AS place FROM "StockItem" st JOIN "Storehouse" h ON h."Id" = st."StorehouseId"'
            ' AND h."Main" AND st."SuppliersOrderedQuantity" = 0 JOIN "Item" i ON i."Id" = st."ItemId"'
            if self.stock.managed
            else ', NULL AS place FROM "Item" i JOIN "Supplier" p ON p."Id" = i."SupplierId"'
        )
        order = 'st."RealStock" - st."OrderedQuantity", i."Id" LIMIT 40' if self.stock.managed else 'i."Id"'
        wanted = self.source.rows(
            'SELECT i."Id", i."SupplierId", i."UnitId", i."Caption", s."NetPurchasePrice" AS price, s."DeliveryDelay" AS delay'
            f'{of_interest} JOIN "SupplierItem" s ON s."ItemId" = i."Id" AND s."MainSupplier" WHERE i."ActiveState" = 0'
            f' AND s."NetPurchasePrice" > 0 AND s."SalePurchaseConversionRate" = 1 ORDER BY {order}'
        )
        if not wanted:
            return False
        first = self.source.one_of(wanted)
        lines = [row for row in wanted if row["SupplierId"] == first["SupplierId"]][:LINES]
        rows = [{**row, "quantity": Decimal(1 + n * 4), "origin": None} for n, row in enumerate(lines, 1)]
        promised = moment + timedelta(days=int(first["delay"]))
        self._write(ORDER, first["SupplierId"], rows, moment, promised)
        for row in rows:
            self.stock.expect(row["Id"], row["place"], row["quantity"], moment)
        return True

    def _receive(self, moment: datetime) -> bool:
        """An order that is due comes in, now and then only in part."""
        order = self.source.pick(
            'SELECT DISTINCT d."Id"::text AS id, d."SupplierId", d."DocumentDate" FROM "PurchaseDocument" d'
            ' JOIN "PurchaseDocumentLine" l ON l."DocumentId" = d."Id" WHERE d."DocumentType" = 8'
            ' AND l."RemainingQuantityToDeliver" > 0 AND l."ManageStock" = %s AND d."DeliveryCustomerId" IS NULL'
            ' AND d."DeliveryDate" BETWEEN %s AND %s ORDER BY 1',
            self.stock.managed, moment - timedelta(days=60), moment + timedelta(days=1),
        )  # fmt: skip
        if order is None:
            return False
        rows = self._open_lines(order["id"], "RemainingQuantityToDeliver")
        if not rows:
            return False
        if self.source.chance(SHORT_SHARE):
            rows = [{**row, "quantity": max(Decimal(1), row["quantity"] // 2)} for row in rows]
        rows = [{**row, "quantity": min(row["quantity"], row["left"])} for row in rows]
        number, key, keys = self._write(RECEIPT, order["SupplierId"], rows, moment, None, order["id"])
        for row, line in zip(rows, keys, strict=True):
            self.stock.move(
                row["Id"], row["place"], row["quantity"] * row["box"], RECEIVED, moment, (key, number, line),
                cost=row["net"] / row["box"],
            )  # fmt: skip
            self.stock.expect(row["Id"], row["place"], -row["quantity"] * row["box"], moment)
            self.source.update(
                "PurchaseDocumentLine", row["origin"],
                {"DeliveredQuantity": row["delivered"] + row["quantity"],
                 "RemainingQuantityToDeliver": row["left"] - row["quantity"]}, moment,
            )  # fmt: skip
        return True

    def _invoice(self, moment: datetime) -> bool:
        """A receipt of the last weeks is invoiced."""
        receipt = self.source.pick(
            'SELECT d."Id"::text AS id, d."SupplierId" FROM "PurchaseDocument" d WHERE d."DocumentType" = 6'
            ' AND d."TransferedDocumentId" IS NULL AND d."DocumentDate" BETWEEN %s AND %s ORDER BY d."Id"',
            moment - timedelta(days=40), moment - timedelta(days=1),
        )  # fmt: skip
        if receipt is None:
            return False
        rows = self._open_lines(receipt["id"], "RemainingQuantityToInvoice")
        if not rows:
            return False
        _, key, _ = self._write(INVOICE, receipt["SupplierId"], rows, moment, None, receipt["id"])
        for row in rows:
            values = {"InvoicedQuantity": row["invoiced"] + row["quantity"], "RemainingQuantityToInvoice": Decimal(0)}
            self.source.update("PurchaseDocumentLine", row["origin"], values, moment)
        total = self.source.value('SELECT "AmountVatIncluded" FROM "PurchaseDocument" WHERE "Id" = %s', key)
        commitment = {
            "Id": self.source.key(), "DocumentId": key, "DocumentType": INVOICE, "ThirdId": receipt["SupplierId"].strip().upper(),
            "DueDate": _midnight(moment) + timedelta(days=30), "Amount": total, "BalanceDue": total,
            "CurrencyAmount": total, "CurrencyBalanceDue": total, "IsLiquidated": False, "PaymentTypeId": "VIR",
        }  # fmt: skip
        self.source.insert("PurchaseCommitment", commitment, moment)
        return True

    def _pay(self, moment: datetime) -> int:
        """The oldest instalments due are paid, each supplier at once."""
        due = self.source.rows(
            'SELECT "Id"::text AS id, "DocumentId"::text AS document, "ThirdId", "BalanceDue" FROM "PurchaseCommitment"'
            ' WHERE "BalanceDue" > 0 AND "DueDate" BETWEEN %s AND %s ORDER BY "DueDate" DESC, "Id" LIMIT %s',
            moment - timedelta(days=120), moment, PAID_A_DAY,
        )  # fmt: skip
        for third in dict.fromkeys(row["ThirdId"] for row in due):
            mine = [row for row in due if row["ThirdId"] == third]
            total = sum((row["BalanceDue"] for row in mine), Decimal(0))
            key = self.source.key()
            settlement = {
                "Id": key, "SettlementDate": _midnight(moment), "Amount": total, "CurrencyAmount": total,
                "RemainingAmount": Decimal(0), "IsLiquidated": True, "PaymentTypeId": "VIR", "ThirdId": third,
            }  # fmt: skip
            self.source.insert("PurchaseSettlement", settlement, moment)
            for row in mine:
                link = {
                    "Id": self.source.key(), "SettlementId": key, "CommitmentId": row["id"],
                    "AssignedAmount": row["BalanceDue"], "CurrencyAssignedAmount": row["BalanceDue"],
                }  # fmt: skip
                self.source.insert("PurchaseSettlementCommitmentAssociation", link, moment)
                paid = {"BalanceDue": Decimal(0), "CurrencyBalanceDue": Decimal(0), "IsLiquidated": True,
                        "LiquidationStateChangeDate": _midnight(moment)}  # fmt: skip
                self.source.update("PurchaseCommitment", row["id"], paid, moment)
                left = self.source.value(
                    'SELECT "CommitmentsBalanceDue" FROM "PurchaseDocument" WHERE "Id" = %s', row["document"]
                )
                values = {"CommitmentsBalanceDue": left - row["BalanceDue"]}
                self.source.update("PurchaseDocument", row["document"], values, moment)
        return len(due)

    def _open_lines(self, document: str, left: str) -> list[Row]:
        """The lines of goods of a document that still have something ``left``, ready to be written again."""
        return [
            {**row, "quantity": row["left"]}
            for row in self.source.rows(
                f'SELECT "Id"::text AS origin, trim("ItemId") AS "Id", "UnitId", "DescriptionClear" AS "Caption", "{left}" AS left,'
                ' "PurchasePrice" AS price, "NetPriceVatExcluded" AS net, coalesce("DeliveredQuantity", 0) AS delivered,'
                ' coalesce("InvoicedQuantity", 0) AS invoiced, "StorehouseId"::text AS place,'
                ' "SalePurchaseConversionRate" AS box FROM "PurchaseDocumentLine"'
                f' WHERE "DocumentId" = %s AND "ItemId" IS NOT NULL AND "{left}" > 0'
                ' AND ("StorehouseId" IS NOT NULL OR NOT %s) ORDER BY "LineOrder"', document, self.stock.managed,
            )
        ]  # fmt: skip

    def _write(
        self,
        kind: int,
        supplier: str,
        rows: list[Row],
        moment: datetime,
        promised: datetime | None,
        origin: str | None = None,
    ) -> tuple[str, str, list[str]]:
        """Insert one document with its lines, extension and links: (number, key, keys of the lines)."""
        prefix = PREFIXES[kind]
        self._last[prefix] = self._last.get(prefix, 0) + 1
        number, key = f"{prefix}{self._last[prefix]:08d}", self.source.key()
        net = [(row["quantity"] * row.get("net", row["price"])).quantize(CENT, ROUND_HALF_UP) for row in rows]
        total = sum(net, Decimal(0))
        vat = (total * VAT_RATE / 100).quantize(CENT, ROUND_HALF_UP)
        code = supplier.strip().upper()
        known = self.source.rows('SELECT "Name" FROM "Supplier" WHERE "Id" = %s', code)
        name = known[0]["Name"] if known else code
        document = {
            "Id": key, "DocumentType": kind, "DocumentNumber": number, "NumberPrefix": prefix,
            "NumberSuffix": Decimal(self._last[prefix]), "DocumentDate": _midnight(moment), "SupplierId": code,
            "SupplierName": name, "StorehouseId": rows[0]["place"], "VatId": self._vat, "TerritorialityId": self._place,
            "AmountVatExcluded": total, "AmountVatExcludedWithDiscount": total,
            "AmountVatExcludedWithDiscountAndShipping": total,
            "AmountVatExcludedWithDiscountAndShippingWithoutEcotax": total, "VatAmount": vat, "AmountVatIncluded": total + vat,
            "TotalDueAmount": total + vat, "CommitmentsBalanceDue": total + vat if kind == INVOICE else Decimal(0),
            "DeliveryDate": _midnight(promised) if promised else None,
            "DetailVatAmount0_DetailVatId": self._vat, "DetailVatAmount0_DetailVatRate": VAT_RATE,
            "DetailVatAmount0_DetailAmountVatExcluded": total, "DetailVatAmount0_DetailVatAmount": vat,
            "DetailVatAmount0_DetailAmountVatIncluded": total + vat,
        }  # fmt: skip
        self.source.insert("PurchaseDocument", document, moment)
        self.source.insert("PurchaseDocumentEx", {"Id": key}, moment)
        keys = []
        for order, (row, amount) in enumerate(zip(rows, net, strict=True), 1):
            line = self.source.key()
            keys.append(line)
            values = {
                "Id": line, "DocumentId": key, "LineType": 2, "LineOrder": order * 100, "ItemId": row["Id"],
                "DescriptionClear": row["Caption"], "UnitId": row["UnitId"], "VatId": self._vat, "StorehouseId": row["place"],
                "Quantity": row["quantity"], "RealQuantity": row["quantity"], "ManageStock": self.stock.managed,
                "SalePurchaseConversionRate": row.get("box", Decimal(1)), "PurchasePrice": row["price"],
                "PriceVatExcluded": row["price"], "NetPriceVatExcluded": row.get("net", row["price"]),
                "CostPrice": row.get("net", row["price"]), "NetAmountVatExcluded": amount,
                "RealNetAmountVatExcluded": amount, "RealNetAmountVatExcludedWithDiscount": amount,
                "RealNetAmountVatExcludedWithDiscountAndFinancialDiscount": amount,
                "OrderedQuantity": row["quantity"] if kind == ORDER else Decimal(0),
                "RemainingQuantityToDeliver": row["quantity"] if kind == ORDER else Decimal(0),
                "RemainingQuantityToInvoice": row["quantity"] if kind in (ORDER, RECEIPT) else Decimal(0),
            }  # fmt: skip
            self.source.insert("PurchaseDocumentLine", values, moment)
            if row["origin"] is not None:
                self._link(row, origin, line, key, kind, moment)
        if origin is not None:
            self.source.update("PurchaseDocument", origin, {"TransferedDocumentId": key, "DocumentState": 2}, moment)
        return number, key, keys

    def _link(self, row: Row, origin: str | None, line: str, key: str, kind: int, moment: datetime) -> None:
        link = {
            "Id": self.source.key(), "OriginLineId": row["origin"], "OriginDocumentId": origin, "OriginDocumentType": 1,
            "OriginDocumentSubType": ORDER if kind == RECEIPT else RECEIPT, "TransferedLineId": line,
            "TransferedDocumentId": key, "TransferedDocumentType": 1, "TransferedDocumentSubType": kind,
            "Quantity": row["quantity"], "RealQuantity": row["quantity"], "IsCountermark": False, "LinkType": 0,
        }  # fmt: skip
        self.source.insert("DocumentLineAssociation", link, moment)


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)
