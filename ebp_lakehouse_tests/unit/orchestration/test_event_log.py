"""The event log with open connections holds what Dagster's own would, and Dagster's own reads it."""

from __future__ import annotations

import contextlib
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.partition_status_cache import AssetPartitionStatus
from sqlalchemy import event

from ebp_lakehouse.orchestration import event_log
from ebp_lakehouse.orchestration.event_log import Dropped, EventLogStorage, drop_past
from ebp_lakehouse.orchestration.runs import instance_at, materialize
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.unit.orchestration.elsewhere import begin, job_in_pool, kill

KEY = dg.AssetKey("invoices")


@dg.asset(name="invoices", check_specs=[dg.AssetCheckSpec("sums", asset="invoices")])
def invoices() -> dg.MaterializeResult:
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with instance_at(tmp_path) as made:
        yield made


def run(instance: dg.DagsterInstance) -> str:
    result = dg.materialize([invoices], instance=instance)
    assert result.success
    return result.run_id


def kinds(events: list[dg.EventLogEntry]) -> list[str | None]:
    return [e.dagster_event.event_type_value if e.dagster_event else None for e in events]


def test_dagsters_own_storage_reads_the_same_home(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = run(instance)
    assert isinstance(instance.event_log_storage, EventLogStorage)
    ours = list(instance.event_log_storage.get_logs_for_run(run_id))
    assert {"ASSET_CHECK_EVALUATION_PLANNED", "ASSET_CHECK_EVALUATION", "PIPELINE_SUCCESS"} <= set(kinds(ours))
    (tmp_path / "dagster.yaml").unlink()
    with dg.DagsterInstance.from_config(str(tmp_path)) as plain:
        assert type(plain.event_log_storage) is SqliteEventLogStorage
        assert list(plain.event_log_storage.get_logs_for_run(run_id)) == ours
        assert plain.get_latest_materialization_event(KEY) == instance.get_latest_materialization_event(KEY)


def test_a_run_opens_its_database_when_it_begins_and_not_for_each_event(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(instance)  # the index is open
    opened = []
    made = event_log.create_engine

    def counted(url: str, **options: object) -> object:
        engine = made(url, **options)  # type: ignore[call-overload]
        event.listen(engine, "connect", lambda *_: opened.append(url))
        return engine

    monkeypatch.setattr(event_log, "create_engine", counted)
    run(instance)
    assert len(set(opened)) == 1
    assert len(opened) <= 2  # Dagster asks for a second one while it makes the tables


def test_who_watches_a_run_sees_each_event(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    """The UI's process has a storage of its own, and learns of events by the file that changed."""
    seen: queue.Queue[str] = queue.Queue()
    with dg.DagsterInstance.from_config(str(tmp_path)) as watching:

        def see(entry: dg.EventLogEntry, _cursor: str) -> None:
            seen.put(entry.user_message)

        watching.watch_event_logs("followed", None, see)
        for text in ("one", "two", "three"):
            entry = dg.EventLogEntry(
                error_info=None, level=10, user_message=text, run_id="followed", timestamp=time.time()
            )
            instance.event_log_storage.store_event(entry)
            assert seen.get(timeout=20) == text
        watching.end_watch_event_logs("followed", see)


def test_more_runs_than_databases_are_kept_open(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event_log, "OPEN_DATABASES", 2)
    runs = [run(instance) for _ in range(4)]
    for run_id in runs:
        assert "PIPELINE_SUCCESS" in kinds(list(instance.event_log_storage.get_logs_for_run(run_id)))
    assert len(instance.event_log_storage._engines) == 2


def test_after_a_wipe_nothing_is_left_and_runs_go_on(instance: dg.DagsterInstance) -> None:
    before = run(instance)
    instance.wipe()
    assert not list(instance.event_log_storage.get_logs_for_run(before))
    assert instance.get_latest_materialization_event(KEY) is None
    after = run(instance)
    assert list(instance.event_log_storage.get_logs_for_run(after))


def test_a_run_that_has_ended_leaves_no_journal(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    run_id = run(instance)
    assert [path.name for path in (tmp_path / "history" / "runs").glob(f"{run_id}*")] == [f"{run_id}.db"]


def test_old_logs_of_runs_go_and_what_they_made_stays(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    old, young = run(instance), run(instance)
    long_ago = time.time() - 40 * 86400
    os.utime(tmp_path / "history" / "runs" / f"{old}.db", (long_ago, long_ago))
    size = (tmp_path / "history" / "runs" / f"{old}.db").stat().st_size
    assert drop_past(instance, datetime.now(UTC) - timedelta(days=30)) == Dropped(size, 0)
    assert list(instance.event_log_storage.get_logs_for_run(old)) == []
    assert "PIPELINE_SUCCESS" in kinds(list(instance.event_log_storage.get_logs_for_run(young)))
    made = instance.fetch_materializations(KEY, limit=5).records
    assert {record.run_id for record in made} == {old, young}
    assert status(instance, old) == dg.DagsterRunStatus.SUCCESS


DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday", "wednesday"])
DAILY = dg.AssetKey("daily")


@dg.asset(name="daily", partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("sums", asset="daily")])
def daily(context) -> dg.MaterializeResult:  # not annotated: Dagster wants the class itself, not its name
    if context.partition_key == "wednesday":
        raise dg.Failure("no source", allow_retries=False)
    return dg.MaterializeResult(tags={"kept": "yes"}, check_results=[dg.AssetCheckResult(passed=True)])


def run_day(instance: dg.DagsterInstance, day: str) -> str:
    return dg.materialize([daily], partition_key=day, instance=instance, raise_on_error=False).run_id


def index_of(home: Path) -> sqlite3.Connection:
    return sqlite3.connect(home / "history" / "runs" / "index.db")


def make_old(home: Path, *runs: str) -> None:
    """As if these runs had been forty days ago."""
    with contextlib.closing(index_of(home)) as index, index:
        for run_id in runs:
            index.execute(
                "UPDATE asset_event_tags SET event_timestamp = datetime(event_timestamp, '-40 days')"
                " WHERE event_id IN (SELECT id FROM event_logs WHERE run_id = ?)",
                [run_id],
            )
            for table, column in (
                ("event_logs", "timestamp"),
                ("asset_check_executions", "evaluation_event_timestamp"),
            ):
                statement = f"UPDATE {table} SET {column} = datetime({column}, '-40 days') WHERE run_id = ?"
                assert index.execute(statement, [run_id]).rowcount


def test_of_past_events_the_newest_of_each_partition_stays(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "CHUNK", 2)
    old = [run_day(instance, day) for day in ("monday", "monday", "monday", "tuesday", "wednesday")]
    young = run_day(instance, "monday")
    make_old(tmp_path, *old)
    days = DAYS.get_partition_keys()
    status_of_days = instance.get_status_by_partition(DAILY, days, DAYS)
    assert status_of_days is not None
    assert [status_of_days[day] for day in days] == [
        AssetPartitionStatus.MATERIALIZED,
        AssetPartitionStatus.MATERIALIZED,
        AssetPartitionStatus.FAILED,
    ]
    dropped = drop_past(instance, datetime.now(UTC) - timedelta(days=30))
    # Of monday's three past runs: the table's plan, event and tag, the check's plan, event and verdict. The other days have
    # no newer event of the table; tuesday's check had a plan, an event and a verdict, wednesday's a plan and no verdict but it.
    assert dropped.superseded_events == 3 * 6 + 3 + 2
    assert {record.run_id for record in instance.fetch_materializations(DAILY, limit=20).records} == {old[3], young}
    verdicts = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(DAILY, "sums"), limit=20)
    assert [verdict.run_id for verdict in verdicts] == [young]
    assert verdicts[0].event is not None
    with contextlib.closing(index_of(tmp_path)) as index, index:
        index.execute("UPDATE asset_keys SET cached_status_data = NULL")
    assert instance.get_status_by_partition(DAILY, days, DAYS) == status_of_days
    assert drop_past(instance, datetime.now(UTC) - timedelta(days=30)) == Dropped(0, 0)


def test_the_only_event_of_a_partition_stays_however_old(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    only = run_day(instance, "monday")
    make_old(tmp_path, only)
    # One: the plan of a check that has its verdict.
    assert drop_past(instance, datetime.now(UTC) - timedelta(days=30)) == Dropped(0, 1)
    verdict = instance.event_log_storage.get_asset_check_execution_history(dg.AssetCheckKey(DAILY, "sums"), limit=1)[0]
    assert verdict.status == AssetCheckExecutionRecordStatus.SUCCEEDED
    assert instance.get_materialized_partitions(DAILY) == {"monday"}
    record = instance.fetch_materializations(DAILY, limit=1).records[0]
    assert record.asset_materialization is not None
    assert record.asset_materialization.tags is not None
    assert record.asset_materialization.tags["kept"] == "yes"


def status(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_who_comes_after_a_run_that_was_killed_goes_on_and_the_killed_one_has_failed(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    process, killed = begin(tmp_path)
    kill(process, tmp_path)
    assert status(instance, killed) == dg.DagsterRunStatus.STARTED
    started = time.monotonic()
    assert job_in_pool("here").execute_in_process(instance=instance).success
    assert time.monotonic() - started < 20
    assert status(instance, killed) == dg.DagsterRunStatus.FAILURE
    assert any("ended without a word" in entry.message for entry in instance.all_logs(killed))
    assert instance.event_log_storage.get_concurrency_run_ids() == set()
    assert list((tmp_path / "running").iterdir()) == []


def test_the_queue_does_not_count_a_run_that_was_killed(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    process, killed = begin(tmp_path)
    assert instance.event_log_storage.get_concurrency_info("silver").claimed_slots
    kill(process, tmp_path)
    assert instance.event_log_storage.get_concurrency_info("silver").claimed_slots == []
    assert status(instance, killed) == dg.DagsterRunStatus.FAILURE


def test_who_comes_while_another_run_is_at_it_waits_and_keeps_no_core_busy(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    process, other = begin(tmp_path)
    threading.Timer(8, (tmp_path / "busy").unlink).start()
    started, busy = time.monotonic(), time.process_time()
    assert job_in_pool("here").execute_in_process(instance=instance).success
    waited = time.monotonic() - started
    assert 7.5 < waited < 60
    assert time.process_time() - busy < waited / 2
    assert process.wait(60) == 0
    assert status(instance, other) == dg.DagsterRunStatus.SUCCESS


def test_the_command_says_that_it_waits(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    process, _ = begin(tmp_path)
    said: list[str] = []

    def hear(step: str) -> None:
        said.append(step)
        (tmp_path / "busy").unlink(missing_ok=True)

    # There is no bronze, so the run fails once it is its turn.
    assert not materialize(
        Settings(lake_url=str(tmp_path / "lake")), instance, 'key:"silver/dim_date"', on_step=hear
    ).ok
    assert said == ["silver: waiting for another run that is at it", "silver"]
    assert process.wait(60) == 0
