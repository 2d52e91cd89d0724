"""Purchases and stock put on deals: which documents, what of them is a cost, and who supplied.

Only supplier invoices and credit notes count as costs (an order, its receipt and its invoice are one purchase); goods
taken out of stock count by their value. Totals of the deal are in ``dealcosts``.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.field import deals as rules
from ebp_lakehouse.demo.company.field.deals import AUDIT, COUNTED, STATES, Deals
from ebp_lakehouse.demo.company.primitives import MONEY, Int, generator, take, uuids
from ebp_lakehouse.demo.company.truth import GroundTruth

DOCUMENTS, LINES, SUPPLIERS, SETTLEMENTS, STOCK = 2741, 5572, 658, 1070, 7  # reference installation
INVOICE, CREDIT_NOTE = 2, 3
STOCK_EXIT = 3  # StockDocument."DocumentType" of consumption
Frames = dict[str, pl.DataFrame]


def build(seed: int, scale: float, deals: Deals, frames: Frames, truth: GroundTruth) -> Frames:
    """The purchase and stock tables of deals, and the documents and lines that now name their deal."""
    rng = generator(seed, "deal purchases")
    documents, lines = frames["PurchaseDocument"], frames["PurchaseDocumentLine"]
    day = documents["DocumentDate"].dt.epoch("d").cast(pl.Int64).to_numpy()
    deal = np.full(documents.height, -1)
    chosen = _documents(rng, scale, documents, lines, day, int(deals.first_day.min()))
    deal[chosen] = _running(rng, deals, day[chosen])
    codes = pl.DataFrame({"DocumentId": documents["Id"], "DealId": take(deals.codes, deal)})
    documents = documents.with_columns(DealId=codes["DealId"])
    lines = lines.join(codes, on="DocumentId", how="left", maintain_order="left")
    deal_lines = _line_frame(rng, scale, lines, documents)
    deal_documents = _document_frame(rng, documents, deal_lines)
    made = {
        "PurchaseDocument": documents,
        "PurchaseDocumentLine": lines,
        "DealPurchaseDocument": deal_documents,
        "DealPurchaseDocumentLine": deal_lines,
        "DealSupplier": _supplier_frame(rng, scale, deal_documents),
        "DealPurchaseSettlement": _settlement_frame(rng, scale, codes.drop_nulls(), frames),
    }
    return made | _stock_frames(rng, deals, frames, truth)


def _documents(
    rng: np.random.Generator, scale: float, documents: pl.DataFrame, lines: pl.DataFrame, day: Int, first: int
) -> Int:
    counted = lines.filter(pl.col("LineType").is_in(COUNTED) & (pl.col("NomenclatureLevel") == 0))
    weight = documents.join(
        counted.group_by(pl.col("DocumentId").alias("Id")).agg(lines=pl.len()),
        on="Id",
        how="left",
        maintain_order="left",
    )["lines"].fill_null(0)
    one, usable = np.ones(documents.height, dtype=np.int64), np.flatnonzero(day > first)
    return np.sort(
        rules.take_chains(
            rng, usable, one, one, weight.cast(pl.Int64).to_numpy(), round(DOCUMENTS * scale), round(LINES * scale)
        )
    )


def _running(rng: np.random.Generator, deals: Deals, day: Int) -> Int:
    """A deal that was running on each day: one of those begun lately."""
    order = np.argsort(deals.first_day, kind="stable")
    begun = np.searchsorted(deals.first_day[order], day, side="right") - 1
    back = rng.geometric(0.02, len(day)) - 1
    found = order[np.maximum(begun - back, 0)]
    latest = order[np.maximum(begun, 0)]
    return np.where(deals.last_day[found] + 60 >= day, found, latest)


def _line_frame(rng: np.random.Generator, scale: float, lines: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    kinds = documents.select(pl.col("Id").alias("DocumentId"), "DocumentType")
    own = lines.filter(pl.col("DealId").is_not_null()).join(kinds, on="DocumentId", maintain_order="left")
    counted = pl.col("LineType").is_in(COUNTED) & (pl.col("NomenclatureLevel") == 0)
    chosen = pl.concat([own.filter(counted), own.filter(~counted)]).head(round(LINES * scale))
    included = counted & pl.col("DocumentType").is_in([INVOICE, CREDIT_NOTE])
    net = pl.col("RealNetAmountVatExcludedWithDiscount")
    cost = pl.when(pl.col("DocumentType") == CREDIT_NOTE).then(-net.abs()).otherwise(net)
    return chosen.select(
        uuids(rng, chosen.height).alias("Id"), pl.col("Id").alias("DocumentLineId"), "DocumentId", "DealId", "LineType",
        "LineOrder", "Quantity", "PurchasePrice", "DescriptionClear", pl.col("ItemId").str.strip_chars().str.to_uppercase(),
        pl.lit(2).alias("QuantityDecimalNumber"), pl.lit(2).alias("PricesDecimalNumber"),
        included.alias("IncludeAmountInCost"),
        pl.when(included).then(cost).otherwise(pl.lit(0)).cast(MONEY).alias("IncludedAmount"),
        pl.when(included).then(pl.col("Quantity")).otherwise(pl.lit(0)).cast(MONEY).alias("QuantityToInclude"),
        AmountVatExcluded="RealNetAmountVatExcluded", NetAmountVatExcludedWithDiscount=net,
        NetAmountVatIncludedWithDiscount="RealNetAmountVatIncludedWithDiscount", CostAmount="CostAmount",
        **dict(zip(AUDIT, AUDIT, strict=True)),
    )  # fmt: skip


def _document_frame(rng: np.random.Generator, documents: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    included = lines.group_by(pl.col("DocumentId").alias("Id")).agg(pl.col("IncludedAmount").sum())
    own = documents.filter(pl.col("DealId").is_not_null()).join(included, on="Id", how="left", maintain_order="left")
    return own.select(
        uuids(rng, own.height).alias("Id"), pl.col("Id").alias("DocumentId"), "DocumentNumber", "DocumentDate",
        "DocumentType", "SupplierId", pl.col("SupplierName").fill_null(""), "DealId", "DocumentState", "TransferedDocumentId",
        pl.col("DocumentType").is_in([INVOICE, CREDIT_NOTE]).alias("IncludeAmountInCost"),
        pl.col("IncludedAmount").fill_null(0),
        GlobalDocumentState=pl.col("DocumentState").replace_strict(STATES, default="En cours", return_dtype=pl.String),
        InvoiceCorrectionType="CorrectionType", AmountVatExcluded="AmountVatExcluded",
        NetAmountVatExcludedWithDiscount="AmountVatExcludedWithDiscount",
        DocumentTotalAmountVatExcludedWithDiscount="AmountVatExcludedWithDiscountAndShipping",
        NetAmountVatIncludedWithDiscount="AmountVatIncluded", **dict(zip(AUDIT, AUDIT, strict=True)),
    )  # fmt: skip


def _supplier_frame(rng: np.random.Generator, scale: float, documents: pl.DataFrame) -> pl.DataFrame:
    """Suppliers of each deal with what they invoiced on it; the largest ones."""
    pairs = (
        documents.with_columns(ThirdId=pl.col("SupplierId").str.strip_chars().str.to_uppercase())
        .group_by("DealId", "ThirdId", maintain_order=True)
        .agg(
            pl.col("SupplierName").first().str.slice(0, 60).alias("Name"),
            pl.col("IncludedAmount").sum().alias("Turnover"),
            *(pl.col(name).first() for name in AUDIT),
        )
        .sort("Turnover", "DealId", "ThirdId", descending=[True, False, False])
        .head(max(1, round(SUPPLIERS * scale)))
    )
    return pairs.with_columns(Id=uuids(rng, pairs.height), IsAutoLoaded=pl.lit(value=True))


def _settlement_frame(rng: np.random.Generator, scale: float, of: pl.DataFrame, frames: Frames) -> pl.DataFrame:
    """What was paid to suppliers on the documents of each deal, the latest ones."""
    names = frames["Supplier"].select(pl.col("Id").alias("ThirdId"), pl.col("Name").str.slice(0, 60).alias("ThirdName"))
    paid = (
        frames["PurchaseSettlementCommitmentAssociation"]
        .filter(pl.col("SettlementId").is_not_null())
        .join(
            frames["PurchaseCommitment"].select(pl.col("Id").alias("CommitmentId"), "DocumentId"), on="CommitmentId",
            maintain_order="left",
        )
        .join(of, on="DocumentId", maintain_order="left")
        .group_by("SettlementId", "DealId", maintain_order=True)
        .agg(pl.col("AssignedAmount").sum().alias("Amount"))
        .join(frames["PurchaseSettlement"].rename({"Id": "SettlementId"}).drop("Amount"), on="SettlementId", maintain_order="left")
        .join(names, on="ThirdId", how="left", maintain_order="left")
        .sort("SettlementDate", "SettlementId", "DealId")
        .tail(max(1, round(SETTLEMENTS * scale)))
    )  # fmt: skip
    return paid.select(
        uuids(rng, paid.height).alias("Id"), "SettlementId", "DealId", "ThirdId", pl.col("ThirdName").fill_null(""),
        "SettlementDate", "PaymentTypeId", "Amount", pl.col("IsDeposit").fill_null(value=False), *AUDIT,
    )  # fmt: skip


def _stock_frames(rng: np.random.Generator, deals: Deals, frames: Frames, truth: GroundTruth) -> Frames:
    """The few goods taken out of stock for a deal: the first line of each of the latest consumption papers."""
    nothing = pl.DataFrame(schema={"Id": pl.String})
    if "StockDocument" not in frames:  # the variant that does not manage stock
        return {"DealStockDocument": nothing, "DealStockDocumentLine": nothing}
    documents, lines = frames["StockDocument"], frames["StockDocumentLine"]
    papers = documents.filter(pl.col("DocumentType") == STOCK_EXIT).sort("DocumentDate", "Id").tail(STOCK)
    if papers.is_empty():
        return {"DealStockDocument": nothing, "DealStockDocumentLine": nothing}
    day = papers["DocumentDate"].dt.epoch("d").cast(pl.Int64).to_numpy()
    papers = papers.with_columns(DealId=take(deals.codes, _running(rng, deals, day)))
    taken = (
        lines.join(papers.select(pl.col("Id").alias("DocumentId"), "DealId"), on="DocumentId", maintain_order="left")
        .unique("DocumentId", keep="first", maintain_order=True)
        .with_columns(amount=pl.col("TotalValue").abs())
    )
    amounts = taken.select(pl.col("DocumentId").alias("Id"), "amount")
    papers = papers.join(amounts, on="Id", maintain_order="left")
    truth.plant(
        "goods consumed by a deal", "StockDocumentLine", taken["Id"],
        "gold.deal_profitability: consumption is a cost once, even where the purchase is on the deal too",
    )  # fmt: skip
    usual = {"IncludeAmountInCost": pl.lit(value=True), "IncludedAmount": pl.col("amount"), "Amount": pl.col("amount")}
    return {
        "StockDocument": documents.join(papers.select("Id", "DealId"), on="Id", how="left", maintain_order="left"),
        "StockDocumentLine": lines.join(taken.select("Id", "DealId"), on="Id", how="left", maintain_order="left"),
        "DealStockDocument": papers.select(
            uuids(rng, papers.height).alias("Id"), pl.col("Id").alias("DocumentId"), "DocumentNumber", "DocumentDate",
            "DocumentType", "StorehouseId", "DealId", *AUDIT, **usual,
        ),
        "DealStockDocumentLine": taken.select(
            uuids(rng, taken.height).alias("Id"), pl.col("Id").alias("DocumentLineId"), "DocumentId", "LineType",
            "LineOrder", "DealId", "ItemId", "StorehouseId", "DescriptionClear", pl.col("Quantity").abs(),
            pl.lit(2).alias("QuantityDecimalNumber"), pl.lit(2).alias("PricesDecimalNumber"), *AUDIT, **usual,
        ),
    }  # fmt: skip
