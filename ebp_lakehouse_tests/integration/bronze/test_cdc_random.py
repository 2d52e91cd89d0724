"""Random days at the source: as of every instant the lake is what the source was, and COPY finds the same bytes."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from ebp_lakehouse.bronze import spool
from ebp_lakehouse.bronze.cdc import line
from ebp_lakehouse.bronze.cdc import token as csv_token
from ebp_lakehouse.demo.schema import table_ddl
from ebp_lakehouse.source.connection import connect
from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse_tests.integration.bronze.conftest import declared
from ebp_lakehouse_tests.integration.bronze.streaming import StreamHouse, drop_slots, stream_settings
from ebp_lakehouse_tests.integration.bronze.test_exactness import HOSTILE, value

STEPS, SESSIONS = 120, 3


class Day:
    """Three EBP windows that write at once, by a seeded hand; each holds the keys it has locked."""

    def __init__(self, house: StreamHouse, seed: int) -> None:
        self.house, self.random = house, random.Random(seed)  # noqa: S311
        self.sessions = [psycopg.connect(house.settings.source()) for _ in range(SESSIONS)]
        self.locked: dict[int, set[str]] = {n: set() for n in range(SESSIONS)}
        self.history: list[tuple[object, dict[str, tuple[Any, ...]]]] = []

    def remember(self) -> None:
        """What the source holds now, and the time."""
        row = self.house.db.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'").fetchone()
        assert row is not None
        self.history.append((row[0], self.house.source_rows()))

    def step(self) -> None:
        number = self.random.randrange(SESSIONS)
        session, draw = self.sessions[number], self.random.random()
        if draw < 0.25:
            session.commit() if self.random.random() < 0.8 else session.rollback()
            self.locked[number].clear()
            self.remember()
        elif draw < 0.35:
            session.execute(f"SAVEPOINT s{self.random.randrange(3)}")
        else:
            with_savepoint = self.random.random() < 0.3
            if with_savepoint:
                session.execute("SAVEPOINT inner_work")
            self.write(number)
            if with_savepoint and self.random.random() < 0.5:
                session.execute("ROLLBACK TO SAVEPOINT inner_work")

    def write(self, number: int) -> None:
        held = {key for other, keys in self.locked.items() if other != number for key in keys}
        key = f"r{self.random.randrange(12)}"
        other = f"r{self.random.randrange(12)}"
        if key in held or other in held:
            return
        self.locked[number] |= {key, other}
        session, draw = self.sessions[number], self.random.random()
        if draw < 0.3:
            session.execute('UPDATE "T" SET kind = %s WHERE "Id" = %s', (self.random.randrange(9), key))
        elif draw < 0.5:
            session.execute('UPDATE "T" SET note = %s WHERE "Id" = %s', (self.note(), key))
        elif draw < 0.65:
            session.execute('DELETE FROM "T" WHERE "Id" = %s', (key,))
        elif draw < 0.8:
            session.execute(
                'UPDATE "T" SET "Id" = %s WHERE "Id" = %s AND NOT EXISTS (SELECT FROM "T" WHERE "Id" = %s)',
                (other, key, other),
            )
        else:
            session.execute(
                'INSERT INTO "T" VALUES (%s, %s, 1, %s) ON CONFLICT ("Id") DO UPDATE SET amount = excluded.amount',
                (key, self.random.choice([1, -0.5, "12345678901234567890.12345678"]), self.note()),
            )

    def note(self) -> str | None:
        short = self.random.choice([None, *HOSTILE])
        return short if self.random.random() < 0.6 else (short or "") + 'é\n",' * self.random.choice([700, 900])

    def close(self) -> None:
        for session in self.sessions:
            session.rollback()
            session.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_as_of_every_instant_the_lake_is_what_the_source_was(
    followed: StreamHouse, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "BLOCK_ROWS", [2, 7, 65_536][seed % 3])  # blocks smaller than a key's changes
    followed.execute('ALTER TABLE "T" ALTER COLUMN note SET STORAGE EXTERNAL')
    day = Day(followed, seed)
    try:
        day.remember()
        for step in range(STEPS):
            day.step()
            if step % 30 == 29:
                outcome = followed.outcome()
                assert outcome.batch is not None
                assert outcome.batch.choice.route == "cdc"
                assert followed.lake_rows() == followed.source_rows()
    finally:
        day.close()
    with followed.lake() as lake:
        for at, rows in day.history:
            assert as_of(lake, at) == rows, at
        twice = lake.execute('SELECT count(*) - count(DISTINCT ("Id", _bronze_valid_from)) FROM bronze.t').fetchall()
        gaps = lake.execute("SELECT count(*) FROM bronze.t WHERE _bronze_valid_to <= _bronze_valid_from").fetchall()
        equal = lake.execute(
            "SELECT count(*) FROM (SELECT (_bronze_record_hash, _bronze_is_deleted) AS state, "
            'lag(state) OVER (PARTITION BY "Id" ORDER BY _bronze_valid_from) AS before FROM bronze.t) WHERE state = before'
        ).fetchall()
    assert (twice, gaps, equal) == ([(0,)], [(0,)], [(0,)])
    assert followed.batch(force_snapshot=True).commit is None, "COPY finds what the stream brought, byte for byte"


def as_of(lake: Any, at: object) -> dict[str, tuple[Any, ...]]:
    found = lake.execute(
        'SELECT "Id", amount, kind, note FROM bronze.t WHERE NOT _bronze_is_deleted AND _bronze_valid_from <= ? '
        "AND (_bronze_valid_to IS NULL OR _bronze_valid_to > ?)",
        [at, at],
    )
    return {row[0]: row for row in found.fetchall()}


@pytest.mark.parametrize("seed", [11, 12])
def test_with_truncate_ddl_and_the_batch_route_between(followed: StreamHouse, seed: int) -> None:
    day = Day(followed, seed)
    events = ["truncate", "column", "batch", "snapshot", "rewrite", "column gone"]
    day.random.shuffle(events)
    try:
        for step in range(STEPS):
            day.step()
            if step % 20 == 19:
                for session in day.sessions:
                    session.commit()
                for keys in day.locked.values():
                    keys.clear()
                event = events.pop()
                happens(followed, event)
                mode = "batch" if event == "batch" else "cdc"
                followed.outcome(mode=mode, force_snapshot=event == "snapshot", accept_shrink=["T"])
                assert followed.lake_rows() == followed.source_rows()
    finally:
        day.close()
    followed.outcome()
    assert followed.batch(force_snapshot=True).commit is None


def happens(house: StreamHouse, event: str) -> None:
    statements = {
        "truncate": [
            'CREATE TABLE half AS SELECT * FROM "T" WHERE kind = 1',
            'TRUNCATE "T"',
            'INSERT INTO "T" SELECT * FROM half',
        ],
        "column": ["""ALTER TABLE "T" ADD COLUMN extra text DEFAULT 'x'"""],
        "rewrite": ['ALTER TABLE "T" ALTER COLUMN amount TYPE numeric USING amount / 2'],
        "column gone": ['ALTER TABLE "T" DROP COLUMN IF EXISTS extra'],
    }
    house.execute(*statements.get(event, []))


@pytest.fixture
def wide(database: str, tmp_path: Any) -> Iterator[StreamHouse]:
    """EBP's widest table, empty and followed."""
    spec = declared(name="SaleDocument", asset="sale_document")
    with psycopg.connect(database, autocommit=True) as db:
        house = StreamHouse(db, stream_settings(database, str(tmp_path / "lake")), (spec,))
        db.execute(table_ddl(reference()["SaleDocument"]))
        house.execute('CREATE PUBLICATION ebp_lakehouse FOR TABLE "SaleDocument"')
        house.outcome()
        try:
            yield house
        finally:
            drop_slots(db)


