"""The generated company obeys the semantics: headers from lines, chains, payments, keys, calendar, planted cases.

Everything is recomputed here from the frames with Decimal arithmetic; nothing is imported from the generator's pricing.
"""

from __future__ import annotations

from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from functools import cache

import polars as pl
import pytest

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions, Sign
from ebp_lakehouse.source.reference_schema import reference

AS_OF = date(2025, 10, 23)
SCALE = 0.02
SEEDS = (1, 7, 42)
CENT = Decimal("0.01")
COUNTED = (2, 3, 10, 11, 12)
Frames = dict[str, pl.DataFrame]


@cache
def company(seed: int, sign: Sign = "negative") -> Frames:
    return generate(SCALE, seed, AS_OF, CompanyOptions(credit_note_sign=sign))


@pytest.fixture(params=[(seed, "negative") for seed in SEEDS] + [(3, "positive")], ids=str)
def frames(request: pytest.FixtureRequest) -> Frames:
    return company(*request.param)


def counted_lines(frames: Frames) -> pl.DataFrame:
    """Rules L1 to L3: candidate types, outermost, included."""
    return frames["SaleDocumentLine"].filter(
        pl.col("LineType").is_in(COUNTED) & (pl.col("NomenclatureLevel") == 0) & ~pl.col("NotIncluded")
    )


def with_line_sums(frames: Frames) -> pl.DataFrame:
    sums = counted_lines(frames).group_by(pl.col("DocumentId").alias("Id")).agg(
        pl.col("RealNetAmountVatExcluded").sum().alias("gross"),
        pl.col("RealNetAmountVatExcludedWithDiscount").sum().alias("net"),
        pl.col("RealNetAmountVatExcludedWithDiscountAndFinancialDiscount").sum().alias("final"),
        pl.col("EcotaxAmountVatExcluded").sum().alias("eco"),
        pl.len().alias("lines"),
    )  # fmt: skip
    return frames["SaleDocument"].join(sums, on="Id", how="left")


def none(frame: pl.DataFrame) -> None:
    assert frame.is_empty(), frame.head(5).to_dicts()


def test_header_identities_h1_to_h5_and_h8(frames: Frames) -> None:
    documents = with_line_sums(frames)
    c = pl.col
    none(documents.filter(c("lines").is_null()).select("DocumentNumber"))
    for identity in (
        c("AmountVatExcluded") == c("gross"),
        c("AmountVatExcludedWithDiscount") == c("AmountVatExcluded") - c("DiscountAmount"),
        c("AmountVatExcludedWithDiscount") == c("net"),
        c("EcotaxAmountVatExcluded") == c("eco"),
        c("AmountVatExcludedWithDiscountAndShipping")
        == c("net") + c("ShippingAmountVatExcluded") + c("InvoicingChargesAmountVatExcluded") + c("eco"),
        c("AmountVatExcludedWithDiscountAndShippingWithoutEcotax")
        == c("AmountVatExcludedWithDiscountAndShipping") - c("eco"),
        c("AmountVatIncluded")
        == c("AmountVatExcludedWithDiscountAndShipping") - c("FinancialDiscountAmount") + c("VatAmount"),
        c("TotalDueAmount") == c("AmountVatIncluded") - c("DepositAmount"),
    ):
        none(
            documents.filter(~identity).select(
                "DocumentNumber", "AmountVatExcluded", "gross", "net", "AmountVatIncluded"
            )
        )


def test_vat_is_rounded_per_rate_and_adds_up(frames: Frames) -> None:
    for row in frames["SaleDocument"].iter_rows(named=True):
        base = vat = Decimal(0)
        for n in range(6):
            prefix = f"DetailVatAmount{n}_"
            if row[prefix + "DetailVatId"] is None:
                continue
            ht, tax, rate = (
                row[prefix + name] for name in ("DetailAmountVatExcluded", "DetailVatAmount", "DetailVatRate")
            )
            base, vat = base + ht, vat + tax
            assert row[prefix + "DetailAmountVatIncluded"] == ht + tax
            assert row[prefix + "VatAmountOnDebit"] + row[prefix + "VatAmountOnCollection"] == tax
            if row["PriceWithTaxBased"]:
                expected = ht + tax - ((ht + tax) * 100 / (100 + rate)).quantize(CENT, ROUND_HALF_UP)
                assert abs(tax - expected) <= CENT, row["DocumentNumber"]
            else:
                assert tax == (ht * rate / 100).quantize(CENT, ROUND_HALF_UP), row["DocumentNumber"]
        assert vat == row["VatAmount"], row["DocumentNumber"]
        assert base == row["AmountVatExcludedWithDiscountAndShipping"] - row["FinancialDiscountAmount"], row[
            "DocumentNumber"
        ]


