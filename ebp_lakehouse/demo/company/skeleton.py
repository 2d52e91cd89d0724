"""The columns of the unpriced company: documents, lines and links as aligned numpy arrays, grown piece by piece.

Indices, not codes: ``customer``, ``item``, ``seller`` point into the masters, ``contract`` into the field's contracts,
``parent``/``top`` and links into lines.
Days are day numbers, money is in cents, quantities in thousandths, rates in basis points; -1 means "none".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from ebp_lakehouse.demo.company.primitives import Bool, Int

DOCUMENT_COLUMNS: dict[str, int] = {
    "kind": 0,
    "customer": -1,
    "day": 0,
    "seller": -1,
    "footer_bp": 0,
    "financial_bp": 0,
    "shipping": 0,
    "shipping_vat": 0,
    "shipping_no_financial": 0,
    "charges": 0,
    "ttc": 0,
    "path": -1,
    "revision": 0,
    "origin": -1,
    "origin_link": 0,
    "deposit_document": -1,
    "deposit_share": 0,
    "deposit_amount": 0,
    "template": 0,
    "post_dated": 0,
    "dead": 0,
    "footer_amount": 0,
    "foreign": 0,
    "reverse": 0,
    "absurd": 0,
    "contract": -1,
}
LINE_COLUMNS: dict[str, int] = {
    "document": -1, "line_type": 2, "level": 0, "parent": -1, "top": -1, "item": -1, "quantity": 0, "unit_quantity": 0,
    "price": 0, "d0": 0, "d1": 0, "d2": 0, "vat": 0, "cost": 0, "purchase": 0, "not_included": 0, "no_footer": 0,
    "no_financial": 0, "ecotax": 0, "order": 0, "text": -1, "seller": -1,
}  # fmt: skip
LINK_COLUMNS: dict[str, int] = {"origin": -1, "target": -1, "quantity": 0}


@dataclass
class Table:
    """Aligned integer columns; ``add`` appends rows and returns their indices."""

    defaults: dict[str, int]
    size: int = 0
    pieces: dict[str, list[Int]] = field(default_factory=dict)

    def add(self, count: int, **columns: Int | int) -> Int:
        """Append ``count`` rows; scalars are broadcast, columns left out get their default."""
        unknown = set(columns) - set(self.defaults)
        if unknown:
            raise KeyError(f"unknown columns {sorted(unknown)}")
        for name, default in self.defaults.items():
            value = np.asarray(columns.get(name, default), dtype=np.int64)
            self.pieces.setdefault(name, []).append(np.broadcast_to(value, (count,)))
        rows = np.arange(self.size, self.size + count)
        self.size += count
        return rows

    def __getitem__(self, name: str) -> Int:
        """The whole column, writable in place."""
        pieces = self.pieces.setdefault(name, [])
        if len(pieces) != 1 or not pieces[0].flags.writeable:
            self.pieces[name] = [np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)]
        return self.pieces[name][0]


@dataclass(frozen=True)
class Planted:
    """Rows of one of the skeleton's tables (``documents``, ``lines``) that were made on purpose; see ``truth``."""

    case: str
    of: Literal["documents", "lines"]
    rows: Int
    moves: str


@dataclass
class Skeleton:
    """Unpriced documents, lines and transfer links, and which of them were planted."""

    documents: Table = field(default_factory=lambda: Table(DOCUMENT_COLUMNS))
    lines: Table = field(default_factory=lambda: Table(LINE_COLUMNS))
    links: Table = field(default_factory=lambda: Table(LINK_COLUMNS))
    planted: list[Planted] = field(default_factory=list)

    def plant(self, case: str, of: Literal["documents", "lines"], rows: Int | Bool, moves: str) -> None:
        """Remember planted rows (indices, or a mask) until they have keys."""
        found = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows
        self.planted.append(Planted(case, of, np.asarray(found, dtype=np.int64), moves))
