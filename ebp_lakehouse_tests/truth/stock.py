"""Stock of an evening per item and storehouse: today's as EBP has it, a past one with later movements taken back."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from ebp_lakehouse_tests.truth.values import AMOUNT, NOTHING, Bronze, amount, cents, code, day, total

# Types and sub-types of movements: those that serve a customer or are consumed, what an inventory finds, and the others that
# the seed knows. Of a pair that is none of these the document tells: what a sale document moves is demand.
DEMAND, INVENTORY, OTHERS = [(1, 4), (1, 5), (0, 5)], (0, 8), [(0, 2), (1, 6), (0, 6)]


def movements(bronze: Bronze) -> pl.DataFrame:
    """One row per movement, entries positive: by the step that the stock makes, which is the truth about the direction."""
    frame = bronze["StockMovement"].select(
        id="Id", item=code("ItemId"), storehouse="StorehouseId", day=day("DocumentDate"), order="DocumentOrder",
        type="DocumentType", sub_type="DocumentSubType", stored=amount("Quantity"), after=amount("RealStock"),
        pump=amount("Pump"), cost=amount("Cost"), document="DocumentId",
    ).sort("item", "storehouse", "day", "order", "id")  # fmt: skip
    step = pl.col("after") - pl.col("after").shift(1, fill_value=NOTHING).over("item", "storehouse")
    told = pl.when((pl.col("stored") != 0) & (step.abs() == pl.col("stored").abs())).then(
        pl.when(step == pl.col("stored")).then(1).otherwise(-1)
    )  # fmt: skip
    frame = frame.with_columns(direction=told)
    usual = pl.col("direction").mean().over("type", "sub_type")
    direction = pl.when(usual > 0).then(1).when(usual < 0).then(-1).otherwise(1).cast(AMOUNT)
    return frame.with_columns(quantity=pl.col("stored") * direction)


def on_hand(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Pairs that exist on ``as_of`` (a movement by then, or stock): quantity and value at the average cost in force."""
    return _on_hand(bronze, as_of).with_columns(cents(pl.col("stock_value")))


