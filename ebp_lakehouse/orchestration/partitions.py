"""The one partitioning of the house: a calendar day of ingestion in Europe/Paris, today open.

Not here: what a route does with a day (bronze, gold).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

PARIS = ZoneInfo("Europe/Paris")


def daily_partitions(first: date) -> dg.DailyPartitionsDefinition:
    """Days from ``first`` to today included (``end_offset=1``); asking for the keys reads the clock, this does not."""
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), timezone="Europe/Paris", end_offset=1)


def today() -> date:
    return datetime.now(PARIS).date()


def days_of(context: dg.AssetExecutionContext) -> list[date]:
    """The run's partitions, oldest first: one day, or every day of a range run as one."""
    keys = context.partition_key_range
    first, last = date.fromisoformat(keys.start), date.fromisoformat(keys.end)
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