def test_line_amounts_from_quantity_price_and_discounts(frames: Frames) -> None:
    typed_without_tax = (
        frames["SaleDocument"].filter(~pl.col("PriceWithTaxBased")).select(pl.col("Id").alias("DocumentId"))
    )
    for row in frames["SaleDocumentLine"].join(typed_without_tax, on="DocumentId").iter_rows(named=True):
        price = row["SalePriceVatExcluded"]
        for n in range(3):
            price *= 1 - row[f"Discounts{n}_UnitDiscountRate"] / 100
        assert abs(price - row["NetPriceVatExcluded"]) <= Decimal("0.0051")
        expected = (row["NetPriceVatExcluded"] * row["RealQuantity"]).quantize(CENT, ROUND_HALF_UP)
        assert row["RealNetAmountVatExcluded"] == expected
        assert row["NomenclatureLevel"] > 0 or row["Quantity"] == row["RealQuantity"]


def test_footer_discount_spares_excluded_lines_and_stays_within_a_cent(frames: Frames) -> None:
    lines = (
        counted_lines(frames)
        .join(
            frames["SaleDocument"].select(pl.col("Id").alias("DocumentId"), "DiscountAmount", "DocumentNumber"),
            on="DocumentId",
        )
        .with_columns(share=pl.col("RealNetAmountVatExcluded") - pl.col("RealNetAmountVatExcludedWithDiscount"))
    )
    none(lines.filter(pl.col("ExcludedFromFootDiscount") & (pl.col("share") != 0)))
    net = pl.col("RealNetAmountVatExcluded").cast(pl.Float64)
    base = net.filter(~pl.col("ExcludedFromFootDiscount")).sum().over("DocumentId")
    # Typed as a rate or as an amount, the discount of the foot is shared in proportion over the lines not excluded.
    off = pl.col("share").cast(pl.Float64) - pl.col("DiscountAmount").cast(pl.Float64) * net / base
    # Lines of both signs on one document can leave a line further than a cent from its share of the rounded total.
    one_sign = (
        pl.col("RealNetAmountVatExcluded").min().over("DocumentId")
        * pl.col("RealNetAmountVatExcluded").max().over("DocumentId")
        >= 0
    )
    none(lines.filter(one_sign & ~pl.col("ExcludedFromFootDiscount") & (off.abs() > 0.0151)))
    assert lines["share"].cast(pl.Float64).abs().sum() > 0


def test_components_hang_under_their_bundle_and_carry_amounts(frames: Frames) -> None:
    lines = frames["SaleDocumentLine"]
    parts = lines.filter(pl.col("NomenclatureLevel") > 0)
    assert parts.height > 0
    assert set(parts["LineType"]) == {3}
    joined = parts.join(
        lines.select(
            pl.col("Id").alias("TopParentLineId"),
            pl.col("DocumentId").alias("doc"),
            pl.col("NomenclatureLevel").alias("top_level"),
            pl.col("LineType").alias("top_type"),
            pl.col("LineOrder").alias("top_order"),
        ),
        on="TopParentLineId",
        how="left",
    )
    none(
        joined.filter(
            pl.col("doc").is_null()
            | (pl.col("doc") != pl.col("DocumentId"))
            | (pl.col("top_level") != 0)
            | (pl.col("top_type") != 3)
        )
    )
    none(joined.filter(pl.col("LineOrder") <= pl.col("top_order")))
    none(parts.filter(~pl.col("ParentLineId").is_in(lines["Id"].implode())))
    assert parts["RealNetAmountVatExcluded"].sum() > 0
    assert parts.filter(pl.col("Quantity") != pl.col("RealQuantity")).height > 0
    assert parts.filter(pl.col("NomenclatureLevel") == 2).height > 0


