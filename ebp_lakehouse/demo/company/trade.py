"""Purchases and stock of the demo company, coherent with its sales: what was sold had to be bought, and lay somewhere.

Only the order of the steps and the room that each table leaves is here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import (
    issues,
    links,
    padding,
    pricing,
    purchasefill,
    purchaseframes,
    purchasepayments,
    purchasing,
    replenishment,
    stock,
    stockdocuments,
    stockframes,
    valuation,
)  # fmt: skip
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.primitives import DAY_US, Int, at_least_one, decimals, generator, stamps, take, uuids
from ebp_lakehouse.demo.company.purchasing import Purchases
from ebp_lakehouse.demo.company.replenishment import Buys
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.demo.company.suppliers import GOODS, Suppliers
from ebp_lakehouse.demo.company.truth import GroundTruth

DOCUMENTS, LINES = 12_477, 38_887  # reference installation
SPLIT_INSTALMENTS = 250  # commitments beyond one per invoice
GOODS_LINES = 0.93  # of the table's lines that are not text


@dataclass(frozen=True)
class Company:
    """What the sales side has already made: behaviour, skeleton, ids and numbers of its documents and lines."""

    calendar: BusinessCalendar
    customers: Customers
    items: Items
    suppliers: Suppliers
    masters: Masters
    sales: Skeleton
    document_ids: pl.Series
    line_ids: pl.Series
    numbers: pl.Series
    storehouse: Int
    held: np.ndarray
    dropped: Int
    to_deliver: Int


def build(
    seed: int, scale: float, known: Company, options: CompanyOptions, room: int, truth: GroundTruth
) -> dict[str, pl.DataFrame]:
    """Frames of purchases, suppliers, stock and links. ``room`` is what the sales leave of the links' table."""
    rng = generator(seed, "trade")
    calendar, items, sk = known.calendar, known.items, known.sales
    moved = issues.build(sk, known.storehouse, known.dropped, calendar)
    documents, lines = round(DOCUMENTS * scale), round(LINES * scale)
    payable = round(purchasepayments.COMMITMENTS * scale) - at_least_one(SPLIT_INSTALMENTS, scale)
    orders = int((documents - payable - at_least_one(purchasing.RETURNS, scale) - at_least_one(30, scale)) / 2.3)
    by_order = max(-(-room * 10 // 17), orders)
    buys, starting = replenishment.build(
        rng,
        moved,
        items,
        known.suppliers,
        calendar,
        by_order + _counter_lines(lines, by_order, payable - orders),
        by_order,
    )
    pk = purchasing.chain(
        rng, scale, buys.only(buys.ordered), _dropped(known), sk.lines["document"][known.dropped], known.suppliers,
        calendar, orders, options.sign,
    )  # fmt: skip
    purchasefill.fill(rng, scale, pk, buys.only(~buys.ordered), calendar, documents, lines, payable)

    marks = links.countermarks(scale, sk, pk)
    progress = padding.progress(pk)
    lost = pk.links.size - (room - len(marks[0]))
    if lost > 0:  # the oldest links are gone, the quantities stay
        day = pk.documents["day"][pk.lines["document"][pk.links["target"]]]
        links.keep_rows(pk, np.sort(np.argsort(day, kind="stable")[lost:]))
    typed = purchaseframes.line_inputs(pk)
    line_amounts, amounts = pricing.price(typed, purchaseframes.document_inputs(pk))
    ids, line_ids = uuids(rng, pk.documents.size), uuids(rng, pk.lines.size)
    money = purchasepayments.build(rng, scale, calendar, known.suppliers, pk, amounts.total_ttc, ids, truth)
    ctx = purchaseframes.context(rng, pk, calendar, money.last_day, ids, line_ids)

    frames, movement_of = _stock(rng, scale, known, moved, starting, pk, line_amounts, progress, ctx, options, truth)
    for planted in pk.planted:
        of = ("PurchaseDocument", ids) if planted.of == "documents" else ("PurchaseDocumentLine", line_ids)
        truth.plant(planted.case, of[0], of[1].gather(planted.rows), planted.moves)
    return frames | {
        "Supplier": _with_counters(known, pk, money.balance),
        "PurchaseDocument": purchaseframes.frame(
            rng, pk, amounts, ctx, known.suppliers, known.masters, calendar, money.balance, progress, sk,
            known.customers, truth,
        ),
        "PurchaseDocumentEx": purchaseframes.extension_frame(pk, ctx, line_amounts, progress),
        "PurchaseDocumentLine": purchaseframes.line_frame(
            pk, line_amounts, typed, ctx, items, known.masters, progress, movement_of
        ),
        "PurchaseCommitment": money.commitments,
        "PurchaseSettlement": money.settlements,
        "PurchaseSettlementCommitmentAssociation": money.associations,
        "ItemAccount": stockframes.account_frame(rng, scale, items, known.masters),
        "DocumentLineAssociation": links.frame(
            rng,
            links.Side(links.SALE, sk, known.line_ids, known.document_ids),
            links.Side(links.PURCHASE, pk, line_ids, ids),
            marks,
        ),
    }  # fmt: skip


def _counter_lines(lines: int, by_order: int, invoices: int) -> int:
    """Lines bought at the counter: what orders, receipts, their invoices (3.2 lines per ordered one) and overheads leave."""
    overheads = (1 - purchasefill.COUNTER_SHARE) * 1.33 * invoices
    return max(lines // 10, round(GOODS_LINES * lines - 3.2 * by_order - overheads))


def _dropped(known: Company) -> Buys:
    """One buy for each sale line that the supplier delivers to the customer."""
    item = known.sales.lines["item"][known.dropped]
    day = known.sales.documents["day"][known.sales.lines["document"][known.dropped]] - 12
    day = known.calendar.roll(np.maximum(day, known.calendar.first_day))
    supplier = known.items.supplier[item] % GOODS
    price = np.maximum(known.items.purchase[item], known.items.price[item] * 3 // 10)
    return Buys(
        item=item,
        supplier=supplier,
        quantity=known.sales.lines["quantity"][known.dropped],
        day=day,
        price=known.suppliers.price(price, supplier, day),
        ordered=np.ones(len(item), dtype=bool),
    )


def _stock(
    rng: np.random.Generator,
    scale: float,
    known: Company,
    moved: issues.Issues,
    starting: Int,
    pk: Purchases,
    line_amounts: pricing.LineAmounts,
    progress: padding.Progress,
    ctx: purchaseframes.PurchaseContext,
    options: CompanyOptions,
    truth: GroundTruth,
) -> tuple[dict[str, pl.DataFrame], Int]:
    """The stock tables, ``Item`` with its counters, and the movement id of each purchase line (-1 = none)."""
    calendar, items, masters = known.calendar, known.items, known.masters
    nothing = np.full(pk.lines.size, -1)
    if not options.stock:
        return {"Item": items.frame}, nothing
    traded = stock.traded(moved, pk, line_amounts, items, calendar)
    movements, _ = stock.build(rng, scale, traded, starting, items, calendar, round(stockdocuments.LINES * scale))
    valued = valuation.value(movements)
    papers = stockdocuments.build(rng, scale, movements, valued, items, masters, calendar)
    what, line = movements.what[valued.order], movements.line[valued.order]
    sold = np.isin(what, (stock.ISSUE, stock.SALE_RETURN))
    bought = np.isin(what, (stock.RECEIPT, stock.PURCHASE_RETURN))
    sale_document = known.sales.lines["document"][np.where(sold, line, 0)]
    purchase_document = pk.lines["document"][np.where(bought, line, 0)]
    columns = [
        _either((sold, sale, sale_index), (bought, purchase, purchase_index), (~sold & ~bought, own, own_index))
        for sale, sale_index, purchase, purchase_index, own, own_index in (
            (known.document_ids, sale_document, ctx.ids, purchase_document, papers.ids, papers.document_of),
            (known.numbers, sale_document, ctx.numbers, purchase_document, papers.numbers, papers.document_of),
            (known.line_ids, line, ctx.line_ids, line, papers.line_ids, papers.line_of),
        )
    ]
    movement_frame = stockframes.movement_frame(
        rng, scale, movements, valued, stockframes.Papers(*columns), items, masters, calendar, truth
    )
    movement_of = nothing
    movement_of[line[bought]] = np.flatnonzero(bought) + 1
    item_frame, sums = stockframes.stock_item_frame(
        rng, scale, movements, valued, _on_order(known, pk, progress), known.held, items, masters, calendar, truth
    )
    return {
        "Item": stockframes.with_counters(items.frame, sums, items),
        "StockItem": item_frame,
        "StockMovement": movement_frame,
        "StockDocument": papers.documents,
        "StockDocumentLine": papers.lines,
    }, movement_of


def _either(*parts: tuple[np.ndarray, pl.Series, Int]) -> pl.Series:
    """For each row, the value of the part whose mask is true."""
    chosen = [take(values, np.where(mask, index, -1)) for mask, values, index in parts]
    return pl.select(pl.coalesce(chosen)).to_series()


def _on_order(known: Company, pk: Purchases, progress: padding.Progress) -> stockframes.OnOrder:
    """What customers and suppliers still have to get and to bring, by storehouse and item."""
    size, count = known.held.size, known.items.count
    place = known.storehouse * count + known.sales.lines["item"]
    mine = known.storehouse >= 0
    to_receive, _ = purchaseframes.remaining(pk, progress)
    item = pk.lines["item"]
    theirs = (item >= 0) & known.held[0][np.maximum(item, 0)]
    theirs &= pk.documents["customer_document"][pk.lines["document"]] < 0
    return stockframes.OnOrder(
        customers=pricing.sum_by(place[mine], known.to_deliver[mine], size),
        suppliers=pricing.sum_by(item[theirs], (to_receive * pk.lines["box"])[theirs], size),
    )


def _with_counters(known: Company, pk: Purchases, balance: Int) -> pl.DataFrame:
    """Suppliers with their terms and the counters EBP keeps: first and last invoice, outstanding amount."""
    suppliers, docs = known.suppliers, pk.documents
    invoices = docs["kind"] == purchasing.INVOICE
    who, count = docs["supplier"], suppliers.frame.height
    first, last = np.full(count, 2**40), np.full(count, -1)
    np.minimum.at(first, who[invoices], docs["day"][invoices])
    np.maximum.at(last, who[invoices], docs["day"][invoices])
    ever = pl.Series(last >= 0)
    return suppliers.frame.with_columns(
        SettlementModeId=take(known.masters.term_codes, suppliers.term),
        FirstInvoicingDate=pl.when(ever).then(stamps(np.where(last >= 0, first, 0) * DAY_US)),
        LastInvoicingDate=pl.when(ever).then(stamps(np.maximum(last, 0) * DAY_US)),
        CurrentAmount=decimals(pricing.sum_by(who, balance, count)),
    )
