"""What to order (KPI 61), and who runs out before it comes: lead times, what is due, safety stock, recommendation.

The day of a partition before the capture has no position: EBP tells what is ordered, and every threshold, of today only.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth import purchases, stock
from ebp_lakehouse_tests.truth.chain import transfers
from ebp_lakehouse_tests.truth.values import AMOUNT, NOTHING, Bronze, amount, cents, code, total

DEMAND_DAYS, SUPPLY_DAYS, REVIEW_DAYS, MARGIN_DAYS = 180, 90, 30, 7
RECEIPTS, USUAL_LEAD_TIME, SERVICE_LEVEL = 10, 14.0, 1.645
PAIR = ["item", "storehouse"]


def _told(column: str) -> pl.Expr:
    """A quantity that EBP holds as 0 where nobody set it."""
    return pl.when(amount(column) != 0).then(amount(column))


def _terms(bronze: Bronze) -> pl.DataFrame:
    """One row per item: who supplies it in the main, within what days, and in what quantities he takes orders.

    The supplier is the one that is marked (of several, the first code), else the item's own. The terms are those of that
    supplier for that item, marked or not.
    """
    offers = bronze["SupplierItem"].select(
        item=code("ItemId"), supplier=code("SupplierId"), is_main=pl.col("MainSupplier").fill_null(value=False),
        delay=pl.when(pl.col("DeliveryDelay") > 0).then(pl.col("DeliveryDelay").cast(pl.Float64)),
        least=_told("PurchaseOrderMinimumQuantity"), multiple=_told("PurchaseOrderMultipleQuantity"),
    ).sort("is_main", "supplier", descending=[True, False])  # fmt: skip
    marked = (
        offers.filter("is_main").unique("item", keep="first", maintain_order=True).select("item", marked="supplier")
    )
    items = bronze["Item"].select(item=code("Id"), own=code("SupplierId")).join(marked, on="item", how="left")
    main = items.select("item", supplier=pl.coalesce("marked", "own"))
    own_terms = offers.drop("is_main").unique(["item", "supplier"], keep="first", maintain_order=True)
    return main.join(own_terms, on=["item", "supplier"], how="left")


def lead_times(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per item: median days from order to receipt of the main supplier's last receipts, else his delay, else 14.

    A receipt is a line that brought goods and was made from an order (of several, the first one); one that is dated before
    its order tells nothing of a delay. Of an item without a main supplier everybody's receipts tell. Assumed: which of the
    receipts of one day are among the last ten makes no difference.
    """
    orders = purchases.goods_lines(bronze, as_of).filter(pl.col("kind") == "Order")
    ordered = transfers(bronze).join(orders, left_on="origin", right_on="line").group_by(line="target").agg(
        ordered=pl.col("day").min()
    )  # fmt: skip
    terms = _terms(bronze)
    came = (
        purchases.goods_lines(bronze, as_of)
        .filter(pl.col("brought") > 0)
        .join(ordered, on="line")
        .join(terms, on="item")
    )
    is_of_main = pl.col("supplier_right").is_null() | (pl.col("supplier") == pl.col("supplier_right"))
    measured = (
        came.filter(is_of_main & (pl.col("day") >= pl.col("ordered")))
        .sort("day", descending=True)
        .group_by("item", maintain_order=True)
        .head(RECEIPTS)
        .group_by("item")
        .agg(measured=(pl.col("day") - pl.col("ordered")).dt.total_days().median())
    )
    lead_time = pl.coalesce("measured", "delay", pl.lit(USUAL_LEAD_TIME))
    return terms.join(measured, on="item", how="left").select("item", "least", "multiple", lead_time_days=lead_time)


