"""Deals: which sale documents belong to which business, and the tables that hang on them.

A deal holds whole chains of one customer (quote, order, deliveries, invoices, credit notes). Sizes are the reference's:
documents and lines are chosen so that both counts come out. Costs (hours, purchases, stock) are in ``dealcosts``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.primitives import Bool, Int, generator, uuids

DEALS, DOCUMENTS, LINES, ITEMS = 1493, 9882, 29_551, 6428  # reference installation
SECOND_CUSTOMERS, WITHOUT_COLLEAGUE, SETTLEMENTS = 42, 3, 4991
COUNTED = (2, 3, 10, 11, 12)
QUOTE_ONLY_SHARE, LONG_CHAIN_SHARE = 0.35, 0.5  # of chains without an invoice, with several documents
POOL_SHARE = 0.7  # of the deals: so many customers have some
STATES = {0: "En cours", 2: "Transféré", 3: "Clos"}  # GlobalDocumentState of DocumentState
OPEN, WON, LOST = 0, 1, 2  # Deal."DealState": the demo's own codes
AUDIT = ("sysCreatedDate", "sysCreatedUser", "sysModifiedDate", "sysModifiedUser")


@dataclass(frozen=True)
class Deals:
    """One row per deal; ``documents`` maps sale documents to deals (place, customer, Id, deal), in table order."""

    codes: pl.Series
    customer: Int
    first_day: Int
    last_day: Int
    documents: pl.DataFrame

    @property
    def size(self) -> int:
        """Number of deals."""
        return len(self.codes)


def choose(seed: int, scale: float, documents: pl.DataFrame, links: pl.DataFrame, counted_lines: Int) -> Deals:
    """Group chains into deals. ``documents``: Id, customer (-1 unknown), day, kind; ``counted_lines``: per document."""
    rng = generator(seed, "deals")
    wanted, deals = round(DOCUMENTS * scale), max(4, round(DEALS * scale))
    chain = _chains(documents, links)
    usable = (documents["customer"] >= 0).to_numpy() & documents["kind"].is_in([1, 2, 3, 6, 7, 8]).to_numpy()
    customer, day = documents["customer"].to_numpy(), documents["day"].to_numpy()
    whole = np.ones(int(chain.max()) + 1, dtype=bool)
    whole[chain[~usable]] = False
    owner = np.full(len(whole), -1)
    owner[chain] = customer
    whole[chain[customer != owner[chain]]] = False  # grouped by an invoice typed under another code
    pool = rng.permutation(np.unique(owner[whole]))[: max(2, round(deals * POOL_SHARE))]
    candidates = np.flatnonzero(whole & np.isin(owner, pool))
    size = np.bincount(chain, minlength=len(whole))
    weight = np.bincount(chain, weights=counted_lines, minlength=len(whole)).astype(np.int64)
    invoices = np.bincount(chain, weights=(documents["kind"] == 2).to_numpy(), minlength=len(whole))
    # Work that was invoiced becomes a deal more often than a lost quote.
    share = np.where(size[candidates] > 1, LONG_CHAIN_SHARE, 1.0) * np.where(
        invoices[candidates] > 0, 1, QUOTE_ONLY_SHARE
    )
    candidates = candidates[rng.random(len(candidates)) < share]
    taken = take_chains(rng, candidates, owner, size, weight, wanted, round(LINES * scale))
    start = np.full(len(whole), 2**40)
    np.minimum.at(start, chain, day)
    order = taken[np.lexsort((taken, start[taken], owner[taken]))]
    deal_of_chain = np.full(len(whole), -1)
    deal_of_chain[order] = _cut(rng, owner[order], deals)
    deal = deal_of_chain[chain]
    rows = np.flatnonzero(deal >= 0)
    count = int(deal.max()) + 1
    first, last, whose = np.full(count, 2**40), np.full(count, -(2**40)), np.zeros(count, dtype=np.int64)
    np.minimum.at(first, deal[rows], day[rows])
    np.maximum.at(last, deal[rows], day[rows])
    whose[deal[rows]] = customer[rows]
    table = pl.DataFrame({"place": rows, "deal": deal[rows]}).with_columns(Id=documents["Id"].gather(rows.tolist()))
    return Deals(pl.Series([f"AF{n + 1:06d}" for n in range(count)]), whose, first, last, table)


def _chains(documents: pl.DataFrame, links: pl.DataFrame) -> Int:
    """Number of the chain of each document: the connected components of the transfer links."""
    places = documents.select("Id", place=pl.int_range(pl.len()))
    pairs = (
        links.filter(~pl.col("IsCountermark"))
        .join(places, left_on="OriginDocumentId", right_on="Id")
        .join(places, left_on="TransferedDocumentId", right_on="Id", suffix="_to")
        .select("place", "place_to")
        .unique()
    )
    a, b = pairs["place"].to_numpy(), pairs["place_to"].to_numpy()
    label = np.arange(documents.height)
    while True:
        low = np.minimum(label[a], label[b])
        spread = label.copy()
        np.minimum.at(spread, a, low)
        np.minimum.at(spread, b, low)
        spread = spread[spread]
        if (spread == label).all():
            return np.asarray(np.unique(label, return_inverse=True)[1], dtype=np.int64)
        label = spread


def take_chains(
    rng: np.random.Generator, candidates: Int, owner: Int, size: Int, weight: Int, wanted: int, lines: int
) -> Int:
    """Chains with ``wanted`` documents together and at most ``lines`` counted lines; one chain of every owner at least."""
    shuffled = rng.permutation(candidates)
    first_of_owner = np.unique(owner[shuffled], return_index=True)[1]
    rest = np.setdiff1d(np.arange(len(shuffled)), first_of_owner)
    # Single documents close the gap at the end.
    rest = np.r_[rest[size[shuffled[rest]] > 1], rest[size[shuffled[rest]] == 1]]
    line = np.r_[first_of_owner, rest]
    cumulated = np.cumsum(size[shuffled[line]])
    chosen = shuffled[line[cumulated <= wanted]]
    left = wanted - int(size[chosen].sum())
    spare = np.setdiff1d(candidates, chosen)
    single = spare[size[spare] == 1]
    chosen = np.r_[chosen, rng.permutation(single)[:left]]
    excess = int(weight[chosen].sum()) - lines
    if excess <= 0:
        return np.asarray(chosen, dtype=np.int64)
    heavy = chosen[size[chosen] == 1]
    heavy = heavy[np.argsort(-weight[heavy], kind="stable")]
    light = np.setdiff1d(single, chosen)
    light = light[np.argsort(weight[light], kind="stable")][: len(heavy)]
    gain = np.cumsum(np.maximum(0, weight[heavy[: len(light)]] - weight[light]))
    swaps = min(int(np.searchsorted(gain, excess)) + 1, len(light))
    return np.asarray(np.r_[np.setdiff1d(chosen, heavy[:swaps]), light[:swaps]], dtype=np.int64)


def _cut(rng: np.random.Generator, owner: Int, deals: int) -> Int:
    """Deal of each chain (chains are sorted by owner and day): a new one at each owner, others at random."""
    begins = np.r_[True, owner[1:] != owner[:-1]]
    free = np.flatnonzero(~begins)
    begins[rng.permutation(free)[: max(0, deals - int(begins.sum()))]] = True
    return np.cumsum(begins) - 1


def document_frames(
    seed: int, scale: float, deals: Deals, documents: pl.DataFrame, lines: pl.DataFrame, site_codes: pl.Series
) -> dict[str, pl.DataFrame]:
    """``DealSaleDocument``, ``DealSaleDocumentLine`` and ``DealItem``."""
    rng = generator(seed, "deal documents")
    of = deals.documents.with_columns(
        DealId=deals.codes.gather(deals.documents["deal"].to_list()),
        ConstructionSiteId=site_codes.gather(deals.documents["deal"].to_list()),
    )
    heads = of.join(documents, on="Id", how="left", maintain_order="left", suffix="_own")
    net = pl.col("AmountVatExcludedWithDiscount")
    sale_documents = heads.select(
        uuids(rng, heads.height).alias("Id"), pl.col("Id").alias("DocumentId"), "DocumentNumber", "DocumentDate", "DocumentType",
        pl.col("CustomerId").str.strip_chars().str.to_uppercase(), pl.col("CustomerName").str.strip_chars(), "ColleagueId",
        "DocumentState", "TransferedDocumentId", "DealId", "ConstructionSiteId",
        InvoiceCorrectionType="CorrectionType",
        InterestAmount="InterestAmountVatExcluded", NetInterestAmount="InterestAmountVatExcluded",
        GrossInterestAmount="GrossInterestAmount",
        AmountVatExcluded="AmountVatExcluded", NetAmountVatExcludedWithDiscount=net,
        DocumentTotalAmountVatExcludedWithDiscount="AmountVatExcludedWithDiscountAndShipping",
        NetAmountVatIncludedWithDiscount="AmountVatIncluded",
        GlobalDocumentState=pl.col("DocumentState").replace_strict(STATES, default="En cours", return_dtype=pl.String),
        IsReferenceDocument=pl.lit(value=False),
        sysCreatedDate="sysCreatedDate", sysCreatedUser="sysCreatedUser",
        sysModifiedDate="sysModifiedDate", sysModifiedUser="sysModifiedUser",
    )  # fmt: skip
    own = lines.join(
        of.select(pl.col("Id").alias("DocumentId"), "DealId", "ConstructionSiteId"),
        on="DocumentId",
        maintain_order="left",
    )
    counted = pl.col("LineType").is_in(COUNTED) & (pl.col("NomenclatureLevel") == 0)
    # EBP copies the lines that are analysed; of the texts, as many as the table holds.
    chosen = pl.concat([own.filter(counted), own.filter(~counted)]).head(round(LINES * scale))
    sale_lines = chosen.select(
        uuids(rng, chosen.height).alias("Id"), pl.col("Id").alias("DocumentLineId"), "DocumentId", "LineType", "LineOrder",
        "DealId", "ConstructionSiteId", "Quantity", "RealQuantity", "PurchasePrice", "ParentLineId", "DescriptionClear",
        pl.col("ItemId").str.strip_chars().str.to_uppercase(),
        pl.lit(2).alias("QuantityDecimalNumber"), pl.lit(2).alias("PricesDecimalNumber"),
        InterestAmount="NetInterestAmount", NetInterestAmount="NetInterestAmount", GrossInterestAmount="NetInterestAmount",
        AmountVatExcluded="RealNetAmountVatExcluded",
        NetAmountVatExcludedWithDiscount="RealNetAmountVatExcludedWithDiscount",
        NetAmountVatIncludedWithDiscount="RealNetAmountVatIncludedWithDiscount",
        sysCreatedDate="sysCreatedDate", sysCreatedUser="sysCreatedUser",
        sysModifiedDate="sysModifiedDate", sysModifiedUser="sysModifiedUser",
    )  # fmt: skip
    return {
        "DealSaleDocument": sale_documents,
        "DealSaleDocumentLine": sale_lines,
        "DealItem": _items(rng, scale, sale_lines, sale_documents),
    }


def _items(rng: np.random.Generator, scale: float, lines: pl.DataFrame, documents: pl.DataFrame) -> pl.DataFrame:
    """Items of each deal with quantities and amounts invoiced (0 while only ordered); the smallest were not analysed."""
    kind = documents.select("DocumentId", "DocumentType", "DocumentNumber")
    priced = lines.filter(pl.col("LineType").is_in(COUNTED) & pl.col("ItemId").is_not_null()).join(
        kind, on="DocumentId"
    )
    invoiced = pl.col("DocumentType").is_in([2, 3])

    def total(column: str) -> pl.Expr:
        return pl.col(column).filter(invoiced).sum().alias(column)

    pairs = (
        priced.group_by("DealId", "ItemId", maintain_order=True)
        .agg(
            total("Quantity"), total("AmountVatExcluded"), total("NetAmountVatExcludedWithDiscount"),
            total("InterestAmount"), pl.col("DescriptionClear").first().str.slice(0, 80).alias("ItemCaption"),
            pl.col("NetAmountVatExcludedWithDiscount").abs().max().alias("largest"),
            *(pl.col(name).first() for name in AUDIT),
        )
        .sort("largest", "DealId", "ItemId", descending=[True, False, False])
        .head(round(ITEMS * scale))
        .sort("DealId", "ItemId")
    )  # fmt: skip
    return pairs.drop("largest").with_columns(
        Id=uuids(rng, pairs.height),
        ItemType=pl.lit(0),
        NetInterestAmount=pl.col("InterestAmount"),
        GrossInterestAmount=pl.col("InterestAmount"),
        TotalConsumedQuantity=pl.lit(0),
        TotalConsumedAmount=pl.lit(0),
    )


def settlement_frame(
    seed: int,
    scale: float,
    deals: Deals,
    commitments: pl.DataFrame,
    associations: pl.DataFrame,
    settlements: pl.DataFrame,
) -> pl.DataFrame:
    """``DealSaleSettlement``: what was settled of each deal's documents, one row per settlement and deal."""
    rng = generator(seed, "deal settlements")
    of = deals.documents.select(
        pl.col("Id").alias("DocumentId"), DealId=deals.codes.gather(deals.documents["deal"].to_list())
    )
    paid = (
        associations.filter(pl.col("SettlementId").is_not_null())
        .join(
            commitments.select(pl.col("Id").alias("CommitmentId"), "DocumentId"),
            on="CommitmentId",
            maintain_order="left",
        )
        .join(of, on="DocumentId", maintain_order="left")
        .group_by("SettlementId", "DealId", maintain_order=True)
        .agg(pl.col("AssignedAmount").sum().alias("Amount"))
        .join(settlements.rename({"Id": "SettlementId"}).drop("Amount"), on="SettlementId", maintain_order="left")
        .sort("SettlementDate", "SettlementId", "DealId")
        .tail(round(SETTLEMENTS * scale))
    )
    return paid.select(
        uuids(rng, paid.height).alias("Id"), "SettlementId", "DealId", "ThirdId", "ThirdName", "SettlementDate",
        "PaymentTypeId", "Amount", pl.col("IsDeposit").fill_null(value=False), *AUDIT,
    )  # fmt: skip


def with_deals(
    documents: pl.DataFrame, lines: pl.DataFrame, deals: Deals, site_codes: pl.Series
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sale documents with their deal and site; lines of every second document carry the deal too, the others leave it."""
    deal = np.full(documents.height, -1)
    deal[deals.documents["place"].to_numpy()] = deals.documents["deal"].to_numpy()
    codes, sites = (_of(labels, deal) for labels in (deals.codes, site_codes))
    marked = documents.with_columns(DealId=codes, ConstructionSiteId=sites)
    on_lines: Bool = (deal >= 0) & (np.arange(len(deal)) % 2 == 0)
    told = pl.DataFrame({"DocumentId": documents["Id"], "DealId": codes}).filter(pl.Series(on_lines))
    return marked, lines.join(told, on="DocumentId", how="left", maintain_order="left")


def _of(labels: pl.Series, index: Int) -> pl.Series:
    return pl.select(pl.when(pl.Series(index >= 0)).then(labels.gather(np.maximum(index, 0).tolist()))).to_series()
