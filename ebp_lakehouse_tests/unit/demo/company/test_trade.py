"""Purchases and stock of the generated company: sums, chains, payments, and EBP's running figures of stock.

Everything is recomputed from the frames with Decimal arithmetic; nothing is imported from the generator's own rules.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

import polars as pl
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.demo.company.truth import GroundTruth

AS_OF = date(2025, 10, 23)
SCALE = 0.04
CENT = Decimal("0.01")
Frames = dict[str, pl.DataFrame]
c = pl.col


@cache
def made(seed: int = 5) -> tuple[Frames, GroundTruth]:
    truth = GroundTruth()
    return generate(SCALE, seed, AS_OF, CompanyOptions(), truth), truth


@pytest.fixture(scope="module")
def frames() -> Frames:
    return made()[0]


@pytest.fixture(scope="module")
def truth() -> GroundTruth:
    return made()[1]


def none(frame: pl.DataFrame) -> None:
    assert frame.is_empty(), frame.head(5).to_dicts()


def keys(truth: GroundTruth, case: str) -> list[str]:
    return [key for (name, _), planted in truth.cases.items() if name == case for key in planted.keys]


def test_sizes_follow_the_scale(frames: Frames) -> None:
    for table, rows in {
        "PurchaseDocument": 12_477,
        "PurchaseDocumentEx": 12_477,
        "PurchaseDocumentLine": 38_887,
        "PurchaseCommitment": 8603,
        "PurchaseSettlement": 5183,
        "PurchaseSettlementCommitmentAssociation": 8082,
        "SupplierItem": 5007,
        "ThirdReference": 3622,
        "StockItem": 6831,
        "StockMovement": 12_158,
        "ItemAccount": 72_428,
        "DocumentLineAssociation": 33_249,
    }.items():
        assert frames[table].height == round(rows * SCALE), table
    assert frames["Supplier"].height == 268


def test_documents_are_the_sum_of_their_lines(frames: Frames) -> None:
    sums = (
        frames["PurchaseDocumentLine"]
        .filter(c("LineType").is_in([2, 10]))
        .group_by(c("DocumentId").alias("Id"))
        .agg(
            c("RealNetAmountVatExcluded").sum().alias("gross"),
            c("RealNetAmountVatExcludedWithDiscount").sum().alias("net"),
            c("TotalChargeAmount").sum().alias("charges"),
        )
    )
    documents = frames["PurchaseDocument"].join(sums, on="Id", how="left")
    for identity in (
        c("gross").is_not_null(),
        c("AmountVatExcluded") == c("gross"),
        c("AmountVatExcludedWithDiscount") == c("net"),
        c("AmountVatExcludedWithDiscountAndShipping") == c("net") + c("ShippingAmountVatExcluded"),
        c("AmountVatIncluded")
        == c("AmountVatExcludedWithDiscountAndShipping") - c("FinancialDiscountAmount") + c("VatAmount"),
        c("TotalApproachChargeToDistributeAmount") == c("charges"),
    ):
        none(documents.filter(~identity).select("DocumentNumber", "AmountVatExcluded", "gross"))
    for row in frames["PurchaseDocument"].iter_rows(named=True):
        vat = Decimal(0)
        for n in range(6):
            if row[f"DetailVatAmount{n}_DetailVatId"] is not None:
                ht, rate = row[f"DetailVatAmount{n}_DetailAmountVatExcluded"], row[f"DetailVatAmount{n}_DetailVatRate"]
                vat += (ht * rate / 100).quantize(CENT, ROUND_HALF_UP)
        assert vat == row["VatAmount"], row["DocumentNumber"]


def test_what_is_owed_is_what_was_not_paid(frames: Frames) -> None:
    commitments = frames["PurchaseCommitment"]
    sums = commitments.group_by(c("DocumentId").alias("Id")).agg(
        c("Amount").sum().alias("amount"), c("BalanceDue").sum().alias("balance")
    )
    payable = frames["PurchaseDocument"].filter(c("DocumentType").is_in([2, 3])).join(sums, on="Id", how="left")
    payable = payable.with_columns(c("amount", "balance").fill_null(0))
    none(
        payable.filter((c("amount") != c("TotalDueAmount")) | (c("balance") != c("CommitmentsBalanceDue"))).select(
            "DocumentNumber", "amount", "TotalDueAmount"
        )
    )
    assigned = (
        frames["PurchaseSettlementCommitmentAssociation"]
        .group_by(c("CommitmentId").alias("Id"))
        .agg(c("AssignedAmount").sum().alias("assigned"))
    )
    joined = commitments.join(assigned, on="Id", how="left").with_columns(c("assigned").fill_null(0))
    none(joined.filter(c("Amount") - c("BalanceDue") != c("assigned")).select("Amount", "BalanceDue", "assigned"))
    spent = (
        frames["PurchaseSettlementCommitmentAssociation"]
        .filter(c("SettlementId").is_not_null())
        .group_by(c("SettlementId").alias("Id"))
        .agg(c("AssignedAmount").sum().alias("spent"))
    )
    none(frames["PurchaseSettlement"].join(spent, on="Id", how="left").filter(c("spent") != c("Amount")))
    owed = payable.group_by(c("SupplierId").str.strip_chars().str.to_uppercase().alias("Id")).agg(c("balance").sum())
    suppliers = frames["Supplier"].join(owed, on="Id", how="left").with_columns(c("balance").fill_null(0))
    orphans = payable.filter(
        ~c("SupplierId").str.strip_chars().str.to_uppercase().is_in(frames["Supplier"]["Id"].implode())
    )
    assert suppliers.filter(c("balance") != c("CurrentAmount")).height <= orphans.height


def test_purchase_chain(frames: Frames) -> None:
    lines = frames["PurchaseDocumentLine"].join(
        frames["PurchaseDocument"].select(c("Id").alias("DocumentId"), "DocumentType", "DocumentDate"), on="DocumentId"
    )
    side = ["Id", "DocumentId", "DocumentType", "DocumentDate", "ItemId", "RealQuantity"]
    links = (
        frames["DocumentLineAssociation"]
        .filter(c("OriginDocumentType") == 1)
        .join(lines.select(c(side).name.prefix("o_")), left_on="OriginLineId", right_on="o_Id")
        .join(lines.select(c(side).name.prefix("t_")), left_on="TransferedLineId", right_on="t_Id")
    )
    assert links.height == frames["DocumentLineAssociation"].filter(c("OriginDocumentType") == 1).height
    pairs = set(links.select("o_DocumentType", "t_DocumentType").unique().iter_rows())
    assert {(8, 6), (6, 2), (6, 7), (7, 3), (8, 2)} == pairs
    none(links.filter((c("t_DocumentDate") < c("o_DocumentDate")) | (c("o_ItemId") != c("t_ItemId"))))
    received = (
        links.filter(c("t_DocumentType") == 6)
        .group_by("OriginLineId")
        .agg(c("Quantity").sum(), c("o_RealQuantity").first())
    )
    none(received.filter(c("Quantity") > c("o_RealQuantity")))
    orders = lines.filter((c("DocumentType") == 8) & (c("RemainingQuantityToDeliver") > 0))
    none(orders.filter(c("DeliveredQuantity") + c("RemainingQuantityToDeliver") != c("RealQuantity")))


def test_countermarks_join_a_customer_order_to_the_supplier_order_written_for_it(frames: Frames) -> None:
    marks = frames["DocumentLineAssociation"].filter("IsCountermark")
    assert marks.height > 0
    sold = frames["SaleDocumentLine"].select(c("Id").alias("OriginLineId"), c("ItemId").alias("sold"), "DocumentId")
    bought = frames["PurchaseDocumentLine"].select(c("Id").alias("TransferedLineId"), c("ItemId").alias("bought"))
    joined = marks.join(sold, on="OriginLineId").join(bought, on="TransferedLineId")
    assert joined.height == marks.height
    clean = joined.with_columns(c("sold").str.strip_chars().str.to_uppercase())
    none(clean.filter((c("sold") != c("bought")) & ~c("sold").str.starts_with("OLD")))


def test_running_figures_of_stock_follow_ebps_rules(frames: Frames) -> None:
    """PUMP by an independent loop: what comes in at a cost mixes with what was there, the rest is valued at PUMP."""
    rows = frames["StockMovement"].sort("Id")
    state: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    moved = set()
    for row in rows.iter_rows(named=True):
        pair = (row["ItemId"], row["StorehouseId"])
        stock, pump = state.get(pair, (Decimal(0), Decimal(0)))
        quantity, cost = row["Quantity"], row["UnitCost"]
        valued_at_cost = (row["DocumentType"], row["DocumentSubType"]) in {(0, 2), (0, 7), (0, 6), (0, 9)}
        if quantity > 0 and valued_at_cost:
            new = (stock * pump + quantity * cost) / (stock + quantity) if stock > 0 else cost
            moved.add(pair) if pump and new != pump else None
            pump = new.quantize(Decimal("0.000001"), ROUND_HALF_UP)
        else:
            assert cost == row["Pump"], row["Id"]
        stock += quantity
        assert row["RealStock"] == stock, row["Id"]
        assert abs(row["Pump"] - pump) <= Decimal("0.000001"), row["Id"]
        assert abs(row["StockValue"] - (stock * pump).quantize(CENT, ROUND_HALF_UP)) <= CENT, row["Id"]
        state[pair] = (stock, row["Pump"])
    assert moved, "no PUMP ever moved"


def test_movements_add_up_to_the_stock_but_for_the_planted_item(frames: Frames, truth: GroundTruth) -> None:
    moved = frames["StockMovement"].group_by("ItemId", "StorehouseId").agg(c("Quantity").sum().alias("moved"))
    joined = frames["StockItem"].join(moved, on=["ItemId", "StorehouseId"], how="full", coalesce=True)
    none(joined.filter(c("RealStock").is_null()))
    wrong = joined.filter(c("RealStock") != c("moved").fill_null(0))
    assert [f"{row[0]}/{row[1]}" for row in wrong.select("ItemId", "StorehouseId").iter_rows()] == keys(
        truth, "movements that do not add up to the stock"
    )
    items = (
        frames["StockItem"]
        .group_by(c("ItemId").alias("Id"))
        .agg(c("RealStock").sum().alias("s"), c("SuppliersOrderedQuantity").sum().alias("on_order"))
    )
    both = frames["Item"].join(items, on="Id")
    none(both.filter((c("s") != c("RealStock")) | (c("on_order") != c("SuppliersOrderedQuantity"))))
    available = c("RealStock") - c("OrderedQuantity") + c("SuppliersOrderedQuantity")
    none(frames["StockItem"].filter(c("VirtualStock") != available))


def test_every_movement_has_its_document_and_line(frames: Frames) -> None:
    line_of = pl.concat(
        [
            frames[table].select(
                c("Id").alias("DocumentLineId"), c("DocumentId").alias("of"), c("ItemId").alias("item")
            )
            for table in ("SaleDocumentLine", "PurchaseDocumentLine", "StockDocumentLine")
        ]
    )
    joined = frames["StockMovement"].join(line_of, on="DocumentLineId", how="left")
    none(joined.filter(c("of").is_null() | (c("of") != c("DocumentId"))))
    typed = joined.with_columns(c("item").str.strip_chars().str.to_uppercase())
    none(typed.filter((c("item") != c("ItemId")) & ~c("item").str.starts_with("OLD")))
    transfers = frames["StockMovement"].filter(c("DocumentSubType") == 6)
    assert transfers["Quantity"].sum() == 0
    assert transfers.height > 0
    bought = frames["PurchaseDocumentLine"].filter(c("StockMovementId").is_not_null())
    pieces = bought.join(
        frames["StockMovement"].select(c("Id").alias("StockMovementId"), c("Quantity").alias("moved")),
        on="StockMovementId",
    )
    assert pieces.height == bought.height
    none(pieces.filter(c("moved").abs() != c("RealQuantity").abs() * c("SalePurchaseConversionRate")))
    assert pieces.filter(c("SalePurchaseConversionRate") == 10).height > 0


def test_a_movement_typed_late_was_created_after_those_it_rewrote(frames: Frames, truth: GroundTruth) -> None:
    rows = frames["StockMovement"]
    late = rows.filter(c("Id").cast(pl.String).is_in(keys(truth, "movement typed three weeks after its date")))
    assert late.height > 0
    for row in late.iter_rows(named=True):
        assert row["sysCreatedDate"] - row["DocumentDate"] > timedelta(days=20)
        after = rows.filter(
            (c("ItemId") == row["ItemId"]) & (c("StorehouseId") == row["StorehouseId"]) & (c("Id") > row["Id"])
        )
        assert after.height > 0
        assert (after["sysModifiedDate"] >= row["sysCreatedDate"]).all()


def test_suppliers_behave_as_the_truth_says(truth: GroundTruth) -> None:
    """Days between promise and receipt, by kind of supplier: those always late are later than the punctual ones."""
    frames, truth = made()
    links = frames["DocumentLineAssociation"].filter((c("OriginDocumentType") == 1) & (c("OriginDocumentSubType") == 8))
    documents = frames["PurchaseDocument"]
    orders = documents.select(c("Id").alias("OriginDocumentId"), c("DeliveryDate").alias("promised"), "SupplierId")
    receipts = documents.filter(c("DocumentType") == 6).select(c("Id").alias("TransferedDocumentId"), "DocumentDate")
    first = (
        links.join(orders, on="OriginDocumentId")
        .join(receipts, on="TransferedDocumentId")
        .filter(c("promised").is_not_null())
        .group_by("OriginDocumentId")
        .agg(c("DocumentDate").min(), c("promised").first(), c("SupplierId").first())
        .with_columns(late=(c("DocumentDate") - c("promised")).dt.total_days())
    )
    profiles = pl.DataFrame(
        [(code, values["profile"]) for code, values in truth.parameters["supplier"].items()],
        schema=["SupplierId", "profile"], orient="row",
    )  # fmt: skip
    mean = dict(first.join(profiles, on="SupplierId").group_by("profile").agg(c("late").mean()).iter_rows())
    assert mean["always late"] > 6
    assert -1 < mean["punctual"] < 3  # rolled over week-ends


def test_planted_cases_of_purchases_exist_and_are_what_they_say(frames: Frames, truth: GroundTruth) -> None:
    documents = frames["PurchaseDocument"]

    def rows(case: str) -> pl.DataFrame:
        found = documents.filter(c("Id").is_in(keys(truth, case)))
        assert found.height > 0, case
        return found

    twice = rows("supplier invoice typed twice")
    same = twice.join(documents, on=["Reference", "SupplierName", "AmountVatIncluded"], suffix="_first")
    assert same.filter(c("Id") != c("Id_first")).height == twice.height
    overdue = rows("supplier order overdue and never received")
    assert (overdue["DeliveryDate"].drop_nulls().dt.date() < AS_OF).all()
    assert (overdue["DeliveryState"] == 0).all()
    assert rows("order without a promised day")["DeliveryDate"].null_count() > 0
    assert rows("drop shipment")["DeliveryCustomerId"].null_count() == 0
    closed = rows("supplier order closed short")
    left = frames["PurchaseDocumentLine"].filter(c("DocumentId").is_in(closed["Id"].implode()))
    assert left["RemainingQuantityToDeliver"].sum() == 0
    assert (left["DeliveredQuantity"] < left["RealQuantity"]).any()
    assert set(rows("goods returned for quality")["DocumentType"]) == {7}
    second = (
        frames["SupplierItem"]
        .filter(~c("MainSupplier"))
        .join(frames["SupplierItem"].filter("MainSupplier"), on="ItemId")
    )
    assert (second["NetPurchasePrice"] > second["NetPurchasePrice_right"]).any()
    riser = keys(truth, "prices raised by 8% in the middle of last year")
    assert riser == ["FOU00006"]


def test_some_stock_is_negative_for_a_while(frames: Frames) -> None:
    rows = (
        frames["StockMovement"]
        .sort("Id")
        .with_columns(
            after=c("RealStock").max().over("ItemId", "StorehouseId"),
            end=c("RealStock").last().over("ItemId", "StorehouseId"),
        )
    )
    below = rows.filter(c("RealStock") < 0)
    assert 0 < below.height < 0.1 * rows.height
    assert below.filter(c("end") >= 0).height > 0
