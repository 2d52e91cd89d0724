"""Sale documents and their counted rows (semantics §1.1-§1.3): which count, with what sign, line by line and header by header."""

from __future__ import annotations

import polars as pl

from ebp_lakehouse_tests.truth.places import is_address
from ebp_lakehouse_tests.truth.values import AMOUNT, NOTHING, Bronze, amount, code, day, total

KINDS = {
    1: "Quote", 2: "Invoice", 3: "CreditNote", 4: "DepositInvoice", 5: "DepositCreditNote", 6: "Delivery", 7: "Return",
    8: "Order",
}  # fmt: skip
COUNTED_TYPES = [2, 3, 10, 11, 12]
REVENUE = ["Invoice", "CreditNote"]
NESTING = 6  # levels of bundles in bundles that are followed
ROUNDING_PER_LINE, ROUNDING_MINIMUM = pl.lit("0.01").cast(AMOUNT), pl.lit("0.05").cast(AMOUNT)


def documents(bronze: Bronze) -> pl.DataFrame:
    """One row per document that is not held: id, kind, day, customer, payer, sign, and signed net, tax, total, discount."""
    held = bronze["SaleDocumentEx"].filter(
        pl.col("IsTemporary").fill_null(value=False) | pl.col("IsHeldReceipt").fill_null(value=False)
    )
    kept = bronze["SaleDocument"].join(held, on="Id", how="anti")
    kind = pl.col("DocumentType").replace_strict(KINDS, default="Other", return_dtype=pl.String)
    net = (
        pl.when(amount("AmountVatExcludedWithDiscountAndShipping") != 0)
        .then(amount("AmountVatExcludedWithDiscountAndShipping"))
        .otherwise(amount("AmountVatExcludedWithDiscount"))
    )
    frame = kept.select(
        id="Id",
        number="DocumentNumber",
        kind=pl.when(_is_template(bronze)).then(pl.lit("Template")).otherwise(kind),
        day=day("DocumentDate"),
        customer=code("CustomerId"),
        payer=pl.coalesce(code("PaymentThirdId"), code("CustomerId")),
        deal=code("DealId"),
        revision="Revision",
        zipcode=place_of_sale("ZipCode"),
        is_french=place_of_sale("CountryIsoCode").fill_null("").is_in(["FR", "FRA", ""]),
        stored_net=net,
        stored_tax=amount("VatAmount"),
        stored_total=amount("AmountVatIncluded"),
        stored_financial_discount=amount("FinancialDiscountAmount"),
        port=amount("ShippingAmountVatExcluded"),
        charges=amount("InvoicingChargesAmountVatExcluded"),
        ecotax=amount("EcotaxAmountVatExcluded"),
        balance=amount("CommitmentsBalanceDue"),
    )
    return with_signs(frame, ["CreditNote", "Return", "DepositCreditNote"]).with_columns(
        (pl.col(f"stored_{name}") * pl.col("sign")).alias(name)
        for name in ("net", "tax", "total", "financial_discount")
    )


def place_of_sale(part: str) -> pl.Expr:
    """Where it is delivered, if that is an address; else where its invoice goes."""
    return pl.when(is_address("DeliveryAddress")).then(f"DeliveryAddress_{part}").otherwise(f"InvoicingAddress_{part}")


def _is_template(bronze: Bronze) -> pl.Expr:
    """K3: a model of periodic invoicing that is neither due nor posted."""
    models = bronze["PeriodicInvoicing"]["ReferenceDocumentId"].drop_nulls().implode()
    due = bronze["SaleCommitment"]["DocumentId"].drop_nulls().implode()
    posted = (pl.col("ValidationState") == 3).fill_null(value=False)
    return pl.col("Id").is_in(models) & ~pl.col("Id").is_in(due) & ~posted


def with_signs(frame: pl.DataFrame, measured: list[str]) -> pl.DataFrame:
    """A8, per kind: +1 where at least 95 % of the headers are negative, -1 where at most 5 % are, else each by its own.

    Fewer than five headers tell nothing of an installation: each by its own.
    """
    told = frame.filter(pl.col("stored_net") != 0).group_by("kind").agg(
        negative=(pl.col("stored_net") < 0).mean(), headers=pl.len()
    )  # fmt: skip
    own = pl.when(pl.col("stored_net") > 0).then(-1).otherwise(1)
    sign = (
        pl.when(~pl.col("kind").is_in(measured)).then(1)
        .when(pl.col("headers").fill_null(0) < 5).then(own)
        .when(pl.col("negative") >= 0.95).then(1)
        .when(pl.col("negative") <= 0.05).then(-1)
        .otherwise(own)
    )  # fmt: skip
    return frame.join(told, on="kind", how="left").with_columns(sign=sign.cast(AMOUNT)).drop("negative", "headers")


