"""A company in silver rows for the tests of gold.monthly_kpi and company_position: one invoice, and what a test adds."""

from __future__ import annotations

from datetime import date
from hashlib import md5
from typing import Any

import duckdb

from ebp_lakehouse.gold.company.company_position import COMPANY_POSITION
from ebp_lakehouse.gold.company.monthly_kpi import MONTHLY_KPI
from ebp_lakehouse_tests.unit.gold.silver_rows import Rows, calendar, day_key, silver

D = "2026-03-31"


def key(name: str) -> str:
    return md5(name.encode(), usedforsecurity=False).hexdigest()


def company(**tables: Rows) -> duckdb.DuckDBPyConnection:
    """A silver with these rows, one invoice of January, and everything else empty."""
    usual: dict[str, Rows] = {
        "dim_date": [{**day, "is_business_day": True} for day in calendar("2025-01-01", "2026-12-31")],
        "dim_product": [{"product_key": "P", "product_id": "P", "is_current": True, "is_commercial_product": True}],
        "dim_customer": [{"customer_key": "C", "customer_id": "C", "is_current": True}],
        "fact_sales": [sale("F1", "Invoice", "2026-01-15", 100)],
    }
    needed = dict.fromkeys((*MONTHLY_KPI.silver_read, *COMPANY_POSITION.silver_read), ())
    return silver({**needed, **usual, **tables})


def sale(document: str, kind: str, day: str, net: int, **more: Any) -> dict[str, Any]:
    return {
        "document_id": document, "document_type": kind, "row_origin": "line", "date_key": day_key(day), "product_key": "P",
        "product_id": "P", "customer_key": "C", "customer_id": "C", "net_amount_excl_tax": net,
        "tax_amount": net * 2 // 10, "tax_on_collection_amount": 0,
        "net_amount_incl_tax": net * 12 // 10, "cost_amount": 0, "discount_amount": 0, "quantity": 1, **more,
    }  # fmt: skip


def contract(number: str, start: str, **more: Any) -> dict[str, Any]:
    return {
        "contract_key": key(number), "contract_id": number, "start_date": date.fromisoformat(start), "has_tacit_renewal": False,
        **more,
    }  # fmt: skip


def visit(name: str, day: str, **more: Any) -> dict[str, Any]:
    return {
        "intervention_key": key(name), "event_id": name, "schedule_date_key": day_key(day), "state": "Done",
        "intervention_type": "Repair", "billable_amount": 0, "is_invoiced": False, "is_overdue": False,
        "rescheduled_count": 0, **more,
    }  # fmt: skip
