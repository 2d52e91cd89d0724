"""Every gold table, a table after those it uses. Not here: what they hold (one file per table, in the folder of its domain)."""

from __future__ import annotations

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.field.colleague_performance import COLLEAGUE_PERFORMANCE
from ebp_lakehouse.gold.field.contract_profitability import CONTRACT_PROFITABILITY
from ebp_lakehouse.gold.field.deal_profitability import DEAL_PROFITABILITY
from ebp_lakehouse.gold.field.equipment_park import EQUIPMENT_PARK
from ebp_lakehouse.gold.field.incidents_funnel import INCIDENTS_FUNNEL
from ebp_lakehouse.gold.field.interventions_daily_kpi import INTERVENTIONS_DAILY_KPI
from ebp_lakehouse.gold.field.technician_calendar_load import TECHNICIAN_CALENDAR_LOAD
from ebp_lakehouse.gold.sales.sales_daily_kpi import SALES_DAILY_KPI

GOLD_TABLES: tuple[GoldTable, ...] = (
    SALES_DAILY_KPI,
    INTERVENTIONS_DAILY_KPI,
    COLLEAGUE_PERFORMANCE,
    INCIDENTS_FUNNEL,
    EQUIPMENT_PARK,
    CONTRACT_PROFITABILITY,
    DEAL_PROFITABILITY,
    TECHNICIAN_CALENDAR_LOAD,
)
