"""The sensor of the change stream, driven tick by tick on a real slot: it starts a run when, and only when, one is due."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from ebp_lakehouse.bronze.batch import run_batch
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.orchestration.jobs import JOB
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.orchestration.runs import instance_at
from ebp_lakehouse.orchestration.sensors import change_sensor
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.dba_script import render
from ebp_lakehouse.source.registry import selected_tables
from ebp_lakehouse_tests.integration.bronze.streaming import drop_slots, stream_settings
from ebp_lakehouse_tests.unit.orchestration.elsewhere import begin, kill


@pytest.fixture
def house(postgres: EmbeddedPostgres, tmp_path: Path) -> Iterator[tuple[Settings, psycopg.Connection]]:
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        url = postgres.url_of(name)
        settings = stream_settings(url, str(tmp_path / "lake")).model_copy(update={"tables": "Vat,Unit"})
        with psycopg.connect(url, autocommit=True) as db:
            db.execute('CREATE TABLE "Unit" ("Id" varchar(4) PRIMARY KEY, "Caption" text)')
            db.execute('CREATE TABLE "Vat" ("Id" uuid PRIMARY KEY, "Rate" numeric)')
            db.execute(render(selected_tables(settings)))  # type: ignore[arg-type]
            yield settings, db
            drop_slots(db)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def tick(settings: Settings, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    sensor = change_sensor(settings)
    with dg.build_sensor_context(instance=instance) as context:
        found = sensor(context)
    assert isinstance(found, dg.RunRequest | dg.SkipReason)
    return found


def test_a_run_is_started_by_a_change_and_never_beside_another(house: tuple[Settings, psycopg.Connection]) -> None:
    settings, db = house
    specs = selected_tables(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        first = tick(settings, instance)
        assert isinstance(first, dg.RunRequest)
        assert (first.partition_key, first.tags) == (
            today().isoformat(), first.tags | {"ebp_lakehouse/started_by": "no slot yet"},
        )  # fmt: skip
        run_batch(settings, specs, [today()], today())
        assert tick(settings, instance) == dg.SkipReason("no change in the stream")
        db.execute("CREATE TABLE elsewhere AS SELECT 1 AS x")
        assert tick(settings, instance) == dg.SkipReason("no change in the stream"), "a table that nobody streams"
        db.execute("""INSERT INTO "Unit" ("Id", "Caption") VALUES ('KG', 'Kilo')""")
        due = tick(settings, instance)
        assert isinstance(due, dg.RunRequest)
        assert due.tags["ebp_lakehouse/started_by"] == "changes"
        run = instance.create_run_for_job(_job())
        skipped = tick(settings, instance)
        assert isinstance(skipped, dg.SkipReason)
        assert "queued or running" in str(skipped.skip_message)
        instance.report_run_canceled(run)
        assert isinstance(tick(settings, instance), dg.RunRequest)
        run_batch(settings, specs, [today()], today())
        assert tick(settings, instance) == dg.SkipReason("no change in the stream")


def test_a_run_that_was_killed_does_not_hold_up_the_changes(
    house: tuple[Settings, psycopg.Connection], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, _ = house
    home = tmp_path / "dagster"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with instance_at(home) as instance:
        process, _run = begin(home, JOB)
        assert isinstance(tick(settings, instance), dg.SkipReason)
        kill(process, home)
        assert isinstance(tick(settings, instance), dg.RunRequest)


def test_a_source_that_is_down_fails_the_tick_in_one_sentence(tmp_path: Path) -> None:
    settings = stream_settings("postgresql://u:sEcReT@127.0.0.1:1/ebp", str(tmp_path / "lake"))
    with dg.DagsterInstance.ephemeral() as instance, pytest.raises(SourceError, match="does not answer") as told:
        tick(settings, instance)
    assert "sEcReT" not in str(told.value)


def _job() -> dg.JobDefinition:
    @dg.op
    def nothing() -> None: ...

    @dg.job(name=JOB)
    def job() -> None:
        nothing()

    return job