def due(bronze: Bronze, as_of: date, lead: pl.DataFrame) -> pl.DataFrame:
    """One row per pair: what order lines that are open on the evening bring within the lead time, in the stock's unit.

    Open: less than 98 % came by then. What an order that was closed short never brought is not waited for on any evening:
    EBP does not tell when it was closed. A line without storehouse comes to that of the order, else to the main one.
    """
    main = pl.lit(bronze["Storehouse"].filter(pl.col("Main"))["Id"].min(), dtype=pl.String)
    headers = bronze["PurchaseDocument"].select(
        id="Id", of_order="StorehouseId", closed=pl.col("CloseOrderToReplenishment").fill_null(value=False)
    )
    lines = bronze["PurchaseDocumentLine"].select(
        line="Id", of_line="StorehouseId",
        conversion=pl.coalesce(_told("SalePurchaseConversionRate"), pl.lit(1).cast(AMOUNT)),
    )  # fmt: skip
    ordered = purchases.order_lines(bronze, as_of).join(headers, on="id").join(lines, on="line").join(lead, on="item")
    waits = pl.col("all_came").is_not_null() | ~pl.col("closed")
    is_open = (pl.col("day") <= as_of) & (pl.col("all_came").is_null() | (pl.col("all_came") > as_of)) & waits
    in_time = (pl.col("promised_day") - pl.lit(as_of)).dt.total_days() <= pl.col("lead_time_days")
    left = (pl.col("quantity") - pl.col("received").fill_null(NOTHING)) * pl.col("conversion")
    return (
        ordered.filter(is_open & in_time)
        .group_by("item", storehouse=pl.coalesce("of_line", "of_order", main))
        .agg(due_quantity=total(left.clip(lower_bound=0)).cast(pl.Float64))
    )


