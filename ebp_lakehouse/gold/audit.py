"""What a computed gold series must satisfy beyond its contract before it is committed: the sums of its facts.

Not here: computing (compute.py), Dagster (assets.py).
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import polars as pl


def reconciliation_problems(connection: duckdb.DuckDBPyConnection, frame: pl.DataFrame) -> list[str]:
    """Differences between a daily sales series and the facts it was computed from, dated up to its last day.

    Facts that have no day (date keys below 0: no date, or one outside the calendar) are in no daily series.
    """
    last = last_day(frame)
    if last is None:
        return []
    row = connection.execute(
        """
        SELECT coalesce(sum(revenue), 0), coalesce(sum(customers), 0) FROM (
            SELECT round(sum(net_amount_excl_tax), 2)::DECIMAL(18, 2) AS revenue,
                count(DISTINCT customer_id) FILTER (WHERE document_type = 'Invoice') AS customers
            FROM silver.fact_sales
            WHERE document_type IN ('Invoice', 'CreditNote') AND date_key BETWEEN 0 AND ?
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
