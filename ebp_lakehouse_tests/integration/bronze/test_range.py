"""A range of partitions that ends with today: the past days keep their rows, today gets the others."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ebp_lakehouse.bronze import batch
from ebp_lakehouse.bronze.batch import TableOutcome, run_batch
from ebp_lakehouse.errors import ExtractionError
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.bronze.conftest import declared


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    """Table T with a row of each of the last four days, and one that EBP does not date."""
    with psycopg.connect(database, autocommit=True) as db:
        db.execute('CREATE TABLE "T" ("Id" int PRIMARY KEY, "sysCreatedDate" timestamp)')
        for ago in range(4):
            db.execute('INSERT INTO "T" VALUES (%s, %s)', (ago, today() - timedelta(days=ago)))
        db.execute('INSERT INTO "T" VALUES (9, NULL)')
    return Settings.model_validate({"source_url": database, "lake_url": str(tmp_path / "lake")})


def run(settings: Settings) -> TableOutcome:
    days = [today() - timedelta(days=ago) for ago in (2, 1, 0)]
    return run_batch(settings, [declared()], days, today()).outcomes["t"]


def dates(settings: Settings) -> dict[int, date]:
    with connect(settings=settings) as lake:
        return dict(lake.execute('SELECT "Id", _bronze_ingestion_date FROM bronze.t').fetchall())


def test_a_range_that_ends_with_today_dates_the_past_rows_into_their_days(settings: Settings) -> None:
    outcome = run(settings)
    assert outcome.healthy
    assert outcome.published
    assert outcome.batch is not None
    assert (outcome.batch.choice.route, outcome.batch.inserted, outcome.batch.rows) == ("snapshot", 5, 5)
    now = today()
    assert dates(settings) == {0: now, 1: now - timedelta(days=1), 2: now - timedelta(days=2), 3: now, 9: now}
    again = run(settings)
    assert again.healthy
    assert not again.published
    assert again.batch is not None
    assert again.batch.inserted == 0


def test_past_days_that_could_not_be_read_are_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    original = batch.ingest_table

    def failing(*args: Any, window: object = None, **options: Any) -> Any:
        if window is not None:
            raise ExtractionError("odd days")
        return original(*args, window=window, **options)

    monkeypatch.setattr(batch, "ingest_table", failing)
    outcome = run(settings)
    assert outcome.published
    assert outcome.problems == ("The past days were not read: odd days",)
    assert set(dates(settings).values()) == {today()}