def test_commitments_and_settlements_agree_with_documents(frames: Frames) -> None:
    commitments, documents = frames["SaleCommitment"], frames["SaleDocument"]
    templates = frames["PeriodicInvoicing"]["ReferenceDocumentId"].implode()
    sums = (
        commitments.filter(pl.col("DocumentId").is_not_null())
        .group_by(pl.col("DocumentId").alias("Id"))
        .agg(pl.col("Amount").sum().alias("amount"), pl.col("BalanceDue").sum().alias("balance"), pl.len().alias("n"))
    )
    payable = documents.filter(
        pl.col("DocumentType").is_in([2, 3, 4, 5]) & ~(pl.col("Id").is_in(templates) & (pl.col("ValidationState") != 3))
    )
    joined = payable.join(sums, on="Id", how="left").with_columns(pl.col("amount", "balance").fill_null(0))
    none(
        joined.filter(
            (pl.col("amount") != pl.col("TotalDueAmount")) | (pl.col("balance") != pl.col("CommitmentsBalanceDue"))
        ).select("DocumentNumber", "amount", "TotalDueAmount")
    )
    assert set(sums["Id"]) <= set(payable["Id"])
    assert sums["n"].max() in (2, 3)  # type: ignore[comparison-overlap]

    associations = frames["SaleSettlementCommitmentAssociation"].join(
        frames["SaleSettlement"].select(pl.col("Id").alias("SettlementId"), "IsUnpaid"), on="SettlementId", how="left"
    )
    real = associations.filter(~pl.col("IsUnpaid").fill_null(False))
    assigned = real.group_by(pl.col("CommitmentId").alias("Id")).agg(pl.col("AssignedAmount").sum().alias("assigned"))
    of_documents = commitments.filter(pl.col("DocumentId").is_not_null() & (pl.col("LiquidationType") == 0))
    checked = of_documents.join(assigned, on="Id", how="left").with_columns(pl.col("assigned").fill_null(0))
    none(
        checked.filter(pl.col("Amount") - pl.col("BalanceDue") != pl.col("assigned")).select(
            "Amount", "BalanceDue", "assigned"
        )
    )
    none(associations.filter(pl.col("SettlementId").is_null() != pl.col("LinkedCommitmentId").is_not_null()))

    used = (
        associations.filter(pl.col("SettlementId").is_not_null())
        .group_by("SettlementId")
        .agg(pl.col("AssignedAmount").sum().alias("used"))
    )
    settlements = (
        frames["SaleSettlement"]
        .join(used, left_on="Id", right_on="SettlementId", how="left")
        .with_columns(pl.col("used").fill_null(0))
    )
    none(settlements.filter(~pl.col("IsDeposit") & (pl.col("Amount") - pl.col("RemainingAmount") != pl.col("used"))))
    none(settlements.filter(pl.col("SettlementDate").dt.date() > AS_OF))


def test_links_follow_the_chain_and_never_transfer_too_much(frames: Frames) -> None:
    lines = frames["SaleDocumentLine"].join(
        frames["SaleDocument"].select(pl.col("Id").alias("DocumentId"), "DocumentType", "DocumentDate", "CustomerId"),
        on="DocumentId",
    )
    links = frames["DocumentLineAssociation"].filter(~pl.col("IsCountermark"))
    side = ["Id", "DocumentType", "DocumentDate", "RealQuantity", "DocumentId"]
    sales = (
        links.drop("Id")
        .join(lines.select(pl.col(side).name.prefix("o_")), left_on="OriginLineId", right_on="o_Id")
        .join(lines.select(pl.col(side).name.prefix("t_")), left_on="TransferedLineId", right_on="t_Id")
    )
    assert sales.height > 0.6 * frames["DocumentLineAssociation"].height
    allowed = {(1, 8), (1, 2), (8, 6), (8, 2), (6, 2), (6, 7), (7, 3), (2, 3)}
    assert set(sales.select("o_DocumentType", "t_DocumentType").unique().iter_rows()) <= allowed
    assert {(1, 8), (8, 6), (6, 2)} <= set(sales.select("o_DocumentType", "t_DocumentType").unique().iter_rows())
    none(sales.filter(pl.col("t_DocumentDate") < pl.col("o_DocumentDate")))
    none(
        sales.filter(
            (pl.col("OriginDocumentId") != pl.col("o_DocumentId"))
            | (pl.col("TransferedDocumentId") != pl.col("t_DocumentId"))
        )
    )
    moved = (
        sales.filter(pl.col("t_DocumentType").is_in([2, 6, 8]))
        .group_by("OriginLineId", "t_DocumentType")
        .agg(pl.col("RealQuantity").sum().alias("moved"), pl.col("o_RealQuantity").first().abs().alias("available"))
    )
    none(moved.filter(pl.col("moved") > pl.col("available")))
    assert links.height > sales.height  # purchase links live in the same table


