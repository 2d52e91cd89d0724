"""``DocumentLineAssociation``: transfers of sales and of purchases, and countermarks (customer -> supplier order).

One table holds all three in EBP, so the purchases get the room that the sales leave.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.primitives import Int, at_least_one, decimals, take, uuids
from ebp_lakehouse.demo.company.purchasing import Purchases
from ebp_lakehouse.demo.company.skeleton import Skeleton

ROWS = 33_249  # reference installation
COUNTERMARKS, PURCHASE_LINKS = 420, 4200  # wanted; at least so many purchase transfers
COUNTERMARK_DAYS = 60  # a supplier order this long after the customer's is for it
LINK_TRANSFER, LINK_COUNTERMARK = 0, 1
SALE, PURCHASE = 0, 1
ORDER = 8


@dataclass(frozen=True)
class Side:
    """The ids of one family's lines and documents, beside its skeleton."""

    family: int
    skeleton: Skeleton
    line_ids: pl.Series
    document_ids: pl.Series


def make_room(rng: np.random.Generator, scale: float, sk: Skeleton) -> int:
    """Drop sales links when there are too many; how many countermarks and purchase links the table still takes."""
    least = at_least_one(COUNTERMARKS, scale) + at_least_one(PURCHASE_LINKS, scale)
    excess = sk.links.size - (round(ROWS * scale) - least)
    if excess > 0:  # a small company with many transfers: some links are lost, as they are in old real databases
        keep_rows(sk, np.sort(rng.permutation(sk.links.size)[excess:]))
    return round(ROWS * scale) - sk.links.size


def keep_rows(sk: Skeleton, kept: Int) -> None:
    """Only these links stay."""
    for name in sk.links.defaults:
        sk.links.pieces[name] = [sk.links[name][kept]]
    sk.links.size = len(kept)


def countermarks(scale: float, sk: Skeleton, pk: Purchases) -> tuple[Int, Int]:
    """Customer order lines and the supplier order lines that were written for them: same item, soon after."""
    ours = np.flatnonzero(
        (sk.documents["kind"][sk.lines["document"]] == ORDER) & (sk.lines["line_type"] == 2) & (sk.lines["item"] >= 0)
    )
    theirs = np.flatnonzero(
        (pk.documents["kind"][pk.lines["document"]] == ORDER)
        & (pk.lines["item"] >= 0)
        & (pk.documents["customer_document"][pk.lines["document"]] < 0)
    )
    theirs = theirs[np.argsort(_key(pk, theirs), kind="stable")]
    at = np.searchsorted(_key(pk, theirs), _key(sk, ours))
    found = theirs[np.minimum(at, len(theirs) - 1)]
    fits = (at < len(theirs)) & (_key(pk, found) - _key(sk, ours) <= COUNTERMARK_DAYS)
    _, first = np.unique(found[fits], return_index=True)
    chosen = np.sort(first)[-at_least_one(COUNTERMARKS, scale) :]
    return ours[fits][chosen], found[fits][chosen]


def _key(sk: Skeleton, lines: Int) -> Int:
    return sk.lines["item"][lines] * 1_000_000 + sk.documents["day"][sk.lines["document"][lines]]


def frame(rng: np.random.Generator, sales: Side, purchases: Side, marks: tuple[Int, Int]) -> pl.DataFrame:
    """One row per link: sales transfers, countermarks, purchase transfers."""
    parts = [
        _rows(sales, sales, sales.skeleton.links["origin"], sales.skeleton.links["target"],
              sales.skeleton.links["quantity"], LINK_TRANSFER),
        _rows(sales, purchases, *marks, np.abs(sales.skeleton.lines["quantity"][marks[0]]), LINK_COUNTERMARK),
        _rows(purchases, purchases, purchases.skeleton.links["origin"], purchases.skeleton.links["target"],
              purchases.skeleton.links["quantity"], LINK_TRANSFER),
    ]  # fmt: skip
    rows = pl.concat(parts)
    return rows.insert_column(0, uuids(rng, rows.height).alias("Id"))


def _rows(one: Side, other: Side, origin: Int, target: Int, quantity: Int, link_type: int) -> pl.DataFrame:
    def side(of: Side, rows: Int, name: str) -> dict[str, pl.Series | Int]:
        owner = of.skeleton.lines["document"][rows]
        return {
            f"{name}LineId": take(of.line_ids, rows),
            f"{name}DocumentId": take(of.document_ids, owner),
            f"{name}DocumentType": np.full(len(rows), of.family),
            f"{name}DocumentSubType": of.skeleton.documents["kind"][owner],
        }

    return pl.DataFrame(
        {
            **side(one, origin, "Origin"),
            **side(other, target, "Transfered"),
            "Quantity": decimals(quantity, 3),
            "RealQuantity": decimals(quantity, 3),
            "IsCountermark": np.full(len(origin), link_type == LINK_COUNTERMARK),
            "LinkType": np.full(len(origin), link_type),
        }
    )
