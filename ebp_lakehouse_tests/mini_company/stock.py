"""Two storehouses: every movement with the stock, the average cost (PUMP) and the value after it, and today's stock."""

from __future__ import annotations

from typing import Any

from ebp_lakehouse_tests.mini_company.rows import Row, money

# StockMovement's own codes of kind: (DocumentType, DocumentSubType).
OPENING, PURCHASE, SALE, SALE_RETURN, PURCHASE_RETURN, TRANSFER, INVENTORY = (
    (1, 1),
    (0, 2),
    (1, 4),
    (1, 3),
    (0, 7),
    (1, 6),
    (0, 8),
)


def movement(
    number: int, day: str, item: str, house: str, kind: tuple[int, int], quantity: int, unit_cost: float, stock: int, pump: float,
    document: str | None = None,
) -> Row:  # fmt: skip
    """A movement: signed quantity at its unit cost; stock and average cost after it."""
    return {
        "Id": number, "DocumentDate": day, "DocumentOrder": number, "ItemId": item, "StorehouseId": house, "DocumentType": kind[0],
        "DocumentSubType": kind[1], "Quantity": quantity, "UnitCost": money(unit_cost), "Cost": quantity * money(unit_cost),
        "RealStock": stock, "Pump": money(pump), "StockValue": stock * money(pump), "DocumentId": document,
    }  # fmt: skip


def stock(item: str, house: str, quantity: int, pump: float, **others: Any) -> Row:
    return {
        "ItemId": item, "StorehouseId": house, "RealStock": quantity, "Pump": money(pump), "StockValue": quantity * money(pump),
        "StorageEnable": True, **others,
    }  # fmt: skip


# fmt: off
TABLES: dict[str, list[Row]] = {
    "StockMovement": [
        movement(1, "2025-03-31", "A1", "DEP", OPENING, 26, 5, 26, 5),
        movement(2, "2025-03-31", "A2", "DEP", OPENING, 6, 60, 6, 60),
        movement(3, "2025-03-31", "E1", "DEP", OPENING, 1, 700, 1, 700),
        movement(4, "2025-06-10", "A2", "DEP", SALE, -1, 60, 5, 60, "FA250001"),
        movement(5, "2026-01-15", "A1", "DEP", SALE, -6, 5, 20, 5, "BL260001"),
        movement(6, "2026-01-19", "A1", "DEP", PURCHASE, 50, 5.7, 70, 5.5, "PR260001"),
        movement(7, "2026-01-22", "A1", "DEP", SALE, -4, 5.5, 66, 5.5, "BL260002"),
        movement(8, "2026-02-05", "A1", "DEP", TRANSFER, -6, 5.5, 60, 5.5),
        movement(9, "2026-02-05", "A1", "VAN", TRANSFER, 6, 5.5, 6, 5.5),
        movement(10, "2026-02-10", "A1", "VAN", SALE, -5, 5.5, 1, 5.5, "FA260002"),
        movement(11, "2026-02-12", "A1", "DEP", PURCHASE, 30, 6.25, 90, 5.75, "PR260002"),
        movement(12, "2026-02-16", "A2", "DEP", SALE, -2, 60, 3, 60, "FA260003"),
        movement(13, "2026-02-20", "A1", "DEP", PURCHASE, 10, 6.25, 100, 5.8, "PR260003"),
        movement(14, "2026-02-20", "E1", "DEP", SALE, -1, 700, 0, 700, "FA260004"),
        movement(15, "2026-02-25", "A1", "DEP", PURCHASE_RETURN, -2, 5.8, 98, 5.8, "PT260001"),
        movement(16, "2026-03-02", "A1", "DEP", SALE, -10, 5.8, 88, 5.8, "FA260005"),
        movement(17, "2026-03-03", "A1", "DEP", SALE_RETURN, 1, 5.8, 89, 5.8, "BR260001"),
        movement(18, "2026-03-05", "E1", "DEP", PURCHASE, 1, 690, 1, 690, "PF260003"),
        movement(19, "2026-03-06", "A1", "DEP", SALE, -3, 5.8, 86, 5.8, "FA260006"),
        movement(20, "2026-03-09", "A1", "DEP", SALE, -2, 5.8, 84, 5.8, "FA260007"),
        movement(21, "2026-03-16", "A2", "DEP", SALE, -1, 60, 2, 60, "FA260008"),
        movement(22, "2026-03-18", "A1", "DEP", SALE, -5, 5.8, 79, 5.8, "BL260003"),
        movement(23, "2026-03-20", "A1", "DEP", INVENTORY, -4, 5.8, 75, 5.8),
        movement(24, "2026-03-20", "A1", "VAN", INVENTORY, 2, 5.5, 3, 5.5),
        movement(25, "2026-03-20", "A2", "DEP", SALE, -1, 60, 1, 60, "FA260009"),
        movement(26, "2026-03-31", "A1", "DEP", SALE, -1, 5.8, 74, 5.8, "FA260010"),
    ],
    "StockItem": [
        stock("A1", "DEP", 74, 5.8, BookedQuantity=10, OrderedQuantity=15, MinStock=20, StockToOrderThreshold=80, MaxStock=200, VirtualStock=59),
        stock("A1", "VAN", 3, 5.5, VirtualStock=3),
        stock("A2", "DEP", 1, 60, MinStock=2, SuppliersOrderedQuantity=3, VirtualStock=4),
        stock("E1", "DEP", 1, 690, SuppliersOrderedQuantity=1, VirtualStock=2),
    ],
}
# fmt: on
