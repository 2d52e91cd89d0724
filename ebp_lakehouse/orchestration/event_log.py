"""Dagster's event log in SQLite, with connections that stay open, and without places held by runs that were killed.

Dagster opens, commits and closes two or three databases for each event, and closing a database writes its whole journal
back. A run of everything has some 1 300 events, one of each planned and of each given verdict: the sensor's run began
20 s after it was asked for. ADR 13 has the figures.

A run that is killed keeps its place in its layer's pool, and every later run waited for it, one core busy with asking.
Here it is told as failed as soon as somebody waits (ADR 15).

Not here: what is stored, which is Dagster's own; its files are where and what they would be without us, so that either can
read a home that the other wrote.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from dagster import DagsterEventType, DagsterInstance, EventLogEntry, RunsFilter
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from dagster._utils.concurrency import ConcurrencyClaimStatus, ConcurrencyKeyInfo
from sqlalchemy import Connection, DateTime, Engine, bindparam, create_engine, event, text

from ebp_lakehouse.orchestration.owners import RunOwners

OPEN_DATABASES = 16  # the index and the runs used last; a web server sees many runs
WAITED_SECONDS = 1.0  # until the place in a pool is asked for again
KILLED = (
    "The process of this run ended without a word: it was killed, or the machine went down. What it had published stays; "
    "the next run of the same tables does the rest."
)
ENDINGS = (DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED)
CHUNK = 20_000  # rows deleted at once: some tenths of a second

# Of the index: what a later event of the same check or table and partition has replaced. A plan without an event after it
# is what "failed" is told from, so the newest plan of each partition stays as well.
SUPERSEDED = tuple(
    text(f"DELETE FROM {table} WHERE id IN ({superseded} LIMIT :chunk)").bindparams(bindparam("before", type_=DateTime))
    for table, superseded in (
        (
            "asset_check_executions",
            """
            SELECT id FROM asset_check_executions
            WHERE evaluation_event_timestamp < :before
                AND id NOT IN (SELECT max(id) FROM asset_check_executions GROUP BY asset_key, check_name, "partition")
            """,
        ),
        (
            "event_logs",
            """
            SELECT id FROM event_logs
            WHERE dagster_event_type IN ('ASSET_CHECK_EVALUATION', 'ASSET_CHECK_EVALUATION_PLANNED')
                AND timestamp < :before
                AND id NOT IN (
                    SELECT evaluation_event_storage_id FROM asset_check_executions
                    WHERE evaluation_event_storage_id IS NOT NULL
                )
            """,
        ),
        (
            "event_logs",
            """
            SELECT id FROM event_logs
            WHERE dagster_event_type IN ('ASSET_MATERIALIZATION', 'ASSET_MATERIALIZATION_PLANNED')
                AND timestamp < :before
                AND id NOT IN (
                    SELECT max(id) FROM event_logs
                    WHERE asset_key IS NOT NULL GROUP BY dagster_event_type, asset_key, "partition"
                )
            """,
        ),
        (
            "asset_event_tags",
            """
            SELECT id FROM asset_event_tags
            WHERE event_timestamp < :before AND event_id NOT IN (SELECT id FROM event_logs)
            """,
        ),
    )
)


class Dropped(NamedTuple):
    """What maintenance took out of a Dagster home."""

    step_log_bytes: int
    superseded_events: int


class EventLogStorage(SqliteEventLogStorage):
    """``event_log_storage`` of a dagster.yaml; ``base_dir`` is DAGSTER_HOME itself, as Dagster's own default has it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
        self._owners = RunOwners(Path(base_dir) / "running")
        super().__init__(str(Path(base_dir) / "history" / "runs"), inst_data)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> EventLogStorage:
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock, self._engine(shard).connect() as connection, connection.begin():
            yield connection

    def _engine(self, shard: str) -> Engine:
        if shard not in self._engines:
            engine = create_engine(
                self.conn_string_for_shard(shard),
                pool_size=1,
                max_overflow=1,  # dagster asks a second one while it makes the tables
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            event.listen(engine, "connect", _commit_without_waiting)
            self._initdb(engine)
            self._engines[shard] = engine
            if len(self._engines) > OPEN_DATABASES:
                self._engines.popitem(last=False)[1].dispose()
        self._engines.move_to_end(shard)
        return self._engines[shard]

    def store_event(self, event: EventLogEntry) -> None:
        kind = event.dagster_event.event_type if event.dagster_event else None
        if kind == DagsterEventType.RUN_START:
            self._owners.hold(event.run_id)
        super().store_event(event)
        if kind in ENDINGS:
            self._owners.release(event.run_id)
            self._close(event.run_id)  # else its journal would stay beside it, nearly as large
        # The UI follows a run by watching this file; what we write stays in the journal beside it for a while.
        os.utime(self.path_for_shard(event.run_id))

    def claim_concurrency_slot(
        self, concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        """Dagster's, once a second: what it waits between two claims comes out as 0, and it asks without end."""
        claimed = super().claim_concurrency_slot(concurrency_key, run_id, step_key, priority)
        if claimed.is_claimed:
            return claimed
        if self.report_killed_runs():
            claimed = super().claim_concurrency_slot(concurrency_key, run_id, step_key, priority)
            if claimed.is_claimed:
                return claimed
        time.sleep(WAITED_SECONDS)
        at_once: ConcurrencyClaimStatus = claimed.with_sleep_interval(0.0)
        return at_once

    def get_concurrency_infos(self, concurrency_keys: Sequence[str]) -> Mapping[str, ConcurrencyKeyInfo]:
        """Dagster's. The daemon asks before it begins a run that is queued: what a killed run holds does not count."""
        self.report_killed_runs()
        return super().get_concurrency_infos(concurrency_keys)

    def report_killed_runs(self) -> bool:
        """Whether there was a run without a process, or one that has ended and held a place; now it has failed, and holds none."""
        ended = set[str]()
        for run_id in self._owners.abandoned():
            run = self._instance.get_run_by_id(run_id)
            if run is not None and not run.is_finished:
                self._instance.report_run_failed(run, KILLED)
            ended.add(run_id)
        waiting = self.get_concurrency_run_ids() - ended
        if waiting:
            over = RunsFilter(run_ids=list(waiting), statuses=FINISHED_STATUSES)
            ended |= {run.run_id for run in self._instance.get_runs(filters=over)}
        for run_id in ended:
            self.free_concurrency_slots_for_run(run_id)
        return bool(ended)

    def has_table(self, table_name: str) -> bool:
        """Asked for each event; a table that was there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def drop_past(self, before: datetime) -> Dropped:
        """Delete what runs said that ended ``before``, and of each table's and check's events from then all but the newest.

        The newest of each partition stays, however old: it is what the UI shows and what "missing" is computed from.
        """
        return Dropped(self._drop_step_logs(before), self._drop_superseded(before))

    def _drop_superseded(self, before: datetime) -> int:
        """The index holds all runs' verdicts; the room of those deleted is used again for the next ones."""
        deleted = 0
        for statement in SUPERSEDED:
            chunk = CHUNK
            while chunk == CHUNK:  # whoever writes an event waits for one chunk at most
                with self.index_connection() as connection:
                    bound = {"before": before.astimezone(UTC).replace(tzinfo=None), "chunk": CHUNK}
                    chunk = connection.execute(statement, bound).rowcount
                deleted += chunk
        return deleted

    def _drop_step_logs(self, before: datetime) -> int:
        freed = 0
        for path in Path(self._base_dir).glob("*.db"):
            if path.stem != INDEX_SHARD_NAME and path.stat().st_mtime < before.timestamp():
                self._close(path.stem)
                freed += path.stat().st_size
                for file in (path, *path.parent.glob(f"{path.name}-*")):
                    file.unlink(missing_ok=True)
        return freed

    def dispose(self) -> None:
        super().dispose()
        self._close()

    def _close(self, *shards: str) -> None:
        """Close these databases, which empties their journals; all unless told."""
        with self._db_lock:
            for shard in shards or list(self._engines):
                engine = self._engines.pop(shard, None)
                if engine is not None:
                    engine.dispose()


def report_killed_runs(instance: DagsterInstance) -> None:
    """Runs whose process is gone have failed. Nothing where the home has another storage, which knows no processes."""
    if isinstance(instance.event_log_storage, EventLogStorage):
        instance.event_log_storage.report_killed_runs()


def drop_past(instance: DagsterInstance, before: datetime) -> Dropped:
    """`EventLogStorage.drop_past`; nothing where the home has another storage, which has its own way."""
    storage = instance.event_log_storage
    return storage.drop_past(before) if isinstance(storage, EventLogStorage) else Dropped(0, 0)


def _commit_without_waiting(connection: Any, _record: Any) -> None:
    # With a journal of its own (WAL) this loses nothing when a process is killed; a power cut may lose the last events of
    # a run that was running, not what it published.
    connection.execute("PRAGMA synchronous = NORMAL")
