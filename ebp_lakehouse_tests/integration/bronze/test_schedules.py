"""The xmin route under 200 random schedules (1 000 in the nightly profile).

Transactions overlap, with savepoints, aborts, ties and skewed clocks.

After every batch the lake's live rows are what the batch's own snapshot saw: nothing missing, nothing stale, no delete
missed. A watermark over the modification date, run beside it on the same schedules, loses rows: the schedules do bite.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from ebp_lakehouse_tests.conftest import NIGHTLY
from ebp_lakehouse_tests.integration.bronze.conftest import House

EPISODES, BATCHES = 20 if NIGHTLY else 4, 50
SESSIONS, KEYS = 4, 12
NOON = datetime(2026, 11, 23, 12)  # noqa: DTZ001 - EBP has wall clocks
ROWS = 'SELECT "Id", amount::text, note FROM {} ORDER BY 1'


@dataclass
class Session:
    """One window of EBP: at most one open transaction, with savepoints; it may stay open over many batches."""

    db: psycopg.Connection[Any]
    rng: random.Random
    clock: timedelta = timedelta()
    savepoints: int = 0
    is_open: bool = False

    def step(self) -> None:
        action = self.rng.random()
        try:
            if not self.is_open:
                self.db.execute("BEGIN")
                self.is_open, self.savepoints = True, 0
            elif action < 0.25:
                self.end("COMMIT" if self.rng.random() < 0.75 else "ROLLBACK")
                return
            elif action < 0.40:
                self.savepoints += 1
                self.db.execute(f"SAVEPOINT s{self.savepoints}")
                return
            elif action < 0.50 and self.savepoints:
                self.savepoints = self.rng.randint(1, self.savepoints)  # those after it are gone with what they did
                self.db.execute(f"ROLLBACK TO SAVEPOINT s{self.savepoints}")
                return
            self.change()
        except (psycopg.errors.LockNotAvailable, psycopg.errors.UniqueViolation, psycopg.errors.DeadlockDetected):
            self.end("ROLLBACK")

    def change(self) -> None:
        key, kind = f"r{self.rng.randrange(KEYS)}", self.rng.random()
        # Clocks differ between EBP's workstations, and seconds tie; EBP writes the date when the window is opened.
        modified = NOON + self.clock + timedelta(seconds=self.rng.randint(0, 3))
        values = (self.rng.randint(0, 3), f"n{self.rng.randint(0, 2)}", modified, key)
        if kind < 0.55:
            self.db.execute('UPDATE "T" SET amount = %s, note = %s, "sysModifiedDate" = %s WHERE "Id" = %s', values)
        elif kind < 0.8:
            self.db.execute(
                'INSERT INTO "T" (amount, note, "sysModifiedDate", "Id") VALUES (%s, %s, %s, %s) '
                "ON CONFLICT (\"Id\") DO UPDATE SET note = excluded.note || '+', "
                '"sysModifiedDate" = excluded."sysModifiedDate"',
                values,
            )
        else:
            self.db.execute('DELETE FROM "T" WHERE "Id" = %s', (key,))

    def end(self, how: str) -> None:
        self.db.execute(how)
        self.is_open, self.savepoints = False, 0


@dataclass
class Watermark:
    """What a modified-since cursor would hold: the loader that this route replaces."""

    rows: dict[str, tuple[str, str]] = field(default_factory=dict)
    since: datetime = datetime(1, 1, 1)  # noqa: DTZ001

    def read(self, db: psycopg.Connection[Any]) -> None:
        found = db.execute(
            'SELECT "Id", amount::text, note, "sysModifiedDate" FROM "T" WHERE "sysModifiedDate" > %s', [self.since]
        ).fetchall()
        self.rows |= {key: (amount, note) for key, amount, note, _ in found}
        self.since = max([self.since, *(row[3] for row in found)])


@contextmanager
def sessions(url: str, rng: random.Random) -> Iterator[list[Session]]:
    with ExitStack() as stack:
        connections = [stack.enter_context(psycopg.connect(url, autocommit=True)) for _ in range(SESSIONS)]
        for connection in connections:
            connection.execute("SET lock_timeout = '3ms'")  # who meets another's row gives up: an abort
        yield [Session(c, rng, timedelta(minutes=rng.choice([-90, 0, 0, 90]))) for c in connections]


@pytest.mark.timeout(1800)
def test_random_schedules_lose_nothing(new_house: Callable[..., House]) -> None:
    lost_by_dates = batches = 0
    house = new_house()
    for episode in range(EPISODES):
        rng = random.Random(episode)  # noqa: S311 - a seed to repeat, not a secret
        house.run(
            'DROP TABLE IF EXISTS "T"',
            'CREATE TABLE "T" ("Id" varchar(10) PRIMARY KEY, amount numeric, note text, "sysModifiedDate" timestamp)',
            f"""INSERT INTO "T" SELECT 'r' || g, g, 'first', '2026-11-23' FROM generate_series(0, {KEYS - 1}) g""",
        )
        spec = house.spec.model_copy(update={"asset": f"t{episode}"})  # a short history: reading it is not the subject
        watermark = Watermark()
        with sessions(house.url, rng) as windows:
            for number in range(BATCHES):
                with house.capture(spec) as capture:
                    with capture.reader() as reader:
                        expected = reader.execute(ROWS.format('"T"')).fetchall()
                        watermark.read(reader)
                    # Some transactions end between the capture's instant and its reading.
                    rng.choice(windows).step()
                    batch = house.ingest(spec=spec, capture=capture)
                assert batch.choice.route == ("batch" if number else "snapshot"), batch.choice.reason
                live = house.query('SELECT "Id", amount::DECIMAL(10, 0)::VARCHAR, note FROM live ORDER BY 1', spec)
                assert live == expected, f"episode {episode}, batch {number}"
                batches += 1
                for _ in range(rng.randint(2, 8)):
                    rng.choice(windows).step()
            for window in windows:
                if window.is_open:
                    window.end("COMMIT")
        house.ingest(spec=spec)
        nightly = house.ingest(spec=spec, full=True)
        assert (nightly.choice.route, nightly.commit) == ("snapshot", None), "a full reading finds nothing to add"
        now = {key: (amount, note) for key, amount, note in house.db.execute(ROWS.format('"T"')).fetchall()}
        lost_by_dates += sum(watermark.rows.get(key) != values for key, values in now.items())
        lost_by_dates += len(watermark.rows.keys() - now.keys())
    assert batches == EPISODES * BATCHES
    assert lost_by_dates > EPISODES, "these schedules would lose rows of a date watermark"
