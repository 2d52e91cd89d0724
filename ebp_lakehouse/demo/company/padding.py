"""Lines that are printed but never counted, and links that are not sales transfers: what brings tables to their size.

Text, titles, subtotals and page breaks fill ``SaleDocumentLine``; countermarks and purchase transfers fill
``DocumentLineAssociation``, whose real counterpart holds both sides.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.chains import ORDER
from ebp_lakehouse.demo.company.primitives import Int, at_least_one, decimals, take, uuids
from ebp_lakehouse.demo.company.skeleton import Skeleton

TITLE, SUBTOTAL, PAGE_BREAK, TEXT = 1, 4, 8, 9  # line types outside the counted ones; only 9 is documented
TEXTS = (
    "Suivant votre demande du", "Livraison sur rendez-vous", "Numéro de série :", "Référence chantier",
    "Lot n° 1 - Chauffage", "Lot n° 2 - Sanitaire", "Sous-total", "Bon pour accord", "Garantie deux ans pièces",
)  # fmt: skip
COUNTERMARKS, PURCHASE_LINKS = 420, 200  # at least so many links are not sales transfers
LINK_TRANSFER, LINK_COUNTERMARK = 0, 1


@dataclass(frozen=True)
class Foreign:
    """Links of which one side at least is a purchase line, unknown to the sales slice."""

    countermark_lines: Int
    purchases: int


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


def pad_links(rng: np.random.Generator, scale: float, sk: Skeleton, target: int) -> Foreign:
    """The foreign links that complete the table; some sales links are dropped when there are too many."""
    count = at_least_one(COUNTERMARKS, scale)
    excess = sk.links.size - (target - count - at_least_one(PURCHASE_LINKS, scale))
    if excess > 0:  # a small company with many transfers: some links are lost, as they are in old real databases
        kept = np.sort(rng.permutation(sk.links.size)[excess:])
        for name in sk.links.defaults:
            sk.links.pieces[name] = [sk.links[name][kept]]
        sk.links.size = len(kept)
    missing = max(0, target - sk.links.size)
    candidates = np.flatnonzero(
        (sk.documents["kind"][sk.lines["document"]] == ORDER) & (sk.lines["line_type"] == 2) & (sk.lines["item"] >= 0)
    )
    return Foreign(rng.permutation(candidates)[:count], missing - min(count, len(candidates)))


def link_frame(
    rng: np.random.Generator, sk: Skeleton, foreign: Foreign, line_ids: pl.Series, document_ids: pl.Series
) -> pl.DataFrame:
    """``DocumentLineAssociation``: sales transfers, countermarks (order -> supplier order), purchase transfers."""
    origin, target = sk.links["origin"], sk.links["target"]
    owner, kind = sk.lines["document"], sk.documents["kind"]
    sales, marks, bought = len(origin), len(foreign.countermark_lines), foreign.purchases
    total = sales + marks + bought
    outside = uuids(rng, 2 * marks + 4 * bought)
    known_lines = take(line_ids, np.concatenate([origin, foreign.countermark_lines]))
    known_docs = take(document_ids, np.concatenate([owner[origin], owner[foreign.countermark_lines]]))
    purchase_kind = np.array([8, 6], dtype=np.int64)[np.arange(bought) % 2]
    columns = {
        "Id": uuids(rng, total),
        "OriginLineId": pl.concat([known_lines, outside[2 * marks : 2 * marks + bought]]),
        "OriginDocumentId": pl.concat([known_docs, outside[2 * marks + bought : 2 * marks + 2 * bought]]),
        "OriginDocumentType": np.concatenate(
            [np.zeros(sales + marks, dtype=np.int64), np.ones(bought, dtype=np.int64)]
        ),
        "OriginDocumentSubType": np.concatenate([kind[owner[origin]], np.full(marks, ORDER), purchase_kind]),
        "TransferedLineId": pl.concat(
            [take(line_ids, target), outside[:marks], outside[2 * marks + 2 * bought : 2 * marks + 3 * bought]]
        ),
        "TransferedDocumentId": pl.concat(
            [take(document_ids, owner[target]), outside[marks : 2 * marks], outside[2 * marks + 3 * bought :]]
        ),
        "TransferedDocumentType": np.concatenate(
            [np.zeros(sales, dtype=np.int64), np.ones(marks + bought, dtype=np.int64)]
        ),
        "TransferedDocumentSubType": np.concatenate(
            [kind[owner[target]], np.full(marks, ORDER), np.where(purchase_kind == 8, 6, 2)]
        ),
        "Quantity": decimals(
            np.concatenate(
                [sk.links["quantity"], sk.lines["quantity"][foreign.countermark_lines], np.full(bought, 1000)]
            ),
            3,
        ),
        "IsCountermark": np.concatenate(
            [np.zeros(sales, dtype=bool), np.ones(marks, dtype=bool), np.zeros(bought, dtype=bool)]
        ),
        "LinkType": np.concatenate(
            [np.full(sales, LINK_TRANSFER), np.full(marks, LINK_COUNTERMARK), np.full(bought, LINK_TRANSFER)]
        ),
    }
    return pl.DataFrame(columns).with_columns(RealQuantity=pl.col("Quantity"))


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