def test_keys_are_unique_and_extension_is_one_to_one(frames: Frames) -> None:
    for table, frame in frames.items():
        assert frame.select(reference()[table].key).is_unique().all(), table
    assert set(frames["SaleDocumentEx"]["Id"]) == set(frames["SaleDocument"]["Id"])
    assert set(frames["SaleDocumentLine"]["DocumentId"]) == set(frames["SaleDocument"]["Id"])
    assert frames["SaleDocumentLine"].select("DocumentId", "LineOrder").is_unique().all()


def test_frames_fit_the_declared_columns(frames: Frames) -> None:
    tables = reference()
    for table, frame in frames.items():
        for name in frame.columns:
            column = tables[table].column(name)
            assert column is not None, f"{table}.{name}"
            assert column.nullable or frame[name].null_count() == 0, f"{table}.{name} is NOT NULL"
            if column.width is not None:
                assert (frame[name].cast(pl.String).str.len_chars().max() or 0) <= column.width, f"{table}.{name}"  # type: ignore[operator]


def test_dates_stay_within_ten_years_but_for_two_planted_documents(frames: Frames) -> None:
    documents = frames["SaleDocument"]
    late = documents.filter(pl.col("DocumentDate").dt.date() > AS_OF)
    assert 1 <= late.height <= 2
    usual = documents.filter(pl.col("DocumentDate").dt.date() <= AS_OF)
    assert usual["DocumentDate"].dt.weekday().max() <= 5  # type: ignore[operator]
    assert usual.filter((pl.col("DocumentDate").dt.month() == 8) & (pl.col("DocumentDate").dt.day() == 15)).is_empty()
    for table, frame in frames.items():
        if "sysModifiedDate" in frame.columns:
            assert (frame["sysModifiedDate"] >= frame["sysCreatedDate"]).all(), table
            assert frame["sysModifiedDate"].dt.date().max() <= AS_OF, table  # type: ignore[operator]


def test_sizes_follow_the_scale(frames: Frames) -> None:
    for table, rows in {
        "SaleDocument": 23_837,
        "SaleDocumentLine": 112_684,
        "DocumentLineAssociation": 33_249,
        "SaleCommitment": 15_924,
        "SaleSettlement": 12_962,
        "SaleSettlementCommitmentAssociation": 15_516,
    }.items():
        assert frames[table].height == round(rows * SCALE), table


