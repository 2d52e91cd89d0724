"""Every gold table, a table after those it uses. Not here: what they hold (one file per table, in the folder of its domain)."""

from __future__ import annotations

from ebp_lakehouse.gold.company.kpi_catalogue import kpi_catalogue
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.sales.sales_daily_kpi import SALES_DAILY_KPI
from ebp_lakehouse.gold.stock.inventory_snapshot_daily import INVENTORY_SNAPSHOT_DAILY
from ebp_lakehouse.gold.stock.purchase_price_trend import PURCHASE_PRICE_TREND
from ebp_lakehouse.gold.stock.supplier_performance import SUPPLIER_PERFORMANCE

_COMPUTED: tuple[GoldTable, ...] = (
    SALES_DAILY_KPI,
    INVENTORY_SNAPSHOT_DAILY,
    SUPPLIER_PERFORMANCE,
    PURCHASE_PRICE_TREND,
)

GOLD_TABLES: tuple[GoldTable, ...] = (*_COMPUTED, kpi_catalogue(_COMPUTED))