def counted_lines(lines: pl.DataFrame) -> pl.DataFrame:
    """L1-L3: priced lines that are no option and lie under no priced line, at whatever depth."""
    priced = pl.col("LineType").is_in(COUNTED_TYPES)
    candidates = lines.filter(priced).select("Id")
    if "ParentLineId" not in lines.columns:
        return lines.filter(priced & ~pl.col("NotIncluded").fill_null(value=False))
    parents = lines.select(child="Id", parent="ParentLineId")
    above = lines.select("Id", ancestor="ParentLineId")
    under = []
    for _ in range(NESTING):
        above = above.drop_nulls("ancestor")
        under.append(above.join(candidates, left_on="ancestor", right_on="Id", how="semi").select("Id"))
        above = above.join(parents, left_on="ancestor", right_on="child").select("Id", ancestor="parent")
    tops = lines.join(candidates, left_on="TopParentLineId", right_on="Id", how="semi").filter(
        pl.col("TopParentLineId") != pl.col("Id")
    )
    inner = pl.concat([*under, tops.select("Id")]).unique()
    return lines.filter(priced & ~pl.col("NotIncluded").fill_null(value=False)).join(inner, on="Id", how="anti")


def rows(bronze: Bronze) -> pl.DataFrame:
    """One row per counted line or header amount: document and its attributes, product, quantity, net, cost, signed."""
    headers = documents(bronze)
    quantity = pl.when(amount("RealQuantity") != 0).then(amount("RealQuantity")).otherwise(amount("Quantity"))
    lines = counted_lines(bronze["SaleDocumentLine"]).select(
        line="Id",
        id="DocumentId",
        order="LineOrder",
        product=code("ItemId").fill_null("NO_ITEM"),
        quantity=quantity,
        stored_line_net=amount("RealNetAmountVatExcludedWithDiscount"),
        price=amount("SalePriceVatExcluded"),
        unit_cost=amount("CostPrice"),
    )
    lines = lines.join(headers.select("id"), on="id", how="semi").with_columns(
        cost=pl.col("quantity") * pl.col("unit_cost"), origin=pl.lit("line")
    )
    rests = _rests(headers, lines)
    extra = _header_rows(rests)
    rounded = rests.filter(pl.col("is_rounding") & (pl.col("rest") != 0)).select("id", "rest")
    largest = (
        lines.sort(pl.col("stored_line_net").abs(), "order", descending=[True, False])
        .unique("id", keep="first", maintain_order=True)
        .join(rounded, on="id")
        .select("line", "rest")
    )
    lines = lines.join(largest, on="line", how="left").with_columns(
        stored_line_net=pl.col("stored_line_net") + pl.col("rest").fill_null(NOTHING)
    )
    together = pl.concat([lines.drop("rest"), extra], how="diagonal")
    attributes = headers.select("id", "kind", "day", "customer", "payer", "sign", "zipcode")
    return together.join(attributes, on="id").with_columns(
        net=pl.col("stored_line_net") * pl.col("sign"),
        cost=pl.col("cost") * pl.col("sign"),
        quantity=pl.col("quantity") * pl.col("sign"),
    )


def _rests(headers: pl.DataFrame, lines: pl.DataFrame) -> pl.DataFrame:
    """L6 per document: which eco-contribution is a row of its own, what is left, and whether that is rounding."""
    summed = lines.group_by("id").agg(lines=pl.len(), line_net=total(pl.col("stored_line_net")))
    left = headers.join(summed, on="id", how="left").with_columns(
        lines=pl.col("lines").fill_null(0), line_net=pl.col("line_net").fill_null(NOTHING)
    )
    left = left.with_columns(
        target=pl.when(pl.col("stored_net") != 0).then("stored_net").otherwise("line_net"),
        tolerance=pl.max_horizontal(ROUNDING_PER_LINE * pl.col("lines").cast(AMOUNT), ROUNDING_MINIMUM),
    ).with_columns(open=pl.col("target") - pl.col("line_net") - pl.col("port") - pl.col("charges"))
    has_ecotax_row = (pl.col("ecotax") != 0) & (
        (pl.col("open") - pl.col("ecotax")).abs() <= pl.col("tolerance")
    ) & (pl.col("open").abs() > pl.col("tolerance"))  # fmt: skip
    return left.with_columns(ecotax_row=pl.when(has_ecotax_row).then("ecotax").otherwise(NOTHING)).with_columns(
        rest=pl.col("open") - pl.col("ecotax_row"),
        is_rounding=((pl.col("open") - pl.col("ecotax_row")).abs() <= pl.col("tolerance")) & (pl.col("lines") > 0),
    )


def _header_rows(rests: pl.DataFrame) -> pl.DataFrame:
    """PORT, FRAIS, ECOTAXE and ECART rows; an eco-contribution costs what it brings (A10), the others nothing."""
    gap = pl.when(~pl.col("is_rounding")).then("rest").otherwise(NOTHING)
    members = {"PORT": pl.col("port"), "FRAIS": pl.col("charges"), "ECOTAXE": pl.col("ecotax_row"), "ECART": gap}
    frames = [
        rests.select(
            "id",
            product=pl.lit(member),
            quantity=pl.lit(1).cast(AMOUNT),
            stored_line_net=net,
            cost=net if member == "ECOTAXE" else NOTHING,
            origin=pl.lit("header"),
        ).filter(pl.col("stored_line_net") != 0)
        for member, net in members.items()
    ]
    return pl.concat(frames)