def spread(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """One row per pair with demand in 180 days: mean and population spread of a day's demand, days without included."""
    by_day = (
        stock.movements(bronze)
        .filter(
            stock.is_demand(bronze) & (pl.col("day") <= as_of) & (pl.col("day") > pl.lit(as_of).dt.offset_by("-180d"))
        )
        .group_by(*PAIR, "day")
        .agg(asked=-total(pl.col("quantity")).cast(pl.Float64))
    )
    mean = pl.col("asked").sum().over(PAIR) / DEMAND_DAYS
    squares = ((pl.col("asked") - pl.col("mean")) ** 2).sum()
    of_quiet_days = (DEMAND_DAYS - pl.len()) * pl.col("mean").first() ** 2
    return by_day.with_columns(mean=mean).group_by(PAIR).agg(
        pl.col("mean").first(), spread=((squares + of_quiet_days) / DEMAND_DAYS).sqrt()
    )  # fmt: skip


def _pairs(bronze: Bronze, as_of: date, *, is_captured: bool) -> pl.DataFrame:
    """One row per pair of the evening: its stock, demand, lead time, what is due, and of the capture what EBP holds of it."""
    lead = lead_times(bronze, as_of)
    held = stock.captured(bronze) if is_captured else stock.on_hand(bronze, as_of)
    issued = stock.movements(bronze).filter(
        stock.is_demand(bronze) & (pl.col("day") <= as_of) & (pl.col("day") > pl.lit(as_of).dt.offset_by("-90d"))
    ).group_by(PAIR).agg(issued=-total(pl.col("quantity")).cast(pl.Float64))  # fmt: skip
    holds = bronze["StockItem"].select(
        item=code("ItemId"), storehouse="StorehouseId", most=amount("MaxStock").cast(pl.Float64),
        reorder_point=pl.coalesce(_told("StockToOrderThreshold"), _told("MinStock")).cast(pl.Float64),
        coming=(amount("SuppliersOrderedQuantity") - amount("OrderedQuantity")).cast(pl.Float64),
        average=amount("Pump").cast(pl.Float64),
    )  # fmt: skip
    if not is_captured:
        holds = holds.with_columns(pl.lit(None, pl.Float64).alias(name) for name in holds.columns if name not in PAIR)
    frame = held.join(holds, on=PAIR).join(lead, on="item")
    for part in (issued, spread(bronze, as_of), due(bronze, as_of, lead)):
        frame = frame.join(part, on=PAIR, how="left")
    nothing = pl.col("issued", "mean", "spread", "due_quantity").fill_null(0.0)
    available = pl.col("quantity_available") if is_captured else pl.col("quantity_on_hand")
    return frame.with_columns(nothing, available=available).with_columns(
        pl.col("mean").clip(lower_bound=0),
        safety_stock=SERVICE_LEVEL * pl.col("spread") * pl.col("lead_time_days").sqrt(),
    )


def _risk() -> pl.Expr:
    """What is due within the lead time counts as available; without issues of 90 days there is no end of supply."""
    left, lead, point = pl.col("available") + pl.col("due_quantity"), pl.col("lead_time_days"), pl.col("reorder_point")
    days = pl.when(pl.col("issued") > 0).then(left * SUPPLY_DAYS / pl.col("issued")).otherwise(float("inf"))
    return (
        pl.when((pl.col("issued") <= 0) & (pl.col("mean") <= 0) & point.is_null()).then(pl.lit(None, pl.String))
        .when((left <= 0) | (days < lead)).then(pl.lit("High"))
        .when((days < lead + MARGIN_DAYS) | (left <= point)).then(pl.lit("Medium"))
        .otherwise(pl.lit("Low"))
    )  # fmt: skip


def _recommendation() -> pl.Expr:
    """Fills the position to the larger target, at least the supplier's minimum, in his multiples; whole units without.

    Assumed: minimum and multiple count the stock's unit, as no conversion of them is known; what is not replenished today is
    not to be ordered on any evening, and of the others nobody knows before the capture.
    """
    position = pl.col("quantity_on_hand") + pl.col("coming")
    needed = pl.col("mean") * pl.col("lead_time_days") + pl.col("safety_stock")
    target = pl.max_horizontal("most", needed + pl.col("mean") * REVIEW_DAYS)
    least, multiple = (pl.col(name).cast(pl.Float64) for name in ("least", "multiple"))
    wanted = pl.max_horizontal(target - position, least.fill_null(0.0))
    step = multiple.fill_null(1.0)
    # To six digits first: 30 - 29.9 is a little more than one tenth as a float, and not two of them.
    quantity = (wanted / step).round(6).ceil() * step
    is_below = (position <= pl.coalesce("reorder_point", needed)) & (target > position)
    return (
        pl.when(~pl.col("is_replenished")).then(0.0)
        .when(position.is_null()).then(None)
        .when(is_below).then(quantity)
        .otherwise(0.0)
    )  # fmt: skip


def recommended(bronze: Bronze, as_of: date, *, is_captured: bool) -> pl.DataFrame:
    """One row per pair of the evening: lead time, due, safety, risk; of the capture threshold, recommendation and cost."""
    is_replenished = (
        (pl.col("ActiveState").fill_null(0) == 0)
        & ~pl.col("IsManagedByCounterMark").fill_null(value=False)
        & code("ReplacementItem").is_null()
    )
    items = bronze["Item"].select(
        item=code("Id"), is_replenished=is_replenished, price=_told("PurchasePrice").cast(pl.Float64)
    )
    frame = _pairs(bronze, as_of, is_captured=is_captured).join(items, on="item")
    frame = frame.with_columns(stock_out_risk_level=_risk(), reorder_recommendation=_recommendation())
    asked = pl.col("reorder_recommendation")
    cost = pl.when(asked > 0).then(asked * pl.coalesce("price", "average")).otherwise(asked)
    return frame.select(
        *PAIR, "lead_time_days", "due_quantity", "safety_stock", "reorder_point", "reorder_recommendation",
        "stock_out_risk_level", recommended_cost=cents(cost.round(6)),
    )  # fmt: skip


def to_order(bronze: Bronze, as_of: date, *, is_captured: bool) -> pl.DataFrame:
    """One row: how many pairs are to be ordered, and at what cost; before the capture nobody knows."""
    pairs = recommended(bronze, as_of, is_captured=is_captured)
    is_asked = pl.col("reorder_recommendation") > 0
    known = pl.lit(is_captured)
    return pairs.select(
        date_id=pl.lit(int(f"{as_of:%Y%m%d}")),
        items_to_order_count=pl.when(known).then(is_asked.sum()),
        items_to_order_cost=pl.when(known).then(pl.col("recommended_cost").sum().round(2)),
    )
