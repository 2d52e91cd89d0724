"""``SaleDocument`` rendered from the skeleton; what hangs on documents is in ``documentextras``.

Numbers, states, links to parents, VAT breakdown, snapshots of the customer's address. No amount is computed here.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import dirt
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.chains import NAMES
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.derived import ORIGIN_BY_TEXT
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.padding import Progress
from ebp_lakehouse.demo.company.pricing import RATES_BP, DocumentAmounts, DocumentInputs, round_half_away, sum_by
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Bool,
    Int,
    at_least_one,
    decimals,
    exactly,
    office_time,
    rank_in_group,
    stamps,
    take,
    users,
)
from ebp_lakehouse.demo.company.skeleton import Skeleton, Table
from ebp_lakehouse.demo.company.truth import GroundTruth

PREFIXES = {1: "DE", 2: "FA", 3: "AV", 4: "AC", 5: "AA", 6: "BL", 7: "BR", 8: "CC", 12: "ZZ"}
TEMPLATE_PREFIX = "MOD"
FRANCS_PER_EURO = 9_400  # ten-thousandths
POSTED_AFTER_DAYS = 45  # accounting takes over the documents of closed months
DISAGREEING = 6


@dataclass(frozen=True)
class DocumentContext:
    """Ids, sys columns and warehouse of each document, shared with its lines and its extension row."""

    ids: pl.Series
    created: Int
    modified: Int
    created_user: pl.Series
    modified_user: pl.Series
    storehouse: Int
    settled_order: Int
    numbers: pl.Series
    suffix: Int
    prefix: pl.Series


def inputs(sk: Skeleton) -> DocumentInputs:
    """The typed foot of each document, ready for ``pricing.price``."""
    docs = sk.documents
    return DocumentInputs(
        footer_bp=docs["footer_bp"],
        footer_amount=docs["footer_amount"],
        financial_bp=docs["financial_bp"],
        shipping=docs["shipping"],
        shipping_vat=docs["shipping_vat"],
        shipping_without_financial=docs["shipping_no_financial"] == 1,
        charges=docs["charges"],
        charges_vat=np.where(docs["shipping_vat"] == 5, 5, 0),
        price_with_tax=docs["ttc"] == 1,
    )


def context(
    rng: np.random.Generator,
    sk: Skeleton,
    calendar: BusinessCalendar,
    last_payment: Int,
    settled_order: Int,
    ids: pl.Series,
    storehouses: int,
) -> DocumentContext:
    """Numbers in date order per kind; created around the document date; modified when paid or soon after."""
    docs, size = sk.documents, sk.documents.size
    day = np.minimum(docs["day"], calendar.as_of)
    # One document in ten is typed the day after or prepared some days before.
    shift = np.where(rng.random(size) < 0.1, rng.integers(-4, 2, size), 0)
    created = office_time(rng, np.minimum(day + shift, calendar.as_of))
    touched = created + rng.integers(0, 20, size) * 1_800_000_000
    touched = np.where(rng.random(size) < 0.25, created + rng.integers(1, 25, size) * DAY_US, touched)
    modified = np.maximum(
        touched,
        np.where(last_payment > 0, last_payment * DAY_US + 36_000_000_000 + rng.integers(0, 20_000_000_000, size), 0),
    )
    modified = np.maximum(np.minimum(modified, calendar.as_of * DAY_US + 66_600_000_000), created)
    series = docs["kind"] * 2 + (docs["template"] == 1)
    suffix = rank_in_group(series, docs["day"] * 4_000_000 + np.arange(size)) + 1
    prefixes = sorted({*PREFIXES.values(), TEMPLATE_PREFIX})
    code = np.array([prefixes.index(PREFIXES[k]) for k in docs["kind"].tolist()])
    prefix = take(prefixes, np.where(docs["template"] == 1, prefixes.index(TEMPLATE_PREFIX), code))
    return DocumentContext(
        ids=ids,
        created=created,
        modified=modified,
        created_user=users(rng, size),
        modified_user=users(rng, size),
        storehouse=np.where(rng.random(size) < 0.85, 0, rng.integers(1, 3, size) % storehouses),
        settled_order=settled_order,
        numbers=prefix + pl.Series(suffix).cast(pl.String).str.zfill(8),
        suffix=suffix,
        prefix=prefix,
    )


def settled_orders(rng: np.random.Generator, sk: Skeleton) -> Int:
    """Orders closed by hand: cancelled ones, and half of those whose remainder will never be delivered."""
    path = sk.documents["path"]
    order = sk.documents["kind"] == 8
    remainder = (path == NAMES.index("REMAINDER")) & (rng.random(sk.documents.size) < 0.5)
    return np.asarray(order & ((path == NAMES.index("CANCELLED")) | remainder), dtype=np.int64)


def frame(
    rng: np.random.Generator,
    scale: float,
    sk: Skeleton,
    amounts: DocumentAmounts,
    ctx: DocumentContext,
    customers: Customers,
    masters: Masters,
    calendar: BusinessCalendar,
    payer: Int,
    due: Int,
    balance: Int,
    to_deliver: Int,
    progress: Progress,
    truth: GroundTruth,
) -> pl.DataFrame:
    """One row per document with the columns of ``SaleDocument`` that mean something here."""
    docs, size = sk.documents, sk.documents.size
    kind, day, customer = docs["kind"], docs["day"], docs["customer"]
    payable = np.isin(kind, (2, 3, 4, 5)) & (docs["template"] != 1)
    posted = payable & (day < calendar.as_of - POSTED_AFTER_DAYS) & (rng.random(size) < 0.98) | (docs["template"] == 2)
    origin, target = _parents(rng, scale, sk)
    number_origin = np.where(
        (docs["origin_link"] == ORIGIN_BY_TEXT) & (kind == 3), docs["origin"], np.where(kind == 3, -1, origin)
    )
    master = customers.frame[customer.tolist()]
    delivery_state = _delivery_state(sk, progress)
    margin = amounts.total - amounts.cost
    money = {
        "AmountVatExcluded": amounts.gross,
        "DiscountAmount": amounts.footer,
        "AmountVatExcludedWithDiscount": amounts.net,
        "ShippingAmountVatExcluded": amounts.shipping,
        "InvoicingChargesAmountVatExcluded": amounts.charges,
        "EcotaxAmountVatExcluded": amounts.ecotax,
        "EcotaxVatAmount": amounts.ecotax_vat,
        "EcotaxAmountVatIncluded": amounts.ecotax + amounts.ecotax_vat,
        "AmountVatExcludedWithDiscountAndShipping": amounts.total,
        "AmountVatExcludedWithDiscountAndShippingWithoutEcotax": amounts.total - amounts.ecotax,
        "VatAmount": amounts.vat_amount,
        "VatAmountWithoutEcotax": amounts.vat_amount - amounts.ecotax_vat,
        "AmountVatIncluded": amounts.total_ttc,
        "FinancialDiscountAmount": amounts.financial,
        "AmountWithFinancialDiscount": amounts.total - amounts.financial,
        "DepositAmount": docs["deposit_amount"],
        "DepositCurrencyAmount": docs["deposit_amount"],
        "TotalDueAmount": due,
        "CommitmentsBalanceDue": balance,
        "CommitmentsCurrencyBalanceDue": balance,
        **{
            name: np.where(docs["foreign"] == 1, round_half_away(values * FRANCS_PER_EURO, 10_000), values)
            for name, values in (
                ("CurrencyAmountVatExcluded", amounts.gross),
                ("CurrencyAmountVatExcludedWithDiscountAndShipping", amounts.total),
                ("CurrencyAmountVatIncluded", amounts.total_ttc),
                ("CurrencyTotalDueAmount", due),
            )
        },
        "CostPrice": amounts.cost,
        "InterestAmountVatExcluded": margin,
        "GrossInterestAmount": margin,
        "DiscountRate": docs["footer_bp"],
        "FinancialDiscountRate": docs["financial_bp"],
    }
    return pl.DataFrame(
        {
            "Id": ctx.ids,
            "DocumentType": kind,
            "DocumentNumber": ctx.numbers,
            "NumberPrefix": ctx.prefix,
            "NumberSuffix": decimals(ctx.suffix, 0),
            "DocumentDate": stamps(np.where(docs["absurd"] > 0, dirt.ABSURD_DAYS[docs["absurd"] - 1], day) * DAY_US),
            "GlobalDocumentOrder": rank_in_group(day),
            "CustomerId": dirt.codes_as_typed(
                rng,
                take(customers.frame["Id"], customer),
                dirt.CUSTOMER_CODES,
                "CLI9",
                exactly(rng, np.ones(size, dtype=bool), max(1, round(dirt.CUSTOMER_CODES.orphan * size))),
                truth,
                ("SaleDocument", "CustomerId"),
            ),
            "CustomerName": master["Name"],
            "CustomerCivility": master["Civility"],
            "ColleagueId": take(masters.colleague_codes, np.where(rng.random(size) < 0.02, -1, docs["seller"])),
            "StorehouseId": take(masters.storehouse_ids, ctx.storehouse),
            "SettlementModeId": master["SettlementModeId"],
            "VatId": take(masters.vat_ids, np.where(customers.export[customer], 5, 0)),
            "ShippingVatId": take(masters.vat_ids, docs["shipping_vat"]),
            "InvoicingChargesVatId": take(masters.vat_ids, np.where(docs["shipping_vat"] == 5, 5, 0)),
            "TerritorialityId": np.full(size, masters.territory_id),
            "PaymentThirdId": take(customers.frame["Id"], np.where(payer[customer] != customer, payer[customer], -1)),
            "CurrencyId": take(("EUR", "CHF"), np.where(docs["foreign"] == 1, 1, np.where(customer % 40 == 7, 0, -1))),
            "CurrencyConversionRate": decimals(np.where(docs["foreign"] == 1, FRANCS_PER_EURO, 10_000), 4),
            "ReverseChargeMention": take(("Autoliquidation de la TVA",), np.where(docs["reverse"] == 1, 0, -1)),
            "ValidationState": np.where(posted, 3, np.where(payable & (day < calendar.as_of - 10), 1, 0)),
            "DocumentState": np.where(docs["dead"] == 1, 3, np.where(target >= 0, 2, 0)),
            "DeliveryState": nullable(delivery_state, kind == 8),
            "xx_Soldee": ctx.settled_order == 1,
            **_surveys(rng.spawn(1)[0], (kind == 2) & (docs["template"] == 0), day, calendar),
            "ValidityDate": where(kind == 1, stamps((day + 30) * DAY_US)),
            "DeliveryDate": where(np.isin(kind, (1, 6, 8)), stamps(_delivery_days(rng, docs, truth) * DAY_US)),
            "OriginDocumentType": nullable(kind[np.maximum(number_origin, 0)], number_origin >= 0),
            "OriginDocumentNumber": take(ctx.numbers, number_origin),
            "TransferedDocumentId": take(ctx.ids, target),
            "AssociatedInvoiceId": take(ctx.ids, _invoice_of_deposit(sk)),
            "AssociatedOrderId": take(ctx.ids, np.where(kind == 4, docs["origin"], -1)),
            "Revision": take(("", "A", "B"), docs["revision"]),
            "Reference": take(
                tuple(f"Votre commande {n}" for n in range(1000)),
                np.where(rng.random(size) < 0.3, rng.integers(0, 1000, size), -1),
            ),
            "PriceWithTaxBased": docs["ttc"] == 1,
            "ShippingNotSubjectToFinancialDiscount": docs["shipping_no_financial"] == 1,
            "InvoicingChargesNotSubjectToFinancialDiscount": np.ones(size, dtype=bool),
            "IsEcotaxAmountIncludedToDueAmount": amounts.ecotax != 0,
            "Printed": rng.random(size) < 0.9,
            "CorrectionType": np.where(kind == 3, 1, 0),
            **_addresses(customers, customer, day),
            "sysCreatedDate": stamps(ctx.created),
            "sysCreatedUser": ctx.created_user,
            "sysModifiedDate": stamps(ctx.modified),
            "sysModifiedUser": ctx.modified_user,
            "RemainingAmountToDeliverVatExcluded": decimals(to_deliver),
            **{name: decimals(values) for name, values in money.items()},
            **vat_columns(amounts, masters),
        }
    )


def vat_columns(amounts: DocumentAmounts, masters: Masters) -> dict[str, pl.Series]:
    """``DetailVatAmount0_…5_…``: the rates used by each document, in the order of the VAT slots, NULL beyond."""
    place = np.cumsum(amounts.used, axis=1) - 1
    out: dict[str, pl.Series] = {}
    for position in range(len(RATES_BP)):
        here = amounts.used & (place == position)
        slot = np.where(here.any(axis=1), here.argmax(axis=1), -1)
        filled, safe, every = slot >= 0, np.maximum(slot, 0), np.arange(len(slot))
        base, vat = amounts.base[every, safe], amounts.vat[every, safe]
        name = f"DetailVatAmount{position}_"
        collection = amounts.vat_collection[every, safe]
        out[f"{name}DetailVatId"] = take(masters.vat_ids, slot)
        for column, values in (
            ("DetailVatRate", RATES_BP[safe]),
            ("DetailAmountVatExcluded", base),
            ("DetailVatAmount", vat),
            ("DetailAmountVatIncluded", base + vat),
            ("VatAmountOnDebit", vat - collection),
            ("VatAmountOnCollection", collection),
        ):
            out[name + column] = where(filled, decimals(values))
    return out


def _surveys(rng: np.random.Generator, asked: Bool, day: Int, calendar: BusinessCalendar) -> dict[str, pl.Series]:
    """The satisfaction survey: sent for one invoice in five some days after it, two of five come back within three weeks."""
    size = len(day)
    sent = day + rng.integers(3, 8, size)
    back = sent + rng.integers(1, 22, size)
    is_sent = asked & (rng.random(size) < 0.2) & (sent <= calendar.as_of)
    is_back = is_sent & (rng.random(size) < 0.4) & (back <= calendar.as_of)
    return {
        "xx_Satisf_Dte_Envoi": where(is_sent, stamps(sent * DAY_US)),
        "xx_Satisf_Dte_Retour": where(is_back, stamps(back * DAY_US)),
    }


def _delivery_days(rng: np.random.Generator, docs: Table, truth: GroundTruth) -> Int:
    """Promised or real delivery day, a few of them in 1900 or 9999."""
    size = docs.size
    usual = docs["day"] + np.where(docs["kind"] == 6, 0, 10)
    absurd = (rng.random(size) < dirt.ABSURD_DATES) & np.isin(docs["kind"], (1, 8))
    among = int(np.isin(docs["kind"], (1, 8)).sum())
    truth.soil("date of 1900 or 9999", "SaleDocument", "DeliveryDate", dirt.ABSURD_DATES, int(absurd.sum()), among)
    return np.where(absurd, dirt.ABSURD_DAYS[np.arange(size) % 2], usual)


def where(mask: np.ndarray, values: pl.Series) -> pl.Series:
    """The values where the mask is true, else NULL."""
    return pl.select(pl.when(pl.Series(mask)).then(values)).to_series()


def nullable(values: Int, mask: np.ndarray) -> pl.Series:
    """The integers where the mask is true, else NULL."""
    return where(mask, pl.Series(values))


def _parents(rng: np.random.Generator, scale: float, sk: Skeleton) -> tuple[Int, Int]:
    """Origin and target of each document by its lines' links; EBP's header keeps one target, sometimes a wrong one."""
    origin, target = np.full(sk.documents.size, -1), np.full(sk.documents.size, -1)
    source, made = sk.lines["document"][sk.links["origin"]], sk.lines["document"][sk.links["target"]]
    origin[made[::-1]] = source[::-1]
    forward = np.isin(sk.documents["kind"][made], (2, 6, 8))
    target[source[forward]] = made[forward]
    disagreeing = np.flatnonzero(exactly(rng, target >= 0, at_least_one(DISAGREEING, scale)))
    target[disagreeing] = rng.integers(0, sk.documents.size, len(disagreeing))
    return origin, target


def _invoice_of_deposit(sk: Skeleton) -> Int:
    invoice = np.full(sk.documents.size, -1)
    rows = np.flatnonzero(sk.documents["deposit_document"] >= 0)
    invoice[sk.documents["deposit_document"][rows]] = rows
    return invoice


def _delivery_state(sk: Skeleton, progress: Progress) -> Int:
    """0 nothing delivered, 1 partly, 2 all (codes are ours: EBP's are not documented)."""
    size = sk.documents.size
    base = (sk.lines["level"] == 0) & (sk.lines["item"] >= 0)
    wanted = sum_by(sk.lines["document"], np.where(base, np.maximum(sk.lines["quantity"], 0), 0), size)
    done = sum_by(sk.lines["document"], np.where(base, progress.delivered, 0), size)
    return np.where(done == 0, 0, np.where(done < wanted, 1, 2))


def _addresses(customers: Customers, customer: Int, day: Int) -> dict[str, pl.Series]:
    """The snapshot of both addresses on the day of the document: those who moved since had another one."""
    earlier = (customers.moved_on[customer] > 0) & (day < customers.moved_on[customer])
    rows = (customer + customers.count * earlier).tolist()
    fields = ("Address1", "ZipCode", "City", "CountryIsoCode", "CodeINSEE")
    return {
        f"{role}Address_{field}": pl.concat([customers.frame[name], customers.former[name]]).gather(rows)
        for role in ("Invoicing", "Delivery")
        for field in fields
        for name in [f"Main{role}Address_{field}"]
    }
