"""The change stream as the engineer sees it: metadata and a check in Dagster, commands of the CLI."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from typer.testing import CliRunner

from ebp_lakehouse.bronze import changefeed
from ebp_lakehouse.cli import app
from ebp_lakehouse.demo.load import TYPE_DEFAULTS
from ebp_lakehouse.demo.schema import reference, table_ddl
from ebp_lakehouse.orchestration.reporting import CHANGE_STREAM
from ebp_lakehouse.orchestration.runs import RunSummary, instance_at, materialize
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.bronze.streaming import drop_slots, stream_settings

COUNTRY = dg.AssetKey(["bronze", "country"])


@pytest.fixture
def country(database: str, tmp_path: Path) -> Iterator[tuple[psycopg.Connection[Any], Settings, dg.DagsterInstance]]:
    """EBP's table Country alone, published."""
    settings = stream_settings(database, str(tmp_path / "lake")).model_copy(update={"tables": "Country"})
    with psycopg.connect(database, autocommit=True) as db, pytest.MonkeyPatch.context() as patch:
        db.execute(table_ddl(reference()["Country"]))
        db.execute('CREATE PUBLICATION ebp_lakehouse FOR TABLE "Country"')
        patch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
        try:
            yield db, settings, instance_at(tmp_path / "dagster")
        finally:
            drop_slots(db)


def run(settings: Settings, instance: dg.DagsterInstance, **options: Any) -> RunSummary:
    return materialize(settings, instance, 'key:"bronze/*"', **options)


def metadata(instance: dg.DagsterInstance) -> dict[str, Any]:
    event = instance.get_latest_materialization_event(COUNTRY)
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_metadata_check_loss_and_the_commands_that_mend_and_end(
    country: tuple[psycopg.Connection[Any], Settings, dg.DagsterInstance], monkeypatch: pytest.MonkeyPatch
) -> None:
    db, settings, instance = country
    first = run(settings, instance)
    assert first.ok, (first.failed_checks, first.error)
    needed = [c for c in reference()["Country"].columns if not c.nullable]
    names = ", ".join(f'"{c.name}"' for c in needed)
    values = ", ".join("'FR'" if c.name == "IsoCode" else TYPE_DEFAULTS.get(c.type, "''") for c in needed)
    db.execute(f'INSERT INTO "Country" ({names}) VALUES ({values})')  # type: ignore[arg-type]
    second = run(settings, instance)
    assert second.ok, (second.failed_checks, second.error)
    shown = metadata(instance)
    assert (shown["route"], shown["rows_inserted"], shown["stream_changes"]) == ("cdc", 1, 1)
    assert shown["slot_wal_status"] == "reserved"
    assert shown["slot_lag_bytes"] >= 0
    assert shown["slot_retained_wal_bytes"] >= 0

    with monkeypatch.context() as strict:
        strict.setattr(changefeed, "LAG_WARNING_BYTES", -1)
        lagging = run(settings, instance)
    assert lagging.ok, "it warns, and blocks nothing"
    assert "MB of WAL are not read yet" in lagging.warnings[f"bronze/country:{CHANGE_STREAM}"]

    drop_slots(db)
    lost = run(settings, instance)
    assert not lost.ok
    assert "ebp-lakehouse cdc restart" in lost.failed_checks["bronze/country:contract"]
    assert metadata(instance)["published"] is False

    for name, value in settings.to_environment().items():
        monkeypatch.setenv(name, value)
    restarted = CliRunner().invoke(app, ["cdc", "restart"])
    assert restarted.exit_code == 0, restarted.output
    stopped = CliRunner().invoke(app, ["cdc", "stop"])
    assert "dropped the replication slot ebp_lakehouse_" in stopped.output
    assert db.execute("SELECT FROM pg_replication_slots WHERE database = current_database()").fetchall() == []
    script = CliRunner().invoke(app, ["cdc", "script"])
    assert '"Country": ["IsoCode"]' in script.output
