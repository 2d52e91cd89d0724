"""The ground truth says what is there: every planted key exists, dirt is counted as it is, every asked case is present."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

import polars as pl
import pytest

from ebp_lakehouse.demo.company import dirt
from ebp_lakehouse.demo.company.options import USUAL
from ebp_lakehouse.demo.company.truth import GroundTruth
from ebp_lakehouse.demo.create import company_frames
from ebp_lakehouse.demo.schema import reference

AS_OF = date(2025, 10, 23)
c = pl.col

# The cases of semantics section 10 that this half of the company must hold at every scale.
SALES = (
    "invoice grouping the deliveries of a month", "order delivered in several times, one invoice",
    "order invoiced in several times", "invoice straight from a quote", "invoice without parent", "quote lost or expired",
    "quote in two revisions", "order closed by hand", "return note", "credit note linked by SaleCreditMemoOrigin",
    "credit note in a later month", "deposit invoice", "deposit credit note", "deposit invoice not yet applied",
    "final invoice with nothing left to pay", "unknown kind with a large amount", "template that was never posted",
    "posted template", "document dated after today", "financial discount", "invoicing charges", "eco-contribution",
    "entered with tax", "VAT of the lines off by a cent or more", "component under a bundle", "component two levels down",
    "option not included", "free text with a price", "free goods", "quantity with three decimals",
    "three discounts in cascade", "goods without a cost", "subtotal that repeats an amount", "negative invoice",
    "quantity ten times too large", "discount of 60 to 85 %", "sold below its cost", "invoice typed twice",
    "discount at the foot as an amount, a line excluded", "document in Swiss francs, amounts in euros",
    "reverse charge, no VAT invoiced", "document dated 1900 or 9999", "moved house between two invoices",
    "the same company typed twice", "hard address: Corsica, overseas, Monaco, CEDEX …", "instalment paid in part",
    "instalment paid in two settlements", "rejected settlement", "money not allocated", "deposit on an order",
    "set-off against a credit note", "doubtful", "written off", "balance without a document", "payer is not the buyer",
    "credit limit exceeded", "inactive and still owing", "reminded three times",
)  # fmt: skip


@cache
def made() -> tuple[dict[str, pl.DataFrame], GroundTruth]:
    truth = GroundTruth()
    return company_frames(0.04, 5, AS_OF, USUAL, truth), truth


@pytest.fixture(scope="module")
def frames() -> dict[str, pl.DataFrame]:
    return made()[0]


@pytest.fixture(scope="module")
def truth() -> GroundTruth:
    return made()[1]


def test_the_day_on_which_nobody_invoiced_is_told(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    ((day, _),) = truth.parameters["day"].items()
    invoices = frames["SaleDocument"].filter(c("DocumentType") == 2)["DocumentDate"].cast(pl.Date)
    missing = date.fromisoformat(day)
    assert missing.weekday() < 5
    assert missing not in invoices.to_list()
    assert invoices.min() < missing < invoices.max()


def test_one_bundle_is_worth_exactly_its_components(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    (code,) = truth.cases["bundle priced exactly by its components", "Item"].keys
    prices = frames["Item"].select("Id", "SalePriceVatExcluded")
    parts = frames["ItemComponent"].filter(c("ParentItemId") == code).join(prices, left_on="ItemId", right_on="Id")
    worth = (parts["SalePriceVatExcluded"] * parts["Quantity"]).sum()
    assert parts.height > 1
    assert abs(worth - prices.filter(c("Id") == code)["SalePriceVatExcluded"].item()) < Decimal("0.01") * parts.height


def test_every_case_asked_for_was_planted(truth: GroundTruth) -> None:
    planted = {case for (case, _), rows in truth.cases.items() if rows.keys}
    assert not set(SALES) - planted


def test_every_planted_key_is_a_row_and_every_case_names_a_figure(
    frames: dict[str, pl.DataFrame], truth: GroundTruth
) -> None:
    for planted in truth.cases.values():
        assert planted.moves, planted.case
        if planted.case == "the same company typed twice":  # pairs of customers
            assert {part for key in planted.keys for part in key.split("/")} <= set(frames["Customer"]["Id"])
            continue
        key = [c(name).cast(pl.String) for name in reference()[planted.table].key]
        known = (
            set(frames[planted.table].select(pl.concat_str(key, separator="/").alias("k"))["k"])
            if planted.keys
            else set()
        )
        assert set(planted.keys) <= known, (planted.case, planted.table)


def test_planted_sale_lines_are_what_they_say(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    documents, lines = frames["SaleDocument"], frames["SaleDocumentLine"]

    def rows(case: str) -> pl.DataFrame:
        ((table, keys),) = [(t, p.keys) for (name, t), p in truth.cases.items() if name == case]
        return {"SaleDocument": documents, "SaleDocumentLine": lines}[table].filter(c("Id").is_in(keys))

    assert (rows("discount of 60 to 85 %")["TotalDiscountRate"].cast(float) >= 60).all()
    assert (rows("sold below its cost").select(c("CostPrice") > c("NetPriceVatExcluded")).to_series()).all()
    assert (rows("quantity ten times too large")["Quantity"].cast(float) >= 2.5).all()
    footed = rows("discount at the foot as an amount, a line excluded")
    assert set(footed["DiscountAmount"].cast(float)) == {25.0}
    assert (footed["DiscountRate"] == 0).all()
    assert (rows("reverse charge, no VAT invoiced")["VatAmount"] == 0).all()
    francs = rows("document in Swiss francs, amounts in euros")
    assert set(francs["CurrencyId"]) == {"CHF"}
    assert (francs["CurrencyAmountVatIncluded"] != francs["AmountVatIncluded"]).all()
    assert set(rows("document dated 1900 or 9999")["DocumentDate"].dt.year()) == {1900, 9999}
    twice = rows("invoice typed twice")
    same = twice.join(documents, on=["CustomerName", "AmountVatIncluded", "CostPrice"], suffix="_other")
    assert set(same.filter(c("Id") != c("Id_other"))["Id"]) == set(twice["Id"])


def test_who_moved_has_another_address_on_older_documents(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    moved = truth.cases["moved house between two invoices", "Customer"].keys
    master = (
        frames["Customer"].filter(c("Id").is_in(moved)).select("Id", c("MainInvoicingAddress_ZipCode").alias("now"))
    )
    typed = frames["SaleDocument"].with_columns(Id=c("CustomerId").str.strip_chars().str.to_uppercase())
    joined = master.join(typed.select("Id", "InvoicingAddress_ZipCode", "DocumentDate"), on="Id").filter(
        c("now").is_not_null()
    )
    before = joined.filter(c("InvoicingAddress_ZipCode") != c("now"))
    after = joined.filter(c("InvoicingAddress_ZipCode") == c("now"))
    assert before.height > 0
    assert after.height > 0


def test_dirt_is_counted_as_it_is(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    said = {(row["table"], row["column"], row["what"]): row for row in truth.dirt}
    for table, column, rates in (
        ("SaleDocument", "CustomerId", dirt.CUSTOMER_CODES),
        ("SaleDocumentLine", "ItemId", dirt.ITEM_CODES),
        ("PurchaseDocument", "SupplierId", dirt.SUPPLIER_CODES),
    ):
        codes = frames[table][column].drop_nulls()
        spaced = (codes != codes.str.strip_chars()).sum()
        lowered = (codes.str.strip_chars() != codes.str.strip_chars().str.to_uppercase()).sum()
        assert spaced == said[table, column, "trailing space"]["rows"], table
        assert lowered == said[table, column, "other case"]["rows"], table
        assert said[table, column, "trailing space"]["rate"] == rates.trailing_space
    customers = frames["Customer"]
    zero = customers.filter((c("MainDeliveryAddress_Latitude") == 0) & (c("MainDeliveryAddress_Longitude") == 0)).height
    assert zero == said["Customer", "MainDeliveryAddress_Latitude", "latitude and longitude 0"]["rows"]
    phones = frames["Customer"]["MainInvoicingContact_Phone"].drop_nulls()
    shapes = {phone[:1] + "".join(ch for ch in phone if not ch.isdigit()) for phone in phones if len(phone) >= 10}
    assert len({shape.replace("0", "", 1) for shape in shapes}) >= 5
    absurd = frames["SaleDocument"].filter(c("DeliveryDate").dt.year().is_in([1900, 9999])).height
    assert absurd == said["SaleDocument", "DeliveryDate", "date of 1900 or 9999"]["rows"]


def test_demand_classes_show_in_what_was_sold(frames: dict[str, pl.DataFrame], truth: GroundTruth) -> None:
    """Items taken by the pallet have more variable quantities than the others; never-sold ones have none."""
    lines = frames["SaleDocumentLine"].filter((c("LineType") == 2) & (c("Quantity") > 0) & (c("UnitId") == "U"))
    spread = lines.group_by("ItemId").agg(
        (c("Quantity").cast(float).std() / c("Quantity").cast(float).mean()).alias("cv"), pl.len()
    )
    known = pl.DataFrame(
        [(code, of["demand"]) for code, of in truth.parameters["item"].items()],
        schema=["ItemId", "demand"],
        orient="row",
    )
    joined = spread.filter(c("len") >= 8).join(known, on="ItemId")
    bulk = joined.filter(c("demand").is_in(["erratic", "lumpy"]))["cv"].mean()
    even = joined.filter(c("demand").is_in(["smooth", "intermittent"]))["cv"].mean()
    assert bulk > 1.2 * even  # type: ignore[operator]
    assert set(known["demand"]) == {"smooth", "erratic", "intermittent", "lumpy", "never sold"}


def test_the_file_is_one_json_beside_the_home(tmp_path: Path, truth: GroundTruth) -> None:
    path = tmp_path / "home" / "ground-truth.json"
    truth.write(path, {"scale": 0.04})
    read = json.loads(path.read_text(encoding="utf-8"))
    assert read["company"] == {"scale": 0.04}
    assert {row["case"] for row in read["cases"]} == {case for case, _ in truth.cases}
    assert set(read["parameters"]) >= {"customer", "item", "supplier"}


def test_the_same_seed_plants_the_same(truth: GroundTruth) -> None:
    again = GroundTruth()
    frames = company_frames(0.04, 5, AS_OF, USUAL, again)
    assert again.as_dict() == truth.as_dict()
    for table, frame in made()[0].items():
        assert frame.equals(frames[table]), table
