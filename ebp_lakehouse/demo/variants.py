"""What a variant of the company lacks: tables without rows, columns that do not exist or say nothing.

Lives here: what can be cut out of finished tables and of the schema. Does not live here: variants that change what is
made (company/), the options themselves (company/options.py).
"""

from __future__ import annotations

import re
from dataclasses import replace

import polars as pl

from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.errors import DemoError
from ebp_lakehouse.source.reference_schema import ReferenceTable, reference

EXTENSIONS = ("SaleDocumentEx", "PurchaseDocumentEx")
STOCK_TABLES = ("StockItem", "StockMovement", "StockDocument", "StockDocumentLine")
# What EBP keeps up to date on items where it manages their stock.
COUNTERS = ("RealStock", "VirtualStock", "StockValue", "BookedQuantity", "StockMovementId")
_COORDINATE = re.compile(r"(Latitude|Longitude)$")


def tables(options: CompanyOptions) -> dict[str, ReferenceTable]:
    """The 319 tables of this variant: without ``xx_`` columns where the company has none."""
    if options.custom_columns:
        return reference()
    return {
        name: replace(table, columns=tuple(column for column in table.columns if not column.name.startswith("xx_")))
        for name, table in reference().items()
    }


def emptied(options: CompanyOptions) -> frozenset[str]:
    """Tables that have no row in this variant. Raises ``DemoError`` for a table that EBP does not have."""
    unknown = sorted(set(options.empty) - set(reference()))
    if unknown:
        raise DemoError(f"EBP has no table {', '.join(unknown)}, so the demo company cannot leave it empty.")
    without_extension = () if options.extension_rows else EXTENSIONS
    without_stock = () if options.stock else STOCK_TABLES
    return frozenset((*options.empty, *without_extension, *without_stock))


def cut(frame: pl.DataFrame, options: CompanyOptions) -> pl.DataFrame:
    """The frame without the columns that this variant lacks or leaves empty; all its rows."""
    gone = [
        name
        for name in frame.columns
        if (not options.custom_columns and name.startswith("xx_")) or (not options.gps and _COORDINATE.search(name))
    ]
    frame = frame.drop(gone)
    if not options.stock:
        frame = frame.drop(COUNTERS, strict=False)
        if "ManageStock" in frame.columns:
            frame = frame.with_columns(ManageStock=pl.lit(value=False)).drop("StorehouseId", strict=False)
    return frame
