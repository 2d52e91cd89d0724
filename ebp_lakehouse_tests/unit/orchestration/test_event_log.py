"""The event log with open connections holds what Dagster's own would, and Dagster's own reads it."""

from __future__ import annotations

import os
import queue
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage
from sqlalchemy import event

from ebp_lakehouse.orchestration import event_log
from ebp_lakehouse.orchestration.event_log import EventLogStorage, drop_step_logs
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
    assert drop_step_logs(instance, datetime.now(UTC) - timedelta(days=30)) == size
    assert list(instance.event_log_storage.get_logs_for_run(old)) == []
    assert "PIPELINE_SUCCESS" in kinds(list(instance.event_log_storage.get_logs_for_run(young)))
    made = instance.fetch_materializations(KEY, limit=5).records
    assert {record.run_id for record in made} == {old, young}
    assert status(instance, old) == dg.DagsterRunStatus.SUCCESS


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
    threading.Timer(4, (tmp_path / "busy").unlink).start()
    started, busy = time.monotonic(), time.process_time()
    assert job_in_pool("here").execute_in_process(instance=instance).success
    waited = time.monotonic() - started
    assert 3.5 < waited < 30
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