def test_planted_cases_exist(frames: Frames) -> None:
    documents, lines, customers = frames["SaleDocument"], frames["SaleDocumentLine"], frames["Customer"]
    c = pl.col
    assert set(documents["DocumentType"]) == {1, 2, 3, 4, 5, 6, 7, 8, 12}
    present = {
        "big amount of an unknown kind": documents.filter(
            (c("DocumentType") == 12) & (c("AmountVatExcluded") > 100_000)
        ),
        "negative invoice": documents.filter((c("DocumentType") == 2) & (c("AmountVatExcluded") < 0)),
        "nothing left to pay after a deposit": documents.filter((c("DepositAmount") > 0) & (c("TotalDueAmount") == 0)),
        "deposit deducted": documents.filter(
            (c("DocumentType") == 2) & (c("DepositAmount") > 0) & (c("TotalDueAmount") > 0)
        ),
        "footer discount": documents.filter(c("DiscountAmount") != 0),
        "typed with tax": documents.filter("PriceWithTaxBased"),
        "shipping": documents.filter(c("ShippingAmountVatExcluded") != 0),
        "eco-contribution": documents.filter(c("EcotaxAmountVatExcluded") != 0),
        "orphan customer": documents.filter(
            ~c("CustomerId").str.strip_chars().str.to_uppercase().is_in(customers["Id"].implode())
        ),
        "option": lines.filter("NotIncluded"),
        "free goods": lines.filter(c("FreePercentage") == 100),
        "text": lines.filter(c("LineType") == 9),
        "subtotal that carries an amount": lines.filter((c("LineType") == 4) & (c("NetAmountVatExcluded") != 0)),
        "free-text line with a price": lines.filter(
            c("ItemId").is_null() & (c("LineType") == 2) & (c("NetAmountVatExcluded") > 0)
        ),
        "three decimals": lines.filter((c("Quantity") * 100) % 1 != 0),
        "hours": lines.filter(c("UnitId") == "H"),
        "template": frames["PeriodicInvoicing"].filter(c("ReferenceDocumentId").is_not_null()),
        "held": frames["SaleDocumentEx"].filter("IsHeldReceipt"),
        "temporary": frames["SaleDocumentEx"].filter("IsTemporary"),
        "rejected": frames["SaleSettlement"].filter("IsUnpaid"),
        "unallocated": frames["SaleSettlement"].filter(c("RemainingAmount") > 0),
        "written off": frames["SaleCommitment"].filter((c("LiquidationType") != 0) & (c("BalanceDue") == 0)),
        "doubtful": frames["SaleSettlementCommitmentAssociation"].filter("IsDoubtfulAssociation"),
        "set-off": frames["SaleSettlementCommitmentAssociation"].filter(c("LinkedCommitmentId").is_not_null()),
        "no document": frames["SaleCommitment"].filter(c("DocumentId").is_null()),
        "countermark": frames["DocumentLineAssociation"].filter("IsCountermark"),
        "Monaco": customers.filter(c("MainInvoicingAddress_CountryIsoCode") == "MC"),
        "cedex": customers.filter(c("MainInvoicingAddress_City").str.contains("CEDEX")),
        "GPS 0/0": customers.filter(
            (c("MainDeliveryAddress_Latitude") == 0) & (c("MainDeliveryAddress_Longitude") == 0)
        ),
        "line of the other sign on a credit note": documents.filter(c("DocumentType") == 3)
        .join(counted_lines(frames), left_on="Id", right_on="DocumentId")
        .group_by("Id")
        .agg(c("RealNetAmountVatExcluded").min().alias("lo"), c("RealNetAmountVatExcluded").max().alias("hi"))
        .filter((c("lo") < 0) & (c("hi") > 0)),
    }
    missing = [name for name, rows in present.items() if rows.is_empty()]
    assert not missing, missing


@pytest.mark.parametrize(("sign", "negative"), [("negative", True), ("positive", False)])
def test_credit_note_sign_is_a_choice(sign: Sign, negative: bool) -> None:
    notes = company(3, sign)["SaleDocument"].filter((pl.col("DocumentType") == 3) & (pl.col("AmountVatExcluded") != 0))
    share = (notes["AmountVatExcluded"] < 0).mean()
    assert share >= 0.85 if negative else share <= 0.15  # type: ignore[operator]


def test_same_seed_same_rows_other_seed_other_rows() -> None:
    again = generate(SCALE, 1, AS_OF)
    for table, frame in company(1).items():
        assert frame.equals(again[table]), table
    assert not company(1)["SaleDocument"].equals(company(7)["SaleDocument"])


def test_siren_check_digits() -> None:
    for siren in company(1)["Customer"]["Siren"].drop_nulls():
        digits = [int(d) * (1 + n % 2) for n, d in enumerate(siren)]
        assert len(siren) == 9
        assert sum(d - 9 if d > 9 else d for d in digits) % 10 == 0, siren
