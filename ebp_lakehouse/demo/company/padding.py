"""Lines that are printed but never counted, which bring ``SaleDocumentLine`` to its size; how far lines have got.

Text, titles, subtotals and page breaks are added; what links say of quantities delivered and invoiced is summed up.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ebp_lakehouse.demo.company.chains import ORDER
from ebp_lakehouse.demo.company.primitives import Int
from ebp_lakehouse.demo.company.skeleton import Skeleton

TITLE, SUBTOTAL, PAGE_BREAK, TEXT = 1, 4, 8, 9  # line types outside the counted ones; only 9 is documented
TEXTS = (
    "Suivant votre demande du", "Livraison sur rendez-vous", "Numéro de série :", "Référence chantier",
    "Lot n° 1 - Chauffage", "Lot n° 2 - Sanitaire", "Sous-total", "Bon pour accord", "Garantie deux ans pièces",
)  # fmt: skip


def pad_lines(rng: np.random.Generator, sk: Skeleton, target: int) -> None:
    """Add uncounted lines beside existing ones until there are ``target`` lines (none when there are enough).

    Subtotals carry the amount they print: summing every line would count twice.
    """
    missing = target - sk.lines.size
    if missing <= 0:
        return
    anchors = np.flatnonzero(sk.lines["level"] == 0)
    anchor = anchors[rng.integers(0, len(anchors), missing)]
    kind = rng.choice([TEXT, TITLE, SUBTOTAL, PAGE_BREAK], missing, p=[0.66, 0.14, 0.15, 0.05])
    subtotal = kind == SUBTOTAL
    after = np.where(subtotal, 900, -1)  # a subtotal follows its line (and components), the others come before
    sk.lines.add(
        missing,
        document=sk.lines["document"][anchor],
        line_type=kind,
        quantity=np.where(subtotal, sk.lines["quantity"][anchor], 0),
        unit_quantity=np.where(subtotal, sk.lines["quantity"][anchor], 0),
        price=np.where(subtotal, sk.lines["price"][anchor], 0),
        vat=np.where(subtotal, sk.lines["vat"][anchor], 0),
        order=sk.lines["order"][anchor] + after,
        text=np.where(subtotal, -3, -4 - rng.integers(0, len(TEXTS), missing)),
    )


@dataclass(frozen=True)
class Progress:
    """How far each line went through its chain, in thousandths of its unit (never negative for positive lines)."""

    delivered: Int
    invoiced: Int
    returned: Int


def progress(sk: Skeleton) -> Progress:
    """Delivered, invoiced (also through deliveries) and returned quantities of each line, from the links."""
    origin, target, quantity = sk.links["origin"], sk.links["target"], sk.links["quantity"]
    to_kind = sk.documents["kind"][sk.lines["document"][target]]
    size = sk.lines.size

    def total(mask: np.ndarray, values: Int) -> Int:
        return np.rint(np.bincount(origin[mask], weights=values[mask], minlength=size)).astype(np.int64)

    direct = total(to_kind == 2, quantity)
    through = total(to_kind == 6, np.minimum(quantity, direct[target]))
    shipped = np.isin(to_kind, (6, 2))
    from_order = sk.documents["kind"][sk.lines["document"][origin]] == ORDER
    return Progress(
        delivered=total(shipped & from_order, quantity),
        invoiced=direct + through,
        returned=total(np.isin(to_kind, (7, 3)), quantity),
    )