def test_538_columns_through_the_stream_are_what_copy_reads(wide: StreamHouse) -> None:
    columns = reference()["SaleDocument"].columns
    random_ = random.Random(538)  # noqa: S311
    insert = sql.SQL('INSERT INTO "SaleDocument" VALUES ({})').format(
        sql.SQL(", ").join(sql.Placeholder() * len(columns))
    )
    for _ in range(25):
        row = [None if c.nullable and random_.random() < 0.3 else value(c.type, random_) for c in columns]
        wide.db.execute(insert, row)
    batch = wide.batch()
    assert (batch.choice.route, batch.inserted) == ("cdc", 25)
    assert wide.batch(force_snapshot=True).commit is None
    assert wide.batch(mode="batch").commit is None


def test_a_line_is_what_copy_writes(new_house: Callable[..., Any]) -> None:
    house = new_house()
    with connect(house.url) as source:
        for texts in ([*HOSTILE, None], ["\\."], [""], [None], [" x "], ["\\.", "\\."]):
            columns = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Literal(t)) for t in texts)
            with source.cursor().copy(sql.SQL("COPY (SELECT {}) TO STDOUT (FORMAT csv)").format(columns)) as copy:
                theirs = b"".join(bytes(data) for data in copy)
            assert line([csv_token(None if t is None else t.encode()) for t in texts]) == theirs


def test_changes_are_folded_block_by_block_as_in_one(followed: StreamHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deletes and long values that refer to rows of earlier blocks of the same batch."""
    monkeypatch.setattr(spool, "BLOCK_ROWS", 1)
    followed.execute(
        'ALTER TABLE "T" ALTER COLUMN note SET STORAGE EXTERNAL',
        """INSERT INTO "T" VALUES ('b', 1, 1, repeat('long', 900))""",
        """UPDATE "T" SET kind = 2 WHERE "Id" = 'b'""",
        """UPDATE "T" SET kind = 3 WHERE "Id" = 'b'""",
        """DELETE FROM "T" WHERE "Id" = 'b'""",
        """DELETE FROM "T" WHERE "Id" = 'r1'""",
        """INSERT INTO "T" VALUES ('r1', 1, 1, 'back')""",
    )
    batch = followed.batch()
    assert (batch.inserted, batch.updated, batch.deleted) == (2, 2, 2)
    rows = followed.query(
        "SELECT kind, length(note), _bronze_is_deleted FROM bronze.t WHERE \"Id\" = 'b' ORDER BY _bronze_valid_from"
    )
    assert rows == [(1, 3600, False), (2, 3600, False), (3, 3600, False), (3, 3600, True)]
    assert followed.batch(force_snapshot=True).commit is None
