"""A real source, batch after batch, with maintenance between and during them: history and the next batch are the same."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from ebp_lakehouse.bronze import batch as batch_module
from ebp_lakehouse.bronze.batch import BatchResult, run_batch
from ebp_lakehouse.lake import compaction, publication
from ebp_lakehouse.lake.delta import live_files, load
from ebp_lakehouse.lake.maintenance import maintain
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.bronze.conftest import DAY, House

T = "bronze/t"


@pytest.fixture
def settings(house: House, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(compaction, "OPEN_FILES", 2)
    return Settings(source_url=SecretStr(house.url), lake_url=house.lake.url)


def batch(settings: Settings, house: House) -> BatchResult:
    result = run_batch(settings, [house.spec], [DAY], DAY)
    assert result.outcomes["t"].healthy, result.outcomes["t"]
    return result


def files(house: House) -> int:
    table = load(house.lake, T, publication.latest(house.lake).pins[T].version)
    assert table is not None
    return len(live_files(table))


def test_history_survives_and_the_next_batch_brings_only_what_changed(settings: Settings, house: House) -> None:
    batch(settings, house)
    house.run(
        """UPDATE "T" SET note = 'second' WHERE kind = 1""", """ALTER TABLE "T" ADD COLUMN extra text DEFAULT 'x'"""
    )
    batch(settings, house)
    house.run("""DELETE FROM "T" WHERE "Id" = 'r7'""", """INSERT INTO "T" VALUES ('new', 0.07, 2, NULL, NULL)""")
    batch(settings, house)
    everything = "SELECT * FROM versions ORDER BY ALL"
    expected, live = house.query(everything), house.query("FROM live ORDER BY ALL")
    assert len(expected) == 30 + 30 + 2
    assert maintain(settings, now=datetime.now(UTC) + timedelta(days=8)).failures == {}
    assert (files(house), house.query(everything), house.query("FROM live ORDER BY ALL")) == (1, expected, live)
    house.run("""UPDATE "T" SET note = NULL WHERE "Id" = 'r1'""")
    outcome = batch(settings, house).outcomes["t"]
    assert outcome.batch is not None
    assert (outcome.batch.choice.route, outcome.batch.scanned_rows, outcome.batch.updated) == ("batch", 1, 1)
    assert len(house.query(everything)) == len(expected) + 1


@pytest.mark.parametrize("step", ["ingest_table", "check_appended"])
def test_a_batch_that_maintenance_overtakes_folds_again(
    settings: Settings, house: House, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Maintenance publishes while the batch reads (its commit is refused) or audits (its publication is)."""
    for number in range(3):
        house.run(f"""UPDATE "T" SET note = 'n{number}' WHERE "Id" = 'r1'""")
        batch(settings, house)
    house.run("""UPDATE "T" SET note = 'last' WHERE "Id" = 'r1'""")
    honest, maintained = getattr(batch_module, step), []

    def overtaken(*arguments: Any, **options: Any) -> Any:
        if not maintained:
            later = datetime.now(UTC) + timedelta(hours=2)
            maintained.append(maintain(settings, now=later).tables[T].files_after)
        return honest(*arguments, **options)

    monkeypatch.setattr(batch_module, step, overtaken)
    outcome = batch(settings, house).outcomes["t"]
    assert (maintained, outcome.published, files(house)) == ([1], True, 2)
    notes = "SELECT note FROM versions WHERE \"Id\" = 'r1' ORDER BY _bronze_valid_from"
    assert [row[0] for row in house.query(notes)] == ["n0", "n1", "n2", "last"]
