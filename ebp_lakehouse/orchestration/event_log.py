"""Dagster's event log in SQLite, with connections that stay open.

Dagster opens, commits and closes two or three databases for each event, and closing a database writes its whole journal
back. A run of everything has some 1 300 events, one of each planned and of each given verdict: the sensor's run began
20 s after it was asked for. ADR 13 has the figures. Not here: what is stored, which is Dagster's own; its files are
where and what they would be without us, so that either can read a home that the other wrote.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, event

OPEN_DATABASES = 16  # the index and the runs used last; a web server sees many runs


class EventLogStorage(SqliteEventLogStorage):
    """``event_log_storage`` of a dagster.yaml; ``base_dir`` is DAGSTER_HOME itself, as Dagster's own default has it."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._tables: set[str] = set()
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
        super().store_event(event)
        # The UI follows a run by watching this file; what we write stays in the journal beside it for a while.
        os.utime(self.path_for_shard(event.run_id))

    def has_table(self, table_name: str) -> bool:
        """Asked for each event; a table that was there stays."""
        if table_name not in self._tables and super().has_table(table_name):
            self._tables.add(table_name)
        return table_name in self._tables

    def wipe(self) -> None:
        self._close()
        super().wipe()

    def dispose(self) -> None:
        super().dispose()
        with self._db_lock:
            self._close()

    def _close(self) -> None:
        for engine in self._engines.values():
            engine.dispose()
        self._engines.clear()


def _commit_without_waiting(connection: Any, _record: Any) -> None:
    # With a journal of its own (WAL) this loses nothing when a process is killed; a power cut may lose the last events of
    # a run that was running, not what it published.
    connection.execute("PRAGMA synchronous = NORMAL")
