"""Purchases per month, and how suppliers deliver (semantics §3, §5)."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.chain import transfers
from ebp_lakehouse_tests.truth.saledocuments import counted_lines, with_signs
from ebp_lakehouse_tests.truth.sales import period_start
from ebp_lakehouse_tests.truth.values import AMOUNT, NOTHING, Bronze, amount, cents, code, day, ratio, total

KINDS = {1: "Quote", 2: "Invoice", 3: "CreditNote", 6: "Receipt", 7: "Return", 8: "Order"}
IN_FULL = pl.lit("0.98").cast(pl.Decimal(38, 8))
DEFECTS_WORTH_NOTHING, PERCENT_WORTH_NOTHING, JUDGED_LINES = 0.05, 10.0, 5


def documents(bronze: Bronze) -> pl.DataFrame:
    """One row per purchase document: id, kind, day, supplier, signed net and VAT, promised day of the whole."""
    frame = bronze["PurchaseDocument"].select(
        id="Id",
        kind=pl.col("DocumentType").replace_strict(KINDS, default="Other", return_dtype=pl.String),
        day=day("DocumentDate"),
        supplier=code("SupplierId"),
        stored_net=amount("AmountVatExcludedWithDiscountAndShipping"),
        stored_tax=amount("VatAmount"),
        promised=day("DeliveryDate"),
    )
    known = bronze["Supplier"].select(code("Id"))["Id"].implode()
    who = (
        pl.when(pl.col("supplier").is_null())
        .then(pl.lit("(unknown)"))
        .when(pl.col("supplier").is_in(known))
        .then("supplier")
    )
    return with_signs(frame, ["CreditNote", "Return"]).with_columns(
        net=pl.col("stored_net") * pl.col("sign"),
        tax=pl.col("stored_tax") * pl.col("sign"),
        supplier_row=who.otherwise(pl.lit("(orphan)")),
    )


def monthly(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Invoices less credit notes per month, by the headers."""
    spent = documents(bronze).filter(pl.col("kind").is_in(["Invoice", "CreditNote"]) & (pl.col("day") <= as_of))
    return spent.group_by(period=pl.col("day").dt.strftime("%Y-%m")).agg(purchases_excl_tax=total(pl.col("net"))).with_columns(
        cents(pl.col("purchases_excl_tax"))
    )  # fmt: skip


