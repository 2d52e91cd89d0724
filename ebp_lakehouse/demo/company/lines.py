"""``SaleDocumentLine`` rendered from the priced skeleton: one EBP column per amount, discount and quantity.

Needs no randomness but the dirt planted on item codes; the simulated days render their lines here too.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import dirt
from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.items import Items
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.padding import PAGE_BREAK, SUBTOTAL, TEXTS, Progress
from ebp_lakehouse.demo.company.pricing import COUNTED_LINE_TYPES, LineAmounts, LineInputs, round_half_away
from ebp_lakehouse.demo.company.primitives import DAY_US, Int, decimals, rank_in_group, stamps, take
from ebp_lakehouse.demo.company.skeleton import Skeleton
from ebp_lakehouse.demo.company.sold import WORK_TEXTS
from ebp_lakehouse.demo.company.truth import GroundTruth

DEPOSIT_TEXT = "Acompte 30 % sur commande"


def inputs(sk: Skeleton) -> LineInputs:
    """The typed values of each line, ready for ``pricing.price``."""
    lines = sk.lines
    counted = np.isin(lines["line_type"], COUNTED_LINE_TYPES) & (lines["level"] == 0) & (lines["not_included"] == 0)
    eco = round_half_away(lines["ecotax"] * lines["quantity"], 1000)
    return LineInputs(
        document=lines["document"],
        quantity=lines["quantity"],
        price=lines["price"],
        discounts=(lines["d0"], lines["d1"], lines["d2"]),
        vat=lines["vat"],
        cost=lines["cost"],
        counted=counted,
        is_service=np.isin(lines["line_type"], (10, 11, 12)),
        excluded_from_footer=lines["no_footer"] == 1,
        excluded_from_financial=lines["no_financial"] == 1,
        ecotax=np.where(counted, eco, 0),
    )


@dataclass(frozen=True)
class LineContext:
    """What a line inherits: its ids, the sys columns of its document, seller codes, how far it was transferred.

    ``storehouse`` is that of each line, -1 when its goods are not in stock.
    """

    ids: pl.Series
    document_ids: pl.Series
    created: Int
    modified: Int
    created_user: pl.Series
    modified_user: pl.Series
    seller: Int
    storehouse: Int
    settled_order: Int
    progress: Progress


def frame(
    rng: np.random.Generator,
    sk: Skeleton,
    amounts: LineAmounts,
    typed: LineInputs,
    context: LineContext,
    items: Items,
    masters: Masters,
    truth: GroundTruth,
) -> pl.DataFrame:
    """One row per line with the columns of ``SaleDocumentLine`` that mean something here."""
    lines, document, size = sk.lines, sk.lines["document"], sk.lines.size
    item, kind = lines["item"], sk.documents["kind"][sk.lines["document"]]
    goods = item >= 0
    printed = (lines["price"] != 0) | goods | typed.counted
    rate = np.rint(10_000 * 100 * (1 - np.prod([1 - d / 10_000 for d in typed.discounts], axis=0))).astype(np.int64)
    quantity, one = lines["quantity"], lines["unit_quantity"]
    discount = lines["price"] - amounts.net_price
    discount_ttc = amounts.price_ttc - amounts.net_price_ttc
    line_vat = amounts.net_final_ttc - amounts.net_final
    unit_price_with_footer = _per_unit(amounts.net_discounted, quantity, amounts.net_price)
    unit_price_with_footer_ttc = _per_unit(amounts.net_discounted_ttc, quantity, amounts.net_price_ttc)
    is_order = kind == 8
    open_quantity = np.where(context.settled_order[document] == 1, 0, 1) * np.isin(kind, (8,))
    remaining_delivery = np.maximum(quantity - context.progress.delivered, 0) * open_quantity
    to_invoice = np.isin(kind, (8, 6)) & (context.settled_order[document] == 0)
    remaining_invoice = np.where(to_invoice, np.maximum(quantity - context.progress.invoiced, 0), 0)
    day = sk.documents["day"][document]
    margin = np.where(typed.counted, amounts.net_discounted - amounts.cost, 0)
    amount_columns = {
        "NetAmountVatExcluded": amounts.net,
        "NetAmountVatIncluded": amounts.net_ttc,
        "NetAmountVatExcludedWithDiscount": amounts.net_discounted,
        "NetAmountVatIncludedWithDiscount": amounts.net_discounted_ttc,
        "RealNetAmountVatExcluded": amounts.net,
        "RealNetAmountVatIncluded": amounts.net_ttc,
        "RealNetAmountVatExcludedWithDiscount": amounts.net_discounted,
        "RealNetAmountVatIncludedWithDiscount": amounts.net_discounted_ttc,
        "RealNetAmountVatExcludedWithParentDiscount": amounts.net,
        "RealNetAmountVatIncludedWithParentDiscount": amounts.net_ttc,
        "RealNetAmountVatExcludedWithDiscountAndFinancialDiscount": amounts.net_final,
        "RealNetAmountVatIncludedWithDiscountAndFinancialDiscount": amounts.net_final_ttc,
        "SalePriceVatExcluded": lines["price"],
        "SalePriceVatIncluded": amounts.price_ttc,
        "NetPriceVatExcluded": amounts.net_price,
        "NetPriceVatIncluded": amounts.net_price_ttc,
        "NetPriceVatExcludedWithParentDiscount": amounts.net_price,
        "NetPriceVatIncludedWithParentDiscount": amounts.net_price_ttc,
        "NetPriceVatExcludedWithDiscount": unit_price_with_footer,
        "NetPriceVatIncludedWithDiscount": unit_price_with_footer_ttc,
        "UnitDiscountAmountVatExcluded": discount,
        "UnitDiscountAmountVatIncluded": discount_ttc,
        "Discounts0_UnitDiscountAmountVatExcluded": round_half_away(lines["price"] * lines["d0"], 10_000),
        "Discounts0_UnitDiscountAmountVatIncluded": round_half_away(amounts.price_ttc * lines["d0"], 10_000),
        "Discounts0_UnitDiscountRate": lines["d0"],
        "Discounts1_UnitDiscountRate": lines["d1"],
        "Discounts2_UnitDiscountRate": lines["d2"],
        "PurchasePrice": lines["purchase"],
        "CostPrice": lines["cost"],
        "InterestAmount": amounts.net_price - lines["cost"],
        "NetInterestAmount": margin,
        "TotalInterestAmount": margin,
        "EcotaxAmountVatExcluded": typed.ecotax,
        "UnitEcotaxAmountVatExcluded": lines["ecotax"],
    }
    quantity_columns = {
        "Quantity": one,
        "RealQuantity": quantity,
        "OrderedQuantity": np.where(is_order, quantity, 0),
        "DeliveredQuantity": context.progress.delivered,
        "InvoicedQuantity": context.progress.invoiced,
        "ReturnedQuantity": context.progress.returned,
        "RemainingQuantityToDeliver": remaining_delivery,
        "RemainingQuantityToInvoice": remaining_invoice,
    }
    seller = np.where(lines["seller"] >= 0, lines["seller"], context.seller[document])
    kinds_of_text = lines["line_type"]
    return pl.DataFrame(
        {
            "Id": context.ids,
            "DocumentId": take(context.document_ids, document),
            "LineType": kinds_of_text,
            "LineOrder": (rank_in_group(document, lines["order"]) + 1) * 100,
            "NomenclatureLevel": lines["level"],
            "ParentLineId": take(context.ids, lines["parent"]),
            "TopParentLineId": take(context.ids, lines["top"]),
            "ItemId": dirt.codes_as_typed(
                rng,
                take(items.codes, item),
                dirt.ITEM_CODES,
                "OLD",
                rng.random(size) < dirt.ITEM_CODES.orphan,
                truth,
                ("SaleDocumentLine", "ItemId"),
            ),
            "DescriptionClear": _descriptions(lines["text"], item, kinds_of_text, items),
            "ColleagueId": take(
                masters.colleague_codes, np.where(typed.counted & (np.arange(size) % 50 != 7), seller, -1)
            ),
            "UnitId": take([u[0] for u in small.UNITS], np.where(goods, items.unit[item], -1)),
            "VatId": take(masters.vat_ids, np.where(printed, lines["vat"], -1)),
            "StorehouseId": take(masters.storehouse_ids, context.storehouse),
            "SupplierId": take(
                [f"FOU{n:05d}" for n in range(1, 269)],
                np.where(goods & (lines["line_type"] == 2), items.supplier[item], -1),
            ),
            "ManageStock": goods & items.manage_stock[item],
            "NotIncluded": lines["not_included"] == 1,
            "FreePercentage": _where(lines["d0"] == 10_000, decimals(np.full(size, 100), 0)),
            "TotalDiscountRate": decimals(rate, 4),
            "UnitDiscountRate": decimals(rate, 4),
            "VatAmount": _where(typed.counted & (np.arange(size) % 20 != 3), decimals(line_vat)),
            "ExcludedFromFootDiscount": typed.excluded_from_footer,
            "ExcludedFromFinancialDiscount": typed.excluded_from_financial,
            "DeliveryDate": _where(
                np.isin(kind, (1, 8)) & typed.counted, stamps((day + 7 + np.arange(size) % 21) * DAY_US)
            ),
            "sysCreatedDate": stamps(context.created[document]),
            "sysCreatedUser": take(context.created_user, document),
            "sysModifiedDate": stamps(context.modified[document]),
            "sysModifiedUser": take(context.modified_user, document),
            **{name: decimals(values) for name, values in amount_columns.items()},
            **{name: decimals(values, 3) for name, values in quantity_columns.items()},
        }
    )


def _per_unit(amount: Int, quantity: Int, fallback: Int) -> Int:
    return np.where(quantity == 0, fallback, round_half_away(amount * 1000, np.where(quantity == 0, 1, quantity)))


def _where(mask: np.ndarray, values: pl.Series) -> pl.Series:
    return pl.select(pl.when(pl.Series(mask)).then(values)).to_series()


def _descriptions(text: Int, item: Int, line_type: Int, items: Items) -> pl.Series:
    labels = [*items.captions, *WORK_TEXTS, DEPOSIT_TEXT, "Sous-total", *TEXTS, ""]
    first = len(items.captions)
    deposit = first + len(WORK_TEXTS)
    index = np.where(
        item >= 0,
        item,
        np.where(
            text >= 0,
            first + text,
            np.where(text == -2, deposit, np.where(text == -3, deposit + 1, deposit + 2 - 4 - text)),
        ),
    )
    empty = (line_type == PAGE_BREAK) | ((item < 0) & (text == -1))
    index = np.where(empty & (line_type != SUBTOTAL), len(labels) - 1, index)
    return take(labels, index)
