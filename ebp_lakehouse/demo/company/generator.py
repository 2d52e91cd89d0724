"""The whole sales slice in one call: masters, ten years of documents, payments, running counters.

``generate`` is deterministic: the same scale, seed and day give the same rows, whatever the machine.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import calendar as days
from ebp_lakehouse.demo.company import (
    chains,
    customers,
    derived,
    documentextras,
    documents,
    issues,
    items,
    lines,
    links,
    masters,
    padding,
    payments,
    pricing,
    salescases,
    sold,
    suppliers,
    trade,
)
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.field import build as field
from ebp_lakehouse.demo.company.options import USUAL, CompanyOptions
from ebp_lakehouse.demo.company.primitives import DAY_US, Int, at_least_one, decimals, generator, stamps, uuids
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.demo.company.truth import GroundTruth

DOCUMENTS, LINES = 23_837, 112_684  # reference installation
INACTIVE_OWING = 4
PAYERS = 5  # customers whose invoices another one pays


def generate(
    scale: float, seed: int, as_of: date, options: CompanyOptions = USUAL, truth: GroundTruth | None = None
) -> dict[str, pl.DataFrame]:
    """Table name -> frame with the columns that mean something; the loader fills the others.

    ``scale`` 1.0 gives the row counts of the reference installation for every table of the slice. Nothing is dated
    after ``as_of`` but two planted documents. Amounts are decimal(28,8), timestamps wall-clock without zone.
    What was planted, and the parameters behind the rows, are reported to ``truth``.
    """
    truth = GroundTruth() if truth is None else truth
    calendar = days.build(as_of)
    small = masters.build(seed, as_of, options)
    missing = str(np.datetime64(calendar.missing_invoicing_day, "D"))
    truth.describe("day", pl.DataFrame({"day": [missing], "planted": ["nobody invoiced"]}))
    people = customers.build(seed, scale, calendar, small, truth)
    sellers = suppliers.build(seed, calendar, small, truth)
    goods = items.build(seed, scale, calendar, small, sellers, truth)
    rng = generator(seed, "documents")
    sign = options.sign

    sk = Skeleton()
    opportunities = chains.build(
        rng, scale, round(DOCUMENTS * scale), calendar, people, sk, derived.room(scale), orders=options.orders
    )
    sold.build(rng, opportunities, calendar, people, goods, sk, round(LINES * scale))
    derived.build(rng, scale, opportunities, calendar, sk, sign)
    ground = field.prepare(seed, scale, calendar, small, people, goods, sk)
    padding.pad_lines(rng, sk, round(LINES * scale))
    room = links.make_room(rng, scale, sk)

    typed = lines.inputs(sk)
    line_amounts, amounts = pricing.price(typed, documents.inputs(sk))
    due = _deduct_deposits(sk, amounts)
    payer = np.arange(people.count)
    payer[10 : 10 + PAYERS] = 9 if people.count > 10 + PAYERS else payer[10 : 10 + PAYERS]
    settled = documents.settled_orders(rng, sk)
    progress = padding.progress(sk)
    salescases.report(sk, amounts, line_amounts, typed, settled, due)

    document_ids = uuids(rng, sk.documents.size)
    money = payments.build(seed, scale, calendar, people, sk, due, payer, document_ids, truth)
    ctx = documents.context(rng, sk, calendar, money.last_day, settled, document_ids, options.storehouses)
    line_ids = uuids(rng, sk.lines.size)
    held = issues.stocked_in(goods, options)
    storehouse = issues.storehouse_of_lines(sk, ctx.storehouse, held)
    dropped = issues.drop_shipped(rng, scale, sk, storehouse, calendar)
    storehouse[dropped] = -1
    line_frame = lines.frame(
        rng,
        sk,
        line_amounts,
        typed,
        lines.LineContext(
            ids=line_ids,
            document_ids=document_ids,
            created=ctx.created,
            modified=ctx.modified,
            created_user=ctx.created_user,
            modified_user=ctx.modified_user,
            seller=sk.documents["seller"],
            storehouse=storehouse,
            settled_order=settled,
            progress=progress,
        ),
        goods,
        small,
        truth,
    )
    to_deliver, to_invoice = _remaining(sk, typed, line_amounts, line_frame)
    headers = documents.frame(
        rng, scale, sk, amounts, ctx, people, small, calendar, payer, due, money.balance, to_deliver, progress, truth
    )
    if options.component_type != 3:
        line_frame = line_frame.with_columns(
            LineType=pl.when(pl.col("NomenclatureLevel") > 0).then(options.component_type).otherwise("LineType")
        )
    still = (line_frame["RemainingQuantityToDeliver"] * 1000).cast(pl.Int64).to_numpy()
    bought = trade.build(
        seed,
        scale,
        trade.Company(
            calendar, people, goods, sellers, small, sk, document_ids, line_ids, ctx.numbers, storehouse, held, dropped,
            still,
        ),
        options,
        room,
        truth,
    )  # fmt: skip
    frames = (
        dict(small.frames)
        | bought
        | {
            "Customer": _with_counters(people, sk, money.balance, payer),
            "Contact": people.contacts,
            "ItemComponent": goods.components,
            "SupplierItem": goods.supplier_items,
            "ThirdReference": goods.references,
            "SaleDocument": headers,
            "SaleDocumentEx": documentextras.extension_frame(rng, scale, sk, ctx, small, to_invoice, calendar),
            "SaleDocumentLine": line_frame,
            "SaleCreditMemoOrigin": documentextras.credit_origin_frame(sk, ctx),
            "PeriodicInvoicing": documentextras.periodic_frame(sk, ctx, people),
            "SaleCommitment": money.commitments,
            "SaleSettlement": money.settlements,
            "SaleSettlementCommitmentAssociation": money.associations,
        }
    )
    for planted in sk.planted:
        of = ("SaleDocument", document_ids) if planted.of == "documents" else ("SaleDocumentLine", line_ids)
        truth.plant(planted.case, of[0], of[1].gather(planted.rows), planted.moves)
    salescases.report_payments(frames, truth)
    frames = field.add(frames, seed, scale, calendar, options, ground, truth)
    return {table: frame.rechunk() for table, frame in frames.items()}


def _deduct_deposits(sk: Skeleton, amounts: pricing.DocumentAmounts) -> Int:
    """Amount due of each document, once deposits (invoiced, or paid on the order) are deducted."""
    docs = sk.documents
    invoiced = np.where(docs["deposit_document"] >= 0, amounts.total_ttc[np.maximum(docs["deposit_document"], 0)], 0)
    settled = pricing.round_half_away(amounts.total_ttc * docs["deposit_share"], 10_000)
    docs["deposit_amount"][:] = np.minimum(invoiced + settled, np.maximum(amounts.total_ttc, 0))
    return np.asarray(amounts.total_ttc - docs["deposit_amount"], dtype=np.int64)


def _remaining(
    sk: Skeleton, typed: pricing.LineInputs, amounts: pricing.LineAmounts, frame: pl.DataFrame
) -> tuple[Int, Int]:
    """Cents of each document still to deliver and still to invoice."""
    out = []
    quantity = np.where(sk.lines["quantity"] == 0, 1, sk.lines["quantity"])
    for column in ("RemainingQuantityToDeliver", "RemainingQuantityToInvoice"):
        left = (frame[column] * 1000).cast(pl.Int64).to_numpy()
        value = np.where(typed.counted, pricing.round_half_away(amounts.net_discounted * left, quantity), 0)
        out.append(pricing.sum_by(sk.lines["document"], value, sk.documents.size))
    return out[0], out[1]


def _with_counters(people: Customers, sk: Skeleton, balance: Int, payer: Int) -> pl.DataFrame:
    """Customers with the counters EBP keeps up to date: first and last invoice, outstanding amount."""
    docs = sk.documents
    invoices = (docs["kind"] == 2) & (docs["template"] != 1)
    who = docs["customer"][invoices]
    first, last = np.full(people.count, 2**40), np.full(people.count, -1)
    np.minimum.at(first, who, docs["day"][invoices])
    np.maximum.at(last, who, docs["day"][invoices])
    ever = pl.Series(last >= 0)
    owed = pricing.sum_by(payer[docs["customer"]], balance, people.count)
    other = payer != np.arange(people.count)
    # Somebody who left without paying everything is marked inactive; the money is still owed.
    gone = np.flatnonzero((owed > 0) & (last >= 0))
    gone = gone[np.argsort(last[gone], kind="stable")[: at_least_one(INACTIVE_OWING, people.count / 1338)]]
    inactive = people.frame["ActiveState"].to_numpy().copy()
    inactive[gone] = 1
    limit = (people.frame["AllowedAmount"] * 100).cast(pl.Int64).to_numpy().copy()
    limit[np.argmax(owed)] = max(1, int(owed.max()) // 2)  # one credit limit is exceeded at every scale
    return people.frame.with_columns(
        FirstInvoicingDate=pl.when(ever).then(stamps(np.where(last >= 0, first, 0) * DAY_US)),
        LastInvoicingDate=pl.when(ever).then(stamps(np.maximum(last, 0) * DAY_US)),
        CurrentAmount=decimals(owed),
        AllowedAmount=decimals(limit),
        ActiveState=pl.Series(inactive),
        PaymentThirdId=pl.when(pl.Series(other)).then(people.frame["Id"].gather(payer.tolist())),
    )
