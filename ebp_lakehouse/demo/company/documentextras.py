"""What hangs on sale documents: ``SaleDocumentEx``, ``SaleCreditMemoOrigin`` and ``PeriodicInvoicing``.

The documents themselves are rendered in ``documents``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.chains import NAMES
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.derived import ORIGIN_BY_TABLE
from ebp_lakehouse.demo.company.documents import DocumentContext, where
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.primitives import DAY_US, Int, at_least_one, decimals, exactly, stamps, take
from ebp_lakehouse.demo.company.skeleton import Skeleton

HELD, TEMPORARY = 4, 4


def extension_frame(
    rng: np.random.Generator,
    scale: float,
    sk: Skeleton,
    ctx: DocumentContext,
    masters: Masters,
    to_invoice: Int,
    calendar: BusinessCalendar,
) -> pl.DataFrame:
    """``SaleDocumentEx``, one row per document; a few held or temporary tickets that are not sales."""
    docs, size = sk.documents, sk.documents.size
    direct = (docs["path"] == NAMES.index("DIRECT")) & (docs["kind"] == 2) & (docs["contract"] < 0)
    held = exactly(rng, direct & (docs["day"] > calendar.as_of - 400), at_least_one(HELD, scale))
    temporary = exactly(rng, direct & ~held & (docs["day"] > calendar.as_of - 400), at_least_one(TEMPORARY, scale))
    accepted = (docs["kind"] == 1) & (docs["dead"] == 0)
    return pl.DataFrame(
        {
            "Id": ctx.ids,
            "IsHeldReceipt": held,
            "IsTemporary": pl.select(
                pl.when(pl.Series(temporary))
                .then(pl.lit(True))
                .when(pl.Series(np.arange(size) % 2 == 0))
                .then(pl.lit(False))
            ).to_series(),
            "IsReferenceDocument": docs["template"] == 1,
            "AcceptanceDate": where(accepted, stamps((docs["day"] + 8) * DAY_US)),
            "CreatorColleagueId": take(masters.colleague_codes, docs["seller"]),
            "RemainingAmountToInvoiceVatExcluded": decimals(to_invoice),
        }
    )


def credit_origin_frame(sk: Skeleton, ctx: DocumentContext) -> pl.DataFrame:
    """``SaleCreditMemoOrigin``: the invoices named by credit notes linked through it."""
    docs = sk.documents
    notes = np.flatnonzero((docs["kind"] == 3) & (docs["origin_link"] == ORIGIN_BY_TABLE))
    invoices = docs["origin"][notes]
    return pl.DataFrame(
        {
            "Id": np.arange(1, len(notes) + 1),
            "CreditMemoId": take(ctx.ids, notes),
            "InvoiceNumber": take(ctx.numbers, invoices),
            "InvoiceDate": stamps(docs["day"][invoices] * DAY_US),
            "IsInsertedManuelly": np.arange(len(notes)) % 5 == 0,
        }
    )


def periodic_frame(sk: Skeleton, ctx: DocumentContext, customers: Customers) -> pl.DataFrame:
    """``PeriodicInvoicing``: one recurring invoice per model document."""
    rows = np.flatnonzero(sk.documents["template"] > 0)
    size = len(rows)
    start = sk.documents["day"][rows]
    yearly = np.arange(size) % 3 == 0
    return pl.DataFrame(
        {
            "Id": [f"FP{n:06d}" for n in range(1, size + 1)],
            "Caption": ("Contrat " + take(customers.frame["Id"], sk.documents["customer"][rows])).rename("Caption"),
            "Periodicity_StartDate": stamps(start * DAY_US),
            "Periodicity_EndDate": where(np.arange(size) % 4 == 0, stamps((start + 1095) * DAY_US)),
            "Periodicity_Type": np.full(size, 3),
            "Periodicity_UserIncrement": np.where(yearly, 12, np.where(np.arange(size) % 3 == 1, 3, 1)),
            "Periodicity_Caption": take(("Tous les ans", "Tous les trimestres", "Tous les mois"), np.arange(size) % 3),
            "ReferenceDocumentId": take(ctx.ids, rows),
            "SettlementModeId": take(customers.frame["SettlementModeId"], sk.documents["customer"][rows]),
            "sysCreatedDate": stamps(ctx.created[rows]),
            "sysCreatedUser": take(ctx.created_user, rows),
            "sysModifiedDate": stamps(ctx.modified[rows]),
            "sysModifiedUser": take(ctx.modified_user, rows),
        }
    )
