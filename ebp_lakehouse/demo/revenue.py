"""The demo's proof: revenue per month by SQL on the source, beside the same from gold.

Written from EBP's tables alone (semantics K2, K3), so that it shares nothing with the silver models it is compared with.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import psycopg

from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.settings import Settings

SOURCE_SQL = """
SELECT to_char(d."DocumentDate", 'YYYY-MM'), sum(d."AmountVatExcludedWithDiscountAndShipping")
FROM "SaleDocument" d
LEFT JOIN "SaleDocumentEx" x ON x."Id" = d."Id"
WHERE d."DocumentType" IN (2, 3) AND d."DocumentDate" >= %s AND d."DocumentDate" < %s
  AND NOT coalesce(x."IsTemporary", false) AND NOT coalesce(x."IsHeldReceipt", false)
  AND NOT (
    EXISTS (SELECT FROM "PeriodicInvoicing" p WHERE p."ReferenceDocumentId" = d."Id")
    AND NOT EXISTS (SELECT FROM "SaleCommitment" c WHERE c."DocumentId" = d."Id")
    AND d."ValidationState" IS DISTINCT FROM 3
  )
GROUP BY 1 ORDER BY 1
"""


def source_revenue(url: str, first: date, end: date) -> dict[str, Decimal]:
    """Net revenue excl. tax per month (``YYYY-MM``), documents dated from ``first`` to before ``end``, on the source."""
    with psycopg.connect(url) as connection:
        return {month: round(Decimal(value), 2) for month, value in connection.execute(SOURCE_SQL, [first, end])}


def gold_revenue(settings: Settings, first: date, end: date) -> dict[str, Decimal]:
    """The same from ``gold.sales_daily_kpi``."""
    with connect(settings=settings) as connection:
        rows = connection.execute(
            """
            SELECT strftime(strptime(date_id::VARCHAR, '%Y%m%d'), '%Y-%m') AS month, sum(total_revenue_excl_tax)
            FROM gold.sales_daily_kpi WHERE date_id >= ? AND date_id < ?
            GROUP BY month ORDER BY month
            """,
            [int(first.strftime("%Y%m%d")), int(end.strftime("%Y%m%d"))],
        ).fetchall()
    return {month: Decimal(value) for month, value in rows}


def both_revenues(settings: Settings, first: date, end: date) -> dict[str, tuple[Decimal, Decimal]]:
    """Month → (on the source, in gold), in order; a month that one of them does not name is zero there."""
    source, gold = source_revenue(settings.source(), first, end), gold_revenue(settings, first, end)
    zero = Decimal(0)
    return {month: (source.get(month, zero), gold.get(month, zero)) for month in sorted({*source, *gold})}


def months_before(day: date, count: int) -> date:
    """The first day of the month ``count`` - 1 months before that of ``day``."""
    index = day.year * 12 + day.month - count
    return date(index // 12, index % 12 + 1, 1)
