"""A simulated year of batches with a maintenance every two weeks: few files, a short log, no row lost, readers undisturbed.

Hours are compressed: ``BATCHES_A_DAY`` of 24. What is counted does not depend on it, since every maintenance merges
whatever came since the one before.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from pathlib import Path

import duckdb
import pytest

from ebp_lakehouse.lake import catalog, compaction, publication, retention
from ebp_lakehouse.lake.maintenance import maintain
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.lake.test_maintenance import B, bronze_batch, file_count, stored, versions

FIRST = date(2027, 1, 1)  # the files themselves are written today: later than that, none is young
BATCHES_A_DAY = 1
MAINTENANCE_DAYS = 14


@dataclass
class Clock:
    """Stands for ``datetime`` where records are stamped."""

    at: datetime

    def now(self, _: tzinfo) -> datetime:
        return self.at


def test_a_year_of_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(lake_url=str(tmp_path / "lake"))
    lake, clock = Lake.open(settings), Clock(datetime(2027, 1, 1, tzinfo=UTC))
    monkeypatch.setattr(publication, "datetime", clock)
    held: tuple[duckdb.DuckDBPyConnection, int] | None = None
    batches = 0
    for number in range(365):
        day = FIRST + timedelta(days=number)
        for hour in range(BATCHES_A_DAY):
            clock.at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            bronze_batch(lake, day, hour, [batches, batches + 1])
            batches += 1
        clock.at += timedelta(hours=20)
        if number % 70 == 64:  # a reader that works on one catalog for almost a week
            held = catalog.connect(settings=settings), batches
        if number % MAINTENANCE_DAYS == MAINTENANCE_DAYS - 1 or number == 364:
            assert maintain(settings, now=clock.at).failures == {}
            if held is not None:
                with held[0] as connection:
                    assert len(versions(connection)) == 2 * held[1]
                held = None
    assert file_count(lake) <= 11 + compaction.OPEN_FILES + 1 <= 40
    within = retention.RETENTION.days * (BATCHES_A_DAY + 1) + 1
    assert len(publication.numbers(lake)) <= within + 1
    assert len(lake.names(f"{B}/_delta_log")) <= within + 3 * MAINTENANCE_DAYS * BATCHES_A_DAY + retention.LOG_SLACK
    assert len(stored(lake)) <= 40 + 2 * within
    with catalog.connect(settings=settings) as connection:
        found = connection.execute('SELECT "Id", v, _bronze_ingestion_date FROM bronze.t ORDER BY ALL').fetchall()
    expected = []
    for number in range(batches):
        day, hour = FIRST + timedelta(days=number // BATCHES_A_DAY), number % BATCHES_A_DAY
        expected += [(key, f"{day:%m%d}{hour:02}-{key}", day) for key in (number, number + 1)]
    assert found == sorted(expected)