def order_lines(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per counted order line: when it was promised, when something and when 98 % came, how much by ``as_of``."""
    headers = documents(bronze)
    lines = counted_lines(bronze["PurchaseDocumentLine"]).select(
        line="Id", id="DocumentId", item=code("ItemId"), promised_line=day("DeliveryDate"), quantity=_quantity()
    )
    delays = bronze["SupplierItem"].select(
        item=code("ItemId"), supplier=code("SupplierId"), delay=pl.col("DeliveryDelay").cast(pl.Int64)
    ).filter(pl.col("delay") > 0).group_by("item", "supplier").agg(pl.col("delay").max())  # fmt: skip
    ordered = lines.join(headers.filter(pl.col("kind") == "Order"), on="id").join(
        delays, on=["item", "supplier"], how="left"
    )
    by_delay = pl.col("day") + pl.duration(days=pl.col("delay"))
    ordered = ordered.with_columns(promised_day=pl.coalesce("promised_line", "promised", by_delay))
    return ordered.join(arrivals(bronze, lines, headers, ordered, "Receipt", as_of), on="line", how="left")


def goods_lines(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per counted line up to ``as_of``, signed: net, quantity in the stock's unit, what it brought and took back."""
    headers = documents(bronze).filter(pl.col("day") <= as_of)
    conversion = pl.col("SalePurchaseConversionRate").cast(AMOUNT)
    lines = counted_lines(bronze["PurchaseDocumentLine"]).select(
        line="Id", id="DocumentId", item=code("ItemId"), quantity=_quantity(),
        line_net=amount("RealNetAmountVatExcludedWithDiscount"),
        conversion=pl.when(conversion != 0).then(conversion).otherwise(pl.lit(1).cast(AMOUNT)),
    ).join(documents(bronze).select("id", "kind"), on="id")  # fmt: skip
    origins = transfers(bronze).join(lines.select("line", "kind"), left_on="origin", right_on="line")
    made_of = origins.group_by(line="target").agg(
        of_receipt=(pl.col("kind") == "Receipt").any(), of_return=(pl.col("kind") == "Return").any()
    )
    goods = lines.drop("kind").join(headers, on="id").join(made_of, on="line", how="left")
    quantity = pl.col("quantity") * pl.col("sign")
    brings = (pl.col("kind") == "Receipt") | (
        (pl.col("kind") == "Invoice") & ~pl.col("of_receipt").fill_null(value=False)
    )
    takes = (pl.col("kind") == "Return") | (
        (pl.col("kind") == "CreditNote") & ~pl.col("of_return").fill_null(value=True)
    )
    return goods.with_columns(
        net=pl.col("line_net") * pl.col("sign"), pieces=(quantity * pl.col("conversion")).cast(pl.Float64),
        brought=pl.when(brings).then(quantity).otherwise(NOTHING),
        taken=pl.when(takes).then(-quantity).otherwise(NOTHING),
    )  # fmt: skip


def _prices(goods: pl.DataFrame, start: date) -> pl.DataFrame:
    """Per supplier, in percent: what its invoiced items cost against their mean over all suppliers in the year before each."""
    bought = goods.filter((pl.col("kind") == "Invoice") & pl.col("item").is_not_null() & (pl.col("pieces") > 0))
    before = bought.select("item", day_before="day", net_before="net", pieces_before="pieces")
    market = bought.filter(pl.col("day") >= start).join(before, on="item").filter(
        (pl.col("day_before") < pl.col("day")) & (pl.col("day_before") >= pl.col("day").dt.offset_by("-12mo"))
    ).group_by("line", "supplier_row", "net", "pieces").agg(
        usual=pl.col("net_before").cast(pl.Float64).sum() / pl.col("pieces_before").sum()
    ).filter(pl.col("usual") > 0)  # fmt: skip
    paid, usual = pl.col("net").cast(pl.Float64).sum(), (pl.col("pieces") * pl.col("usual")).sum()
    return market.group_by("supplier_row").agg(price_variance_percent=(paid - usual) / usual * 100)


def price_index(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Per month what its purchases cost against the prices of a year before (the last known by then), item by supplier."""
    bought = goods_lines(bronze, as_of).filter(
        (pl.col("kind") == "Invoice")
        & (pl.col("pieces") > 0)
        & pl.col("item").is_not_null()
        & pl.col("supplier").is_not_null()
    )
    months = (
        bought.group_by("item", "supplier", month=pl.col("day").dt.month_start())
        .agg(net=total(pl.col("net")), pieces=pl.col("pieces").sum())
        .with_columns(price=pl.col("net").cast(pl.Float64) / pl.col("pieces"), spent=cents(pl.col("net")))
        .sort("month")
    )
    earlier = months.select("item", "supplier", month="month", before="price")
    compared = months.with_columns(year_before=pl.col("month").dt.offset_by("-12mo")).sort("year_before").join_asof(
        earlier.sort("month"), left_on="year_before", right_on="month", by=["item", "supplier"], strategy="backward",
        check_sortedness=False,
    )  # fmt: skip
    known = compared.filter((pl.col("before") > 0) & (pl.col("price") > 0))
    return known.group_by(period=pl.col("month").dt.strftime("%Y-%m")).agg(
        purchase_price_index=pl.col("spent").sum() / (pl.col("spent") * pl.col("before") / pl.col("price")).sum() * 100
    )


def _scored(frame: pl.DataFrame) -> pl.DataFrame:
    """The score of 100: OTIF 40, defects 30, price 20, regularity 10; what is not known has no weight (V12)."""
    spread = pl.col("lead_time_std_days") / pl.col("avg_lead_time_days")
    parts = {
        40: pl.col("on_time_delivery_rate"),
        30: 1 - (pl.col("quality_defect_rate") / DEFECTS_WORTH_NOTHING).clip(upper_bound=1),
        20: 1 - (pl.col("price_variance_percent") / PERCENT_WORTH_NOTHING).clip(0, 1),
        10: pl.when(pl.col("avg_lead_time_days") > 0).then(1 - spread.clip(upper_bound=1))
        .when(pl.col("avg_lead_time_days") == 0).then(1.0),
    }  # fmt: skip
    reached = pl.sum_horizontal((weight * part).fill_null(0) for weight, part in parts.items())
    known = pl.sum_horizontal(part.is_not_null().cast(pl.Int64) * weight for weight, part in parts.items())
    score = pl.when(pl.col("due_lines_count") >= JUDGED_LINES).then(100 * reached / known)
    return frame.with_columns(pl.col("lead_time_std_days").round(4), supplier_score=score.round(4))


def _quantity() -> pl.Expr:
    return pl.when(amount("RealQuantity") != 0).then(amount("RealQuantity")).otherwise(amount("Quantity"))


def arrivals(
    bronze: Bronze, lines: pl.DataFrame, headers: pl.DataFrame, ordered: pl.DataFrame, kind: str, as_of: date
) -> pl.DataFrame:
    """Per order line: received by ``as_of``, first_came, all_came, by ``kind``; by invoices only where a line has none."""
    came = (
        transfers(bronze)
        .join(lines.select("line", "id"), left_on="target", right_on="line")
        .join(headers.select("id", "kind", came="day"), on="id")
        .filter(pl.col("kind").is_in([kind, "Invoice"]))
    )
    has_receipt = (pl.col("kind") == kind).any().over("origin")
    came = came.filter((pl.col("kind") == kind) | ~has_receipt)
    came = came.join(ordered.select("line", needed="quantity"), left_on="origin", right_on="line").sort(
        "origin", "came"
    )
    so_far = pl.col("quantity").cum_sum().over("origin")
    full = came.with_columns(full=so_far >= IN_FULL * pl.col("needed"))
    return full.group_by(line="origin").agg(
        received=total(pl.col("quantity").filter(pl.col("came") <= as_of)),
        first_came=pl.col("came").min(),
        all_came=pl.col("came").filter("full").min(),
    )


def suppliers(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """The twelve months to ``as_of`` per supplier with a document: orders, spend, deliveries, defects, prices, score."""
    headers = documents(bronze).filter(pl.col("day") <= as_of)
    start = period_start(as_of, 12)
    recent = pl.col("day") >= start
    frame = headers.group_by("supplier_row").agg(
        total_orders_count=((pl.col("kind") == "Order") & recent).sum(),
        total_amount=total(pl.col("net").filter(recent & pl.col("kind").is_in(["Invoice", "CreditNote"]))),
    )
    due = order_lines(bronze, as_of).filter(
        (pl.col("day") <= as_of) & pl.col("promised_day").is_between(start, as_of) & (pl.col("quantity") > 0)
    )
    quantity = pl.col("quantity").cast(pl.Float64)
    complete = (pl.col("all_came") <= as_of).fill_null(value=False)
    days = (pl.col("all_came") - pl.col("day")).dt.total_days()
    timed = complete & (days >= 0)  # what came before it was ordered tells no delay
    judged = due.group_by("supplier_row").agg(
        due_lines_count=pl.len(),
        on_time_delivery_rate=(pl.col("all_came") <= pl.col("promised_day")).fill_null(value=False).mean(),
        on_time_rate=(pl.col("first_came") <= pl.col("promised_day")).fill_null(value=False).mean(),
        in_full_rate=complete.mean(),
        line_fill_rate=total(pl.min_horizontal(pl.col("received").fill_null(NOTHING), "quantity")).cast(pl.Float64)
        / quantity.sum(),
        avg_lead_time_days=(quantity * days).filter(timed).sum()
        / pl.when(timed.any()).then(quantity.filter(timed).sum()),
    )
    mean = (quantity * days).sum().over("supplier_row") / quantity.sum().over("supplier_row")
    spread = due.filter(timed).with_columns(square=(days - mean).pow(2)).group_by("supplier_row").agg(
        lead_time_std_days=((quantity * pl.col("square")).sum() / quantity.sum()).sqrt()
    )  # fmt: skip
    goods = goods_lines(bronze, as_of)
    defects = goods.filter(pl.col("day") >= start).group_by("supplier_row").agg(
        quality_defect_rate=ratio(total(pl.col("taken")), total(pl.col("brought")))
    )  # fmt: skip
    for part in (judged, spread, defects, _prices(goods, start)):
        frame = frame.join(part, on="supplier_row", how="left")
    return _scored(
        frame.with_columns(cents(pl.col("total_amount")), due_lines_count=pl.col("due_lines_count").fill_null(0))
    )
