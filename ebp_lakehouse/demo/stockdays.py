"""Simulated days in the storehouses: what is sold leaves, what is bought comes in, and a paper is typed weeks late.

EBP's rule for PUMP is the one of ``company.valuation``, here for one movement at a time in exact decimals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ebp_lakehouse.demo.fieldsource import FieldSource

Event = tuple[str, Callable[[datetime], Any]]
# (DocumentType, DocumentSubType) as in company.stockframes.
RECEIVED, SOLD, USED = (0, 2), (1, 4), (1, 5)
EXIT = 3  # StockDocument.DocumentType of an issue for our own use
BACK_DATED_CHANCE, DAYS_LATE = 0.4, 12
CENT, MILLIONTH = Decimal("0.01"), Decimal("0.000001")


class StockDays:
    """Moves goods; everything is written through the source's ledger."""

    def __init__(self, source: FieldSource) -> None:
        self.source = source
        self._last = int(source.value('SELECT coalesce(max("Id"), 0) FROM "StockMovement"'))
        self._papers = int(
            source.value('SELECT coalesce(max("NumberSuffix"), 0) FROM "StockDocument" WHERE "NumberPrefix" = %s', "SS")
        )

    @property
    def managed(self) -> bool:
        """Whether the company manages its stock at all."""
        return self._last > 0

    def events(self) -> Iterator[Event]:
        """What happens today; nothing where stock is not managed."""
        if not self.managed:
            return
        yield "goods issued", self._issue
        if self.source.chance(BACK_DATED_CHANCE):
            yield "movement typed late", self._late

    def move(
        self,
        item: str,
        place: str,
        quantity: Decimal,
        codes: tuple[int, int],
        moment: datetime,
        paper: tuple[str, str, str],
        cost: Decimal | None = None,
        day: datetime | None = None,
    ) -> int:
        """One movement (``paper`` = document id, number, line id), and the running figures it changes.

        Without ``cost`` it is valued at PUMP. With a ``day`` in the past the movements after it are rewritten. Returns
        the movement's id, 0 where the item is not kept in that storehouse.
        """
        held = self.source.rows(
            'SELECT "RealStock", "VirtualStock", "Pump" FROM "StockItem" WHERE "ItemId" = %s AND "StorehouseId" = %s',
            item,
            place,
        )
        if not held:
            return 0
        dated = (day or moment).replace(hour=0, minute=0, second=0, microsecond=0)
        before = self.source.rows(
            'SELECT "RealStock", "Pump", "DocumentOrder" FROM "StockMovement" WHERE "ItemId" = %s AND "StorehouseId" = %s'
            ' AND "DocumentDate" <= %s ORDER BY "DocumentDate" DESC, "DocumentOrder" DESC LIMIT 1', item, place, dated,
        )  # fmt: skip
        stock, pump = (before[0]["RealStock"], before[0]["Pump"]) if before else (Decimal(0), held[0]["Pump"])
        if cost is not None and quantity > 0:
            mixed = (stock * pump + quantity * cost) / (stock + quantity) if stock > 0 else cost
            pump = mixed.quantize(MILLIONTH, ROUND_HALF_UP)
        unit = pump if cost is None else cost
        self._last += 1
        row = {
            "Id": self._last, "MovementType": int(quantity < 0), "DocumentType": codes[0], "DocumentSubType": codes[1],
            "ItemId": item, "StorehouseId": place, "DocumentId": paper[0], "DocumentNumber": paper[1],
            "DocumentLineId": paper[2], "DocumentDate": dated,
            "DocumentOrder": before[0]["DocumentOrder"] + 1 if before else 0, "Quantity": quantity,
            "UnitCost": unit, "Cost": (quantity * unit).quantize(CENT, ROUND_HALF_UP), "Pump": pump,
            "RealStock": stock + quantity, "VirtualStock": stock + quantity, "StockValue": _value(stock + quantity, pump),
        }  # fmt: skip
        later = self._rewrite(item, place, dated, quantity, moment) if day is not None else []
        self.source.insert("StockMovement", row, moment)
        pump = later[-1]["Pump"] if later else pump
        real = held[0]["RealStock"] + quantity
        values = {"RealStock": real, "VirtualStock": held[0]["VirtualStock"] + quantity, "Pump": pump,
                  "StockValue": _value(real, pump)}  # fmt: skip
        self.source.update("StockItem", {"ItemId": item, "StorehouseId": place}, values, moment)
        sums = self.source.rows(
            'SELECT sum("RealStock") AS real, sum("VirtualStock") AS virtual, sum("StockValue") AS value FROM "StockItem"'
            ' WHERE "ItemId" = %s', item,
        )[0]  # fmt: skip
        counters = {"RealStock": sums["real"], "VirtualStock": sums["virtual"], "StockValue": sums["value"]}
        if sums["real"] > 0:
            counters["Pump"] = (sums["value"] / sums["real"]).quantize(CENT, ROUND_HALF_UP)
        self.source.update("Item", item, counters, moment)
        return self._last

    def expect(self, item: str, place: str, quantity: Decimal, moment: datetime) -> None:
        """More (or less) of an item is on order at suppliers: counters of its storehouse and of the item."""
        if not self.managed:
            return
        for table, key in (("StockItem", {"ItemId": item, "StorehouseId": place}), ("Item", {"Id": item})):
            where = " AND ".join(f'"{name}" = %s' for name in key)
            found = self.source.rows(
                f'SELECT "SuppliersOrderedQuantity" AS due, "VirtualStock" AS virtual FROM "{table}" WHERE {where}',
                *key.values(),
            )
            for row in found:
                values = {"SuppliersOrderedQuantity": row["due"] + quantity, "VirtualStock": row["virtual"] + quantity}
                self.source.update(table, key if table == "StockItem" else item, values, moment)

    def _rewrite(
        self, item: str, place: str, day: datetime, quantity: Decimal, moment: datetime
    ) -> list[dict[str, Any]]:
        """The running stock of the movements after a day changes by ``quantity``; those movements, in order."""
        later = self.source.rows(
            'SELECT "Id", "RealStock", "Pump" FROM "StockMovement" WHERE "ItemId" = %s AND "StorehouseId" = %s'
            ' AND "DocumentDate" > %s ORDER BY "DocumentDate", "DocumentOrder"', item, place, day,
        )  # fmt: skip
        for row in later:
            stock = row["RealStock"] + quantity
            values = {"RealStock": stock, "VirtualStock": stock, "StockValue": _value(stock, row["Pump"])}
            self.source.update("StockMovement", row["Id"], values, moment)
        return later

    def _issue(self, moment: datetime) -> int:
        """Deliveries and straight invoices of today take their goods out."""
        sold = self.source.rows(
            'SELECT l."Id"::text AS line, trim(l."ItemId") AS item, l."StorehouseId"::text AS place, l."RealQuantity" AS quantity,'
            ' d."Id"::text AS document, d."DocumentNumber" AS number FROM "SaleDocument" d'
            ' JOIN "SaleDocumentLine" l ON l."DocumentId" = d."Id" WHERE d."DocumentDate" = %s AND d."DocumentType" IN (2, 6)'
            ' AND l."StorehouseId" IS NOT NULL AND l."RealQuantity" <> 0 AND NOT EXISTS (SELECT FROM "DocumentLineAssociation" a'
            ' WHERE a."TransferedLineId" = l."Id" AND a."OriginDocumentSubType" = 6) AND NOT EXISTS'
            ' (SELECT FROM "StockMovement" m WHERE m."DocumentLineId" = l."Id") ORDER BY d."DocumentNumber", l."LineOrder"',
            moment.replace(hour=0, minute=0, second=0, microsecond=0),
        )  # fmt: skip
        return sum(
            self.move(row["item"].upper(), row["place"], -row["quantity"], SOLD, moment, (row["document"], row["number"], row["line"]))
            > 0
            for row in sold
        )  # fmt: skip

    def _late(self, moment: datetime) -> bool:
        """A paper of two weeks ago is typed today: it changes every running figure since."""
        day = moment - timedelta(days=DAYS_LATE)
        pair = self.source.pick(
            'SELECT DISTINCT m."ItemId" AS item, m."StorehouseId"::text AS place FROM "StockMovement" m'
            ' WHERE m."DocumentDate" > %s AND m."RealStock" >= 1 ORDER BY 1, 2', day,
        )  # fmt: skip
        if pair is None:
            return False
        self._papers += 1
        number, key, line = f"SS{self._papers:08d}", self.source.key(), self.source.key()
        midnight = day.replace(hour=0, minute=0, second=0, microsecond=0)
        self.source.insert(
            "StockDocument",
            {"Id": key, "DocumentType": EXIT, "DocumentNumber": number, "NumberPrefix": "SS",
             "NumberSuffix": Decimal(self._papers), "DocumentDate": midnight, "StorehouseId": pair["place"]}, moment,
        )  # fmt: skip
        made = self.move(pair["item"], pair["place"], Decimal(-1), USED, moment, (key, number, line), day=day)
        self.source.insert(
            "StockDocumentLine",
            {"Id": line, "DocumentId": key, "LineType": 2, "LineOrder": 100, "ItemId": pair["item"],
             "StorehouseId": pair["place"], "Quantity": Decimal(1), "RealQuantity": Decimal(1), "ManageStock": True,
             "StockMovementId": made}, moment,
        )  # fmt: skip
        return True


def _value(stock: Decimal, pump: Decimal) -> Decimal:
    return (stock * pump).quantize(CENT, ROUND_HALF_UP)
