"""Every gold table, a table after those it uses. Not here: what they hold (one file per table, in the folder of its domain)."""

from __future__ import annotations

from ebp_lakehouse.gold.cash.cash_forecast import CASH_FORECAST
from ebp_lakehouse.gold.cash.open_instalments import OPEN_INSTALMENTS
from ebp_lakehouse.gold.cash.receivables_ageing import RECEIVABLES_AGEING
from ebp_lakehouse.gold.cash.vat_due import VAT_DUE
from ebp_lakehouse.gold.company.company_position import COMPANY_POSITION
from ebp_lakehouse.gold.company.data_quality import DATA_QUALITY
from ebp_lakehouse.gold.company.kpi_catalogue import kpi_catalogue
from ebp_lakehouse.gold.company.monthly_kpi import MONTHLY_KPI
from ebp_lakehouse.gold.company.reconciliation import RECONCILIATION
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.field.colleague_performance import COLLEAGUE_PERFORMANCE
from ebp_lakehouse.gold.field.contract_profitability import CONTRACT_PROFITABILITY
from ebp_lakehouse.gold.field.deal_profitability import DEAL_PROFITABILITY
from ebp_lakehouse.gold.field.equipment_park import EQUIPMENT_PARK
from ebp_lakehouse.gold.field.incidents_funnel import INCIDENTS_FUNNEL
from ebp_lakehouse.gold.field.interventions_cube import INTERVENTIONS_CUBE
from ebp_lakehouse.gold.field.interventions_daily_kpi import INTERVENTIONS_DAILY_KPI
from ebp_lakehouse.gold.field.technician_calendar_load import TECHNICIAN_CALENDAR_LOAD
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
from ebp_lakehouse.gold.stock.inventory_snapshot_daily import INVENTORY_SNAPSHOT_DAILY
from ebp_lakehouse.gold.stock.purchase_price_trend import PURCHASE_PRICE_TREND
from ebp_lakehouse.gold.stock.supplier_performance import SUPPLIER_PERFORMANCE

_COMPUTED: tuple[GoldTable, ...] = (
    SALES_DAILY_KPI,
    SALES_BY_CUSTOMER,
    SALES_BY_CUSTOMER_PERIOD,
    OPEN_INSTALMENTS,
    RECEIVABLES_AGEING,
    VAT_DUE,
    CASH_FORECAST,
    INVENTORY_SNAPSHOT_DAILY,
    SUPPLIER_PERFORMANCE,
    PURCHASE_PRICE_TREND,
    SALES_BY_PRODUCT,
    SALES_BY_REGION,
    CUSTOMER_HEALTH_SCORE,
    INTERVENTIONS_DAILY_KPI,
    COLLEAGUE_PERFORMANCE,
    INCIDENTS_FUNNEL,
    EQUIPMENT_PARK,
    QUOTE_FUNNEL,
    PRODUCT_AFFINITY,
    CONTRACT_PROFITABILITY,
    DEAL_PROFITABILITY,
    TECHNICIAN_CALENDAR_LOAD,
    INTERVENTIONS_CUBE,
    REVENUE_BRIDGE,
    SALES_CUBE,
    MONTHLY_KPI,
    COMPANY_POSITION,
    DATA_QUALITY,
    RECONCILIATION,
)

GOLD_TABLES: tuple[GoldTable, ...] = (*_COMPUTED, kpi_catalogue(_COMPUTED))
