"""Every gold table, a table after those it uses. Not here: what they hold (one file per table, in the folder of its domain)."""

from __future__ import annotations

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.sales.customer_health_score import CUSTOMER_HEALTH_SCORE
from ebp_lakehouse.gold.sales.product_affinity import PRODUCT_AFFINITY
from ebp_lakehouse.gold.sales.quote_funnel import QUOTE_FUNNEL
from ebp_lakehouse.gold.sales.revenue_bridge import REVENUE_BRIDGE
from ebp_lakehouse.gold.sales.sales_by_customer import SALES_BY_CUSTOMER
from ebp_lakehouse.gold.sales.sales_by_customer_period import SALES_BY_CUSTOMER_PERIOD
from ebp_lakehouse.gold.sales.sales_by_product import SALES_BY_PRODUCT
from ebp_lakehouse.gold.sales.sales_by_region import SALES_BY_REGION
from ebp_lakehouse.gold.sales.sales_cube import SALES_CUBE
from ebp_lakehouse.gold.sales.sales_daily_kpi import SALES_DAILY_KPI

GOLD_TABLES: tuple[GoldTable, ...] = (
    SALES_DAILY_KPI,
    SALES_BY_CUSTOMER,
    SALES_BY_CUSTOMER_PERIOD,
    SALES_BY_PRODUCT,
    SALES_BY_REGION,
    CUSTOMER_HEALTH_SCORE,
    QUOTE_FUNNEL,
    PRODUCT_AFFINITY,
    REVENUE_BRIDGE,
    SALES_CUBE,
)