def _on_hand(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """The same, the value not rounded."""
    managed = bronze["Item"].filter(pl.col("ManageStock")).select(item=code("Id"))
    held = bronze["StockItem"].filter(pl.col("StorageEnable")).select(
        item=code("ItemId"), storehouse="StorehouseId", stored=amount("RealStock")
    ).join(managed, on="item", how="semi")  # fmt: skip
    moved = movements(bronze)
    pair = ["item", "storehouse"]
    later = moved.filter(pl.col("day") > as_of).group_by(pair).agg(later=total(pl.col("quantity")))
    before = moved.filter(pl.col("day") <= as_of).sort("day", "order", "id").group_by(pair).agg(
        pump=pl.col("pump").last(), movements=pl.len()
    )  # fmt: skip
    frame = held.join(later, on=pair, how="left").join(before, on=pair, how="left").with_columns(
        quantity=pl.col("stored") - pl.col("later").fill_null(NOTHING)
    )  # fmt: skip
    exists = pl.col("movements").is_not_null() | (pl.col("quantity") != 0)
    return frame.filter(exists).select(
        *pair, quantity_on_hand=pl.col("quantity").cast(pl.Float64), stock_value=pl.col("quantity") * pl.col("pump")
    )  # fmt: skip


def captured(bronze: Bronze) -> pl.DataFrame:
    """Today's stock as EBP stores it, of the pairs that ever moved or hold something: quantity, booked, available, value."""
    managed = bronze["Item"].filter(pl.col("ManageStock")).select(item=code("Id"))
    moved = bronze["StockMovement"].select(item=code("ItemId"), storehouse="StorehouseId", moved=True).unique()
    frame = bronze["StockItem"].filter(pl.col("StorageEnable")).select(
        item=code("ItemId"), storehouse="StorehouseId", quantity_on_hand=amount("RealStock").cast(pl.Float64),
        quantity_reserved=amount("BookedQuantity").cast(pl.Float64),
        quantity_available=(amount("RealStock") - amount("BookedQuantity")).cast(pl.Float64),
        stock_value=cents(amount("StockValue")),
    ).join(managed, on="item", how="semi").join(moved, on=["item", "storehouse"], how="left")  # fmt: skip
    return frame.filter(pl.col("moved").is_not_null() | (pl.col("quantity_on_hand") != 0)).drop("moved")


def _is(kinds: list[tuple[int, int]]) -> pl.Expr:
    return pl.any_horizontal((pl.col("type") == kind) & (pl.col("sub_type") == sub) for kind, sub in kinds)


def is_demand(bronze: Bronze) -> pl.Expr:
    sold = pl.col("document").is_in(bronze["SaleDocument"]["Id"].implode())
    return _is(DEMAND) | (sold & ~_is([*DEMAND, INVENTORY, *OTHERS]))


def demanded(bronze: Bronze, as_of: date, *, has_thresholds: bool) -> pl.DataFrame:
    """Demand a day of every pair over 180 days, and whether a risk of running out is told: by demand or by a threshold.

    Thresholds are those of the capture: of an earlier day none is known.
    """
    demand = is_demand(bronze)
    left = movements(bronze).filter(demand & (pl.col("day") <= as_of)).group_by("item", "storehouse").agg(
        left_180=-total(pl.col("quantity").filter(pl.col("day") > as_of - timedelta(days=180))),
        left_90=-total(pl.col("quantity").filter(pl.col("day") > as_of - timedelta(days=90))),
    )  # fmt: skip
    has_threshold = (amount("StockToOrderThreshold") != 0) | (amount("MinStock") != 0)
    pairs = bronze["StockItem"].select(
        item=code("ItemId"), storehouse="StorehouseId", has_threshold=has_threshold & has_thresholds
    )
    demanded = pairs.join(left, on=["item", "storehouse"], how="left").with_columns(
        pl.col("left_180", "left_90").fill_null(NOTHING)
    )  # fmt: skip
    return demanded.select(
        "item", "storehouse", demand_per_day=pl.col("left_180").cast(pl.Float64).clip(0) / 180,
        is_risk_told=pl.col("has_threshold") | (pl.col("left_180") > 0) | (pl.col("left_90") > 0),
    )  # fmt: skip


def supply(bronze: Bronze, as_of: date, *, is_captured: bool) -> pl.DataFrame:
    """Pairs of an evening: days that the available pieces last, by the issues of 90 days, and what lies beyond a year's need.

    What is booked, and the maximum of an item, are known of the capture only.
    """
    pairs = captured(bronze) if is_captured else _on_hand(bronze, as_of)
    available = pl.col("quantity_available") if is_captured else pl.col("quantity_on_hand")
    year = pl.Series([as_of]).dt.offset_by("-12mo").item()
    demand = is_demand(bronze)
    left = movements(bronze).filter(demand & (pl.col("day") <= as_of)).group_by("item", "storehouse").agg(
        issued=-total(pl.col("quantity").filter(pl.col("day") > as_of - timedelta(days=90))),
        of_a_year=-total(pl.col("quantity").filter(pl.col("day") > year)),
    )  # fmt: skip
    most = bronze["StockItem"].select(
        item=code("ItemId"), storehouse="StorehouseId", most=amount("MaxStock") if is_captured else NOTHING
    )
    frame = pairs.join(left, on=["item", "storehouse"], how="left").join(most, on=["item", "storehouse"], how="left")
    frame = frame.with_columns(
        pl.col("issued", "of_a_year", "most", "stock_value").fill_null(0).cast(pl.Float64), available=available
    )
    held = pl.col("quantity_on_hand")
    beyond = (held - pl.max_horizontal(pl.lit(0.0), "of_a_year", "most")).clip(lower_bound=0)
    return frame.select(
        "item",
        "storehouse",
        days_of_supply=pl.when(pl.min_horizontal(held, "available") <= 0)
        .then(0.0)
        .when(pl.col("issued") > 0)
        .then(pl.col("available") * 90 / pl.col("issued")),
        excess_value=cents(pl.when(held > 0).then(pl.col("stock_value") * beyond / held).otherwise(0.0)),
    )


def turnover(bronze: Bronze, as_of: date, captured_on: date, kept_days: int) -> pl.DataFrame:
    """Items whose stock is managed: cost of what was issued in twelve months / mean value of their thirteen last evenings.

    An evening that is not kept is that of the month's end before it.
    """
    year = pl.Series([as_of]).dt.offset_by("-12mo").item()
    month_ends = [pl.Series([as_of]).dt.offset_by(f"-{n}mo").dt.month_end().item() for n in range(1, 13)]
    is_kept = (captured_on - as_of).days < kept_days or as_of == pl.Series([as_of]).dt.month_end().item()
    today = as_of if is_kept else month_ends[0]
    values = [
        (captured(bronze) if evening >= captured_on else _on_hand(bronze, evening)).select(
            "item", pl.col("stock_value").fill_null(0).cast(pl.Float64)
        )
        for evening in [*month_ends, today]
    ]
    mean = pl.concat(values).group_by("item").agg(mean=pl.col("stock_value").sum() / 13)
    demand = is_demand(bronze)
    cost = (
        pl.when(pl.col("cost") != 0).then(pl.col("cost").abs()).otherwise((pl.col("quantity") * pl.col("pump")).abs())
    )
    issued = movements(bronze).filter(
        demand & (pl.col("quantity") < 0) & (pl.col("day") > year) & (pl.col("day") <= as_of)
    ).group_by("item").agg(issued=total(cost).cast(pl.Float64))  # fmt: skip
    managed = bronze["Item"].filter(pl.col("ManageStock")).select(item=code("Id"))
    frame = managed.join(mean, on="item", how="left").join(issued, on="item", how="left")
    return frame.select(
        product="item",
        stock_turnover_ratio=pl.when(pl.col("mean") > 0).then(pl.col("issued").fill_null(0) / pl.col("mean")),
    )


def outs(bronze: Bronze, as_of: date, captured_on: date, kept_days: int) -> pl.DataFrame:
    """Pairs: evenings of the last twelve months without a piece, of what was asked for in them.

    Of evenings more than ``kept_days`` before the capture those that end a month are counted: the others are not kept.
    """
    year = pl.Series([as_of]).dt.offset_by("-12mo").item()
    days = pl.DataFrame({"evening": pl.date_range(year + timedelta(days=1), as_of, "1d", eager=True)})
    ends_month = pl.col("evening") == pl.col("evening").dt.month_end()
    is_kept = ends_month | ((pl.lit(captured_on) - pl.col("evening")).dt.total_days() < kept_days)
    pairs = captured(bronze) if as_of >= captured_on else on_hand(bronze, as_of)
    moved = movements(bronze).filter(pl.col("day") <= as_of)
    pair = ["item", "storehouse"]
    first = moved.group_by(pair).agg(first=pl.col("day").min())
    held = pairs.select(*pair, now=pl.col("quantity_on_hand")).join(first, on=pair, how="left")
    changes = moved.group_by(*pair, evening="day").agg(change=pl.col("quantity").sum().cast(pl.Float64))
    evenings = (
        held.join(days, how="cross")
        .filter(pl.col("first").is_null() & (pl.col("evening") == as_of) | (pl.col("evening") >= pl.col("first")))
        .join(changes, on=[*pair, "evening"], how="left")
        .sort(*pair, "evening", descending=[False, False, True])
        .with_columns(pl.col("change").fill_null(0.0))
    )
    # Going back from today: what an evening had is what the next one had, less what came in between.
    left = pl.col("now") - (pl.col("change").cum_sum() - pl.col("change")).over(pair)
    without = (
        evenings.with_columns(left=left)
        .filter(is_kept & (pl.col("left").round(6) <= 0))
        .group_by(pair)
        .agg(days=pl.len())
    )
    demand = is_demand(bronze)
    asked = moved.filter(demand & (pl.col("day") > year)).group_by(pair).agg(asked=-total(pl.col("quantity")))
    frame = held.join(without, on=pair, how="left").join(asked, on=pair, how="left")
    return frame.select(
        *pair, stock_out_days=pl.when(pl.col("asked") > 0).then(pl.col("days").fill_null(0)).otherwise(0)
    )


def dead(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Pairs that served nobody for twelve months, and whose first entry (of none: the first movement of all) is older."""
    old = pl.Series([as_of]).dt.offset_by("-12mo").item()
    moved = movements(bronze).filter(pl.col("day") <= as_of)
    demand = is_demand(bronze)
    by_day = moved.group_by("item", "storehouse", "day", demand=demand).agg(total(pl.col("quantity")))
    issues = by_day.filter(pl.col("demand") & (pl.col("quantity") < 0)).group_by("item", "storehouse").agg(
        issued=pl.col("day").max()
    )  # fmt: skip
    entries = by_day.filter(pl.col("quantity") > 0).group_by("item", "storehouse").agg(entered=pl.col("day").min())
    pairs = bronze["StockItem"].select(item=code("ItemId"), storehouse="StorehouseId")
    known = pairs.join(entries, on=["item", "storehouse"], how="left").join(
        issues, on=["item", "storehouse"], how="left"
    )
    entered = pl.coalesce("entered", pl.lit(moved.select(pl.col("day").min()).item(), dtype=pl.Date))
    return known.filter((entered <= old) & (pl.coalesce("issued", entered) <= old)).select("item", "storehouse")


def adjustments(bronze: Bronze, as_of: date) -> pl.DataFrame:
    """Every month since 2000: cost of what inventories found, losses negative; empty where no inventory is known at all."""
    found = movements(bronze).filter(_is([INVENTORY]))
    stored = pl.when(pl.col("quantity") < 0).then(-pl.col("cost").abs()).otherwise(pl.col("cost").abs())
    cost = pl.when(pl.col("cost") != 0).then(stored).otherwise(pl.col("quantity") * pl.col("pump"))
    by_month = found.filter(pl.col("day") <= as_of).group_by(period=pl.col("day").dt.strftime("%Y-%m")).agg(
        inventory_adjustment=cents(total(cost))
    )  # fmt: skip
    months = pl.DataFrame({"period": pl.date_range(date(2000, 1, 1), as_of, "1mo", eager=True).dt.strftime("%Y-%m")})
    nothing = None if found.is_empty() else 0.0
    return months.join(by_month, on="period", how="left").with_columns(
        pl.col("inventory_adjustment").fill_null(nothing)
    )
