"""Stock of an evening per item and storehouse: today's as EBP has it, a past one with later movements taken back."""

from __future__ import annotations

from datetime import date

import polars as pl

from ebp_lakehouse_tests.truth.values import AMOUNT, NOTHING, Bronze, amount, cents, code, day, total

DEMAND = [(1, 4), (1, 5), (0, 5)]  # sub-types of movements that serve a customer or are consumed


def movements(bronze: Bronze) -> pl.DataFrame:
    """One row per movement, entries positive: by the step that the stock makes, which is the truth about the direction."""
    frame = bronze["StockMovement"].select(
        id="Id", item=code("ItemId"), storehouse="StorehouseId", day=day("DocumentDate"), order="DocumentOrder",
        type="DocumentType", sub_type="DocumentSubType", stored=amount("Quantity"), after=amount("RealStock"),
        pump=amount("Pump"),
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
        *pair, quantity_on_hand=pl.col("quantity").cast(pl.Float64), stock_value=cents(pl.col("quantity") * pl.col("pump"))
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
