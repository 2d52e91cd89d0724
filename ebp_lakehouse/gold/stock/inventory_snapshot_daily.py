"""Contract of ``gold.inventory_snapshot_daily``: the formulas of its columns; the .sql of the same name computes them."""

from __future__ import annotations

import pandera.polars as pa
import polars as pl
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import Kpi, Money, Quantity, described, optional
from ebp_lakehouse.gold.contract import GoldTable


class InventorySnapshotDaily(pa.DataFrameModel):
    """One row per day, item managed in stock and storehouse; semi-additive: never sum quantities or values over days."""

    date_id: Series[pl.Int32] = described("The day; figures are those of its evening.", "Date", "YYYYMMDD", ge=19000101)
    product_key: Series[str] = described("Version of the item on that day.", "Article (clé)", "")
    product_id: Series[str] = described("Durable id of the item.", "Article", "")
    warehouse_key: Series[str] = described("Storehouse.", "Dépôt (clé)", "")
    warehouse_id: Series[str] = described("EBP identifier of the storehouse.", "Dépôt", "")
    quantity_on_hand: Series[Quantity] = described("Stock of the evening.", "Stock réel", "stock unit")
    quantity_reserved: Series[Quantity] = optional(
        "Booked for customers; NULL before the first capture of the stock.", "Réservé", "stock unit"
    )
    quantity_available: Series[Quantity] = described("On hand - reserved.", "Disponible", "stock unit")
    reorder_point: Series[Quantity] = optional(
        "Threshold at which EBP proposes to order (StockToOrderThreshold, else MinStock); NULL = none, or not captured.",
        "Seuil de réapprovisionnement",
        "stock unit",
    )
    stock_value: Series[Money] = described(
        "On hand at the average cost (PUMP) in force.",
        "Valeur du stock",
        "EUR",
        kpi=Kpi(51, "Stock value", "Valeur de stock (PUMP)", ("fact_inventory.stock_value",)),
    )
    days_of_supply: Series[float] = optional(
        "Available / mean daily issue of the last parameter supply_days; 0 when nothing is available; NULL without issue.",
        "Couverture",
        "days",
        kpi=Kpi(
            53, "Days of supply", "Couverture", ("fact_inventory.quantity_available", "fact_inventory.mean_daily_issue")
        ),
    )
    stock_out_risk_level: Series[str] = optional(
        "Available and due within the lead time: High at 0 or below, or less days of supply than the lead time; Medium "
        "below lead time + parameter risk_margin_days, or at the threshold; else Low; NULL with neither demand (over "
        "supply_days or demand_days) nor threshold.",
        "Risque de rupture",
        "",
        isin=["High", "Medium", "Low"],
    )
    reorder_recommendation: Series[Quantity] = optional(
        "When on hand - ordered by customers + on order at suppliers is at or below the threshold (else demand of the lead "
        "time + safety stock): what fills it to the larger of the maximum and the demand of lead time + review_days + "
        "safety, at least the supplier's minimum, in his multiples (whole units without). 0 for items that are not "
        "replenished; NULL before the first capture.",
        "Quantité à commander",
        "stock unit",
        kpi=Kpi(
            61,
            "Items below reorder point, quantity",
            "Articles sous seuil (quantité)",
            (
                "fact_inventory.reorder_point",
                "fact_inventory.on_order_suppliers",
                "dim_product.order_multiple_quantity",
            ),
        ),
        ge=0,
    )
    recommended_cost: Series[Money] = optional(
        "That quantity at the purchase price, else the average cost.", "Coût à commander", "EUR"
    )
    lead_time_days: Series[float] = described(
        "Median of the last receipts of the item from its main supplier (parameter lead_time_receipts; not of those dated "
        "before their order), else the supplier's delay, else parameter default_lead_time_days.",
        "Délai d'approvisionnement",
        "days",
        ge=0,
    )
    demand_per_day: Series[float] = described(
        "Mean demand over parameter demand_days, returns taken off, days without demand included; 0 where more came back "
        "than left.",
        "Demande par jour",
        "stock unit per day",
        ge=0,
    )
    safety_stock: Series[float] = described(
        "Parameter service_level_z x standard deviation of the daily demand x square root of the lead time.",
        "Stock de sécurité",
        "stock unit",
        ge=0,
    )
    due_quantity: Series[Quantity] = described(
        "Open supplier order lines promised within the lead time, late ones included.",
        "Attendu sous délai",
        "stock unit",
        ge=0,
    )
    stock_out_days: Series[pl.Int64] = described(
        "Days of the last 12 months with nothing on hand, of an item that is in demand.",
        "Jours de rupture",
        "days",
        ge=0,
        kpi=Kpi(55, "Stock-out days", "Jours de rupture", ("fact_inventory.quantity_on_hand",)),
    )
    last_issue_date: Series[pl.Date] = optional("Day of the last demand.", "Dernière sortie", "date")
    is_dead_stock: Series[bool] = described(
        "On hand, without demand for parameter dead_stock_months, and its first entry is older than that. Stock without an entry "
        "(taken over when EBP was introduced) was there before the first movement that is known of any item.",
        "Stock dormant",
        "",
    )
    excess_value: Series[Money] = described(
        "Value of what exceeds the demand of parameter excess_stock_months, or the maximum where it is higher.",
        "Surstock",
        "EUR",
    )


INVENTORY_SNAPSHOT_DAILY = GoldTable(
    name="inventory_snapshot_daily",
    description="Stock of each day per item and storehouse: value, cover, risk of running out, what to order.",
    key=("date_id", "product_key", "warehouse_key"),
    model=InventorySnapshotDaily,
    silver=(
        "dim_date",
        "dim_product",
        "dim_warehouse",
        "fact_inventory",
        "fact_purchase_receipts",
        "fact_purchases",
        "fact_stock_movements",
    ),
    owners=("team:achats",),
    kind="daily",
)
