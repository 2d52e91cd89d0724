"""What a computed gold series must satisfy before it is committed: its contract, and the sums of the facts it came from.

Not here: computing (compute.py), Dagster (assets.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import polars as pl
from pandera.errors import SchemaError, SchemaErrors

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.settings import Settings

MAX_PROBLEMS = 10


def contract_problems(table: GoldTable, frame: pl.DataFrame) -> list[str]:
    """Every rule of the table's Pandera model that ``frame`` breaks, with the number of rows."""
    try:
        table.schema.validate(frame, lazy=True)
    except SchemaErrors as error:
        grouped = error.failure_cases.group_by("column", "check", maintain_order=True).len()
        return [f"{column}: {check} ({rows} cases)" for column, check, rows in grouped.iter_rows()][:MAX_PROBLEMS]
    except SchemaError as error:
        return [str(error).splitlines()[0][:300]]
    return []


def reconciliation_problems(settings: Settings, record: Record, frame: pl.DataFrame) -> list[str]:
    """Differences between a daily sales series and the published facts dated up to its last day."""
    last = last_day(frame)
    if last is None:
        return []
    with connect(record.number, settings) as connection:
        row = connection.execute(
            """
            SELECT coalesce(sum(revenue), 0), coalesce(sum(customers), 0) FROM (
                SELECT round(sum(net_amount_excl_tax), 2)::DECIMAL(18, 2) AS revenue,
                    count(DISTINCT customer_id) FILTER (WHERE document_type = 'Invoice') AS customers
                FROM silver.fact_sales
                WHERE document_type IN ('Invoice', 'CreditNote') AND date_key <= ?
                GROUP BY date_key
            )
            """,
            [int(last.strftime("%Y%m%d"))],
        ).fetchone()
    if row is None:
        return []
    revenue = frame["total_revenue_excl_tax"].sum()
    customers = int(frame["new_customers_count"].sum()) + int(frame["returning_customers_count"].sum())
    problems = []
    if revenue != row[0]:
        problems.append(f"revenue up to {last} is {revenue} in the series, {row[0]} in the facts")
    if customers != row[1]:
        problems.append(f"new + returning customers up to {last} are {customers}, customer-days in the facts {row[1]}")
    return problems


def last_day(frame: pl.DataFrame) -> date | None:
    if frame.is_empty():
        return None
    return datetime.strptime(str(frame["date_id"].max()), "%Y%m%d").replace(tzinfo=UTC).date()
