"""``PurchaseDocument``, its lines and its extension rendered from the priced skeleton of the purchases.

Numbers, states, links to parents, snapshots of the supplier. No amount is computed here: see ``pricing``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import dirt, documents
from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.customers import Customers
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.padding import Progress
from ebp_lakehouse.demo.company.pricing import (
    COUNTED_LINE_TYPES,
    DocumentAmounts,
    DocumentInputs,
    LineAmounts,
    LineInputs,
    round_half_away,
    sum_by,
)  # fmt: skip
from ebp_lakehouse.demo.company.primitives import (
    DAY_US,
    Int,
    decimals,
    exactly,
    office_time,
    rank_in_group,
    stamps,
    take,
    users,
)  # fmt: skip
from ebp_lakehouse.demo.company.purchasefill import texts
from ebp_lakehouse.demo.company.purchasing import CREDIT_NOTE, INVOICE, ORDER, RECEIPT, Purchases
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.demo.company.suppliers import FOREIGN, Suppliers
from ebp_lakehouse.demo.company.truth import GroundTruth

PREFIXES = {1: "DF", 2: "FF", 3: "AF", 6: "BR", 7: "RF", 8: "CF"}
POSTED_AFTER_DAYS = 45


@dataclass(frozen=True)
class PurchaseContext:
    """Ids, numbers and sys columns of each document, shared with its lines."""

    ids: pl.Series
    line_ids: pl.Series
    numbers: pl.Series
    suffix: Int
    prefix: pl.Series
    created: Int
    modified: Int
    created_user: pl.Series
    modified_user: pl.Series


def line_inputs(pk: Purchases) -> LineInputs:
    """The typed values of each line, ready for ``pricing.price``."""
    size, none = pk.lines.size, np.zeros(pk.lines.size, dtype=bool)
    return LineInputs(
        document=pk.lines["document"],
        quantity=pk.lines["quantity"],
        price=pk.lines["price"],
        discounts=(pk.lines["d0"], np.zeros(size, dtype=np.int64), np.zeros(size, dtype=np.int64)),
        vat=pk.lines["vat"],
        cost=pk.lines["price"],
        counted=np.isin(pk.lines["line_type"], COUNTED_LINE_TYPES),
        is_service=pk.lines["line_type"] == 10,
        excluded_from_footer=none,
        excluded_from_financial=none,
        ecotax=np.zeros(size, dtype=np.int64),
    )


def document_inputs(pk: Purchases) -> DocumentInputs:
    """The typed foot of each document: shipping at the normal rate, none for the foreign supplier."""
    docs = pk.documents
    foreign = np.where(docs["supplier"] == FOREIGN, 5, 0)
    return DocumentInputs(
        footer_bp=docs["footer_bp"],
        footer_amount=np.zeros(docs.size, dtype=np.int64),
        financial_bp=docs["financial_bp"],
        shipping=docs["shipping"],
        shipping_vat=foreign,
        shipping_without_financial=np.ones(docs.size, dtype=bool),
        charges=np.zeros(docs.size, dtype=np.int64),
        charges_vat=foreign,
        price_with_tax=np.zeros(docs.size, dtype=bool),
    )


def context(
    rng: np.random.Generator,
    pk: Purchases,
    calendar: BusinessCalendar,
    last_payment: Int,
    ids: pl.Series,
    line_ids: pl.Series,
) -> PurchaseContext:
    """Numbers in date order per kind; typed on the day, modified when paid or soon after."""
    docs, size = pk.documents, pk.documents.size
    created = office_time(rng, np.minimum(docs["day"], calendar.as_of))
    touched = np.where(rng.random(size) < 0.2, created + rng.integers(1, 20, size) * DAY_US, created + 1_800_000_000)
    paid = np.where(last_payment > 0, last_payment * DAY_US + 37_000_000_000, 0)
    modified = np.maximum(touched, paid)
    modified = np.maximum(np.minimum(modified, calendar.as_of * DAY_US + 66_600_000_000), created)
    suffix = rank_in_group(docs["kind"], docs["day"] * 4_000_000 + np.arange(size)) + 1
    prefixes = list(PREFIXES.values())
    prefix = take(prefixes, np.array([prefixes.index(PREFIXES[k]) for k in docs["kind"].tolist()], dtype=np.int64))
    return PurchaseContext(
        ids=ids,
        line_ids=line_ids,
        numbers=prefix + pl.Series(suffix).cast(pl.String).str.zfill(8),
        suffix=suffix,
        prefix=prefix,
        created=created,
        modified=modified,
        created_user=users(rng, size),
        modified_user=users(rng, size),
    )


def frame(
    rng: np.random.Generator,
    pk: Purchases,
    amounts: DocumentAmounts,
    ctx: PurchaseContext,
    suppliers: Suppliers,
    masters: Masters,
    calendar: BusinessCalendar,
    balance: Int,
    progress: Progress,
    sales: Skeleton,
    customers: Customers,
    truth: GroundTruth,
) -> pl.DataFrame:
    """One row per purchase document with the columns that mean something here."""
    docs, size = pk.documents, pk.documents.size
    kind, day, supplier = docs["kind"], docs["day"], docs["supplier"]
    payable = np.isin(kind, (INVOICE, CREDIT_NOTE))
    posted = payable & (day < calendar.as_of - POSTED_AFTER_DAYS)
    origin, target = _parents(pk)
    master = suppliers.frame[supplier.tolist()]
    # The supplier's own number of the invoice: typed again with an invoice that is typed again.
    numbered = np.where(docs["same_as"] >= 0, docs["same_as"], np.arange(size))
    references = [f"F{supplier[n]:03d}-{n:06d}" for n in range(size)]
    dropped = docs["customer_document"]
    buyer = np.where(dropped >= 0, sales.documents["customer"][np.maximum(dropped, 0)], -1)
    state = _delivery_state(pk, progress)
    money = {
        "AmountVatExcluded": amounts.gross,
        "DiscountRate": docs["footer_bp"],
        "DiscountAmount": amounts.footer,
        "AmountVatExcludedWithDiscount": amounts.net,
        "ShippingAmountVatExcluded": amounts.shipping,
        "AmountVatExcludedWithDiscountAndShipping": amounts.total,
        "AmountVatExcludedWithDiscountAndShippingWithoutEcotax": amounts.total,
        "VatAmount": amounts.vat_amount,
        "VatAmountWithoutEcotax": amounts.vat_amount,
        "AmountVatIncluded": amounts.total_ttc,
        "FinancialDiscountRate": docs["financial_bp"],
        "FinancialDiscountAmount": amounts.financial,
        "AmountWithFinancialDiscount": amounts.total - amounts.financial,
        "TotalDueAmount": amounts.total_ttc,
        "CommitmentsBalanceDue": balance,
        "CommitmentsCurrencyBalanceDue": balance,
        "CostPrice": amounts.net,
        "TotalApproachChargeToDistributeAmount": _charges(pk),
        "TotalApproachChargeAlreadyDistributedAmount": _charges(pk),
    }
    return pl.DataFrame(
        {
            "Id": ctx.ids,
            "DocumentType": kind,
            "DocumentNumber": ctx.numbers,
            "NumberPrefix": ctx.prefix,
            "NumberSuffix": decimals(ctx.suffix, 0),
            "DocumentDate": stamps(day * DAY_US),
            "GlobalDocumentOrder": rank_in_group(day),
            "SupplierId": dirt.codes_as_typed(
                rng, take(suppliers.codes, supplier), dirt.SUPPLIER_CODES, "FOU9",
                exactly(rng, np.ones(size, dtype=bool), max(1, round(dirt.SUPPLIER_CODES.orphan * size))), truth,
                ("PurchaseDocument", "SupplierId"),
            ),
            "SupplierName": master["Name"],
            "SupplierCivility": master["Civility"],
            "ColleagueId": take(masters.colleague_codes, np.where(rng.random(size) < 0.9, 9 + supplier % 4, -1)),
            "StorehouseId": take(masters.storehouse_ids, docs["storehouse"]),
            "DeliveryStorehouseId": take(masters.storehouse_ids, np.where(buyer >= 0, -1, docs["storehouse"])),
            "DeliveryCustomerId": take(customers.frame["Id"], buyer),
            "SettlementModeId": take([t[0] for t in small.TERMS], suppliers.term[supplier]),
            "VatId": take(masters.vat_ids, np.where(supplier == FOREIGN, 5, 0)),
            "ShippingVatId": take(masters.vat_ids, np.where(supplier == FOREIGN, 5, 0)),
            "TerritorialityId": np.full(size, masters.territory_id),
            "ReverseChargeMention": take(("Autoliquidation",), np.where(supplier == FOREIGN, 0, -1)),
            "ValidationState": np.where(posted, 3, np.where(payable & (day < calendar.as_of - 10), 1, 0)),
            "DocumentState": np.where(docs["closed"] == 1, 3, np.where(target >= 0, 2, 0)),
            "DeliveryState": documents.nullable(state, kind == ORDER),
            "DeliveryDate": documents.where(docs["promised"] >= 0, stamps(np.maximum(docs["promised"], 0) * DAY_US)),
            "OriginDocumentType": documents.nullable(kind[np.maximum(origin, 0)], origin >= 0),
            "TransferedDocumentId": take(ctx.ids, target),
            "Reference": take(references, np.where(payable, numbered, -1)),
            "Printed": rng.random(size) < 0.7,
            "CorrectionType": np.where(kind == CREDIT_NOTE, 1, 0),
            **_addresses(master),
            "sysCreatedDate": stamps(ctx.created),
            "sysCreatedUser": ctx.created_user,
            "sysModifiedDate": stamps(ctx.modified),
            "sysModifiedUser": ctx.modified_user,
            **{name: decimals(values) for name, values in money.items()},
            **documents.vat_columns(amounts, masters),
        }
    )  # fmt: skip


def line_frame(
    pk: Purchases,
    amounts: LineAmounts,
    typed: LineInputs,
    ctx: PurchaseContext,
    items: Items,
    masters: Masters,
    progress: Progress,
    movement: Int,
) -> pl.DataFrame:
    """One row per line; ``movement`` is the id of the stock movement of each line, -1 when there is none."""
    lines, size = pk.lines, pk.lines.size
    document, item, quantity = lines["document"], lines["item"], lines["quantity"]
    kind, supplier = pk.documents["kind"][document], pk.documents["supplier"][document]
    goods, counted = item >= 0, typed.counted
    captions = [*items.captions, *texts()]
    charge = round_half_away(lines["charge"] * quantity, 1000)
    closed = pk.documents["closed"][document] == 1
    per_unit = round_half_away(amounts.net_discounted * 1000, np.where(quantity == 0, 1, quantity))
    cost = np.where(quantity == 0, lines["price"], per_unit) + lines["charge"]
    money = {
        "PurchasePrice": lines["price"],
        "PriceVatExcluded": lines["price"],
        "PriceVatIncluded": amounts.price_ttc,
        "NetPriceVatExcluded": amounts.net_price,
        "NetPriceVatIncluded": amounts.net_price_ttc,
        "NetPriceVatExcludedWithParentDiscount": amounts.net_price,
        "NetPriceVatExcludedWithDiscount": amounts.net_price,
        "UnitDiscountAmountVatExcluded": lines["price"] - amounts.net_price,
        "UnitDiscountRate": lines["d0"],
        "TotalDiscountRate": lines["d0"],
        "Discounts0_UnitDiscountRate": lines["d0"],
        "CostPrice": np.where(goods, cost, 0),
        "CostAmount": np.where(goods, amounts.net_discounted + charge, 0),
        "TotalChargeAmount": charge,
        **{f"{real}NetAmountVat{side}{after}": values
           for real in ("", "Real")
           for side, after, values in (
               ("Excluded", "", amounts.net), ("Included", "", amounts.net_ttc),
               ("Excluded", "WithDiscount", amounts.net_discounted),
               ("Included", "WithDiscount", amounts.net_discounted_ttc),
           )},
        "RealNetAmountVatExcludedWithParentDiscount": amounts.net,
        "RealNetAmountVatIncludedWithParentDiscount": amounts.net_ttc,
        "RealNetAmountVatExcludedWithDiscountAndFinancialDiscount": amounts.net_final,
        "RealNetAmountVatIncludedWithDiscountAndFinancialDiscount": amounts.net_final_ttc,
    }  # fmt: skip
    to_deliver, to_invoice = remaining(pk, progress)
    quantities = {
        "Quantity": quantity,
        "RealQuantity": quantity,
        "OrderedQuantity": np.where(kind == ORDER, quantity, 0),
        "DeliveredQuantity": progress.delivered,
        "InvoicedQuantity": progress.invoiced,
        "ReturnedQuantity": progress.returned,
        "RemainingQuantityToDeliver": to_deliver,
        "RemainingQuantityToInvoice": to_invoice,
    }
    promised = pk.documents["promised"][document]
    stocked = goods & items.manage_stock[np.maximum(item, 0)]
    return pl.DataFrame(
        {
            "Id": ctx.line_ids,
            "DocumentId": take(ctx.ids, document),
            "LineType": lines["line_type"],
            "LineOrder": (rank_in_group(document) + 1) * 100,
            "NomenclatureLevel": np.zeros(size, dtype=np.int64),
            "ItemId": take(items.codes, item),
            "DescriptionClear": take(captions, np.where(goods, item, np.where(lines["text"] >= 0, items.count + lines["text"], -1))),
            "UnitId": take([u[0] for u in small.UNITS], np.where(goods, items.unit[np.maximum(item, 0)], -1)),
            "PurchaseUnitId": take(("BTE",), np.where(lines["box"] > 1, 0, -1)),
            "SalePurchaseConversionRate": decimals(lines["box"], 0),
            "VatId": take(masters.vat_ids, np.where(counted, lines["vat"], -1)),
            "ReverseChargeVatId": take(masters.vat_ids, np.where(counted & (supplier == FOREIGN), 0, -1)),
            "StorehouseId": take(masters.storehouse_ids, np.where(stocked, pk.documents["storehouse"][document], -1)),
            "ManageStock": stocked,
            "NotIncluded": np.zeros(size, dtype=bool),
            "DoNotCreateMovement": np.where(stocked & (lines["moves"] == 0), 1, 0),
            "StockMovementId": documents.nullable(movement, movement >= 0),
            "VatAmount": documents.where(counted, decimals(amounts.net_final_ttc - amounts.net_final)),
            "DeliveryDate": documents.where(
                counted & np.isin(kind, (ORDER, RECEIPT)) & (promised >= 0), stamps(np.maximum(promised, 0) * DAY_US)
            ),
            "DeliveryState": documents.nullable(np.where(closed, 3, np.where(to_deliver == 0, 2, 0)), kind == ORDER),
            "sysCreatedDate": stamps(ctx.created[document]),
            "sysCreatedUser": take(ctx.created_user, document),
            "sysModifiedDate": stamps(ctx.modified[document]),
            "sysModifiedUser": take(ctx.modified_user, document),
            **{name: decimals(values) for name, values in money.items()},
            **{name: decimals(values, 3) for name, values in quantities.items()},
        }
    )  # fmt: skip


def remaining(pk: Purchases, progress: Progress) -> tuple[Int, Int]:
    """Thousandths of each line still to receive (open orders) and still to be invoiced (orders and receipts)."""
    kind = pk.documents["kind"][pk.lines["document"]]
    closed = pk.documents["closed"][pk.lines["document"]] == 1
    straight = np.where(kind == ORDER, np.maximum(progress.delivered, progress.invoiced), 0)
    to_deliver = np.where((kind == ORDER) & ~closed, np.maximum(pk.lines["quantity"] - straight, 0), 0)
    left = np.maximum(pk.lines["quantity"] - progress.invoiced, 0)
    return to_deliver, np.where(np.isin(kind, (ORDER, RECEIPT)) & ~((kind == ORDER) & closed), left, 0)


def extension_frame(pk: Purchases, ctx: PurchaseContext, amounts: LineAmounts, progress: Progress) -> pl.DataFrame:
    """``PurchaseDocumentEx``, one row per document."""
    _, left = remaining(pk, progress)
    quantity = np.where(pk.lines["quantity"] == 0, 1, pk.lines["quantity"])
    value = sum_by(pk.lines["document"], round_half_away(amounts.net_discounted * left, quantity), pk.documents.size)
    return pl.DataFrame({"Id": ctx.ids, "RemainingAmountToInvoiceVatExcluded": decimals(value)})


def _charges(pk: Purchases) -> Int:
    charge = round_half_away(pk.lines["charge"] * pk.lines["quantity"], 1000)
    return sum_by(pk.lines["document"], charge, pk.documents.size)


def _parents(pk: Purchases) -> tuple[Int, Int]:
    origin = pk.documents["origin"]
    target = np.full(pk.documents.size, -1)
    forward = np.isin(pk.documents["kind"], (INVOICE, RECEIPT)) & (origin >= 0)
    target[origin[forward]] = np.flatnonzero(forward)
    source, made = pk.lines["document"][pk.links["origin"]], pk.lines["document"][pk.links["target"]]
    onward = np.isin(pk.documents["kind"][made], (INVOICE, RECEIPT))
    target[source[onward]] = made[onward]
    return origin, target


def _delivery_state(pk: Purchases, progress: Progress) -> Int:
    """0 nothing received, 1 partly, 2 all (codes are ours: EBP's are not documented)."""
    size = pk.documents.size
    done = sum_by(pk.lines["document"], progress.delivered, size)
    wanted = sum_by(pk.lines["document"], pk.lines["quantity"], size)
    return np.where(done == 0, 0, np.where(done < wanted, 1, 2))


def _addresses(master: pl.DataFrame) -> dict[str, pl.Series]:
    fields = ("Address1", "ZipCode", "City", "CountryIsoCode")
    return {f"InvoicingAddress_{field}": master[f"MainInvoicingAddress_{field}"] for field in fields}
