"""The change stream on a real PostgreSQL: every change once, in commit order, whatever happens around it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

import psycopg
import pytest

from ebp_lakehouse.bronze import changefeed
from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.source import replication
from ebp_lakehouse_tests.integration.bronze.conftest import declared
from ebp_lakehouse_tests.integration.bronze.streaming import StreamHouse

TOASTED = 'ALTER TABLE "T" ALTER COLUMN note SET STORAGE EXTERNAL'
WIDE = "12345678901234567890123456789.123456789"  # so many digits that PostgreSQL stores them out of line
LONG = "repeat('é,\"long\"\n', 700)"


def counts(batch: object) -> tuple[int, int, int]:
    return batch.inserted, batch.updated, batch.deleted  # type: ignore[attr-defined]


def test_dbt_8760_changes_of_one_key_stay_as_versions_in_commit_order(followed: StreamHouse) -> None:
    followed.execute(
        """UPDATE "T" SET note = 'one' WHERE "Id" = 'r1'""",
        """UPDATE "T" SET note = 'two' WHERE "Id" = 'r1'""",
        """UPDATE "T" SET note = note WHERE "Id" = 'r1'""",  # touched, not changed: no version
        """DELETE FROM "T" WHERE "Id" = 'r1'""",
        """INSERT INTO "T" VALUES ('r1', 1, 1, 'back')""",
        """INSERT INTO "T" VALUES ('brief', 1, 1, 'seen')""",
        """DELETE FROM "T" WHERE "Id" = 'brief'""",
    )
    batch = followed.batch()
    assert (batch.choice.route, counts(batch), batch.rows) == ("cdc", (2, 2, 2), 30)
    assert followed.versions("r1") == [
        ("note 1", False, "snapshot"),
        ("one", False, "cdc"),
        ("two", False, "cdc"),
        ("two", True, "cdc"),
        ("back", False, "cdc"),
    ]
    assert followed.versions("brief") == [("seen", False, "cdc"), ("seen", True, "cdc")]
    assert followed.lake_rows() == followed.source_rows()
    assert followed.batch().commit is None


def test_valid_from_is_the_commit_time_not_the_statement_s(followed: StreamHouse) -> None:
    followed.execute("BEGIN", """UPDATE "T" SET note = 'slow' WHERE "Id" = 'r1'""", "SELECT pg_sleep(0.2)")
    row = followed.db.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'").fetchone()
    followed.execute("COMMIT")
    after = followed.db.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'").fetchone()
    followed.batch()
    assert row is not None
    assert after is not None
    ((valid_from,),) = followed.query("SELECT _bronze_valid_from FROM bronze.t WHERE note = 'slow'")
    assert row[0] < valid_from < after[0]


def test_positions_are_commit_lsns_and_never_fall_within_a_key(followed: StreamHouse) -> None:
    before = followed.db.execute("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint").fetchone()
    for number in range(3):
        followed.execute(f"""UPDATE "T" SET note = '{number}' WHERE "Id" = 'r1'""")
        followed.batch()
    assert before is not None
    positions = [
        row[0]
        for row in followed.query(
            "SELECT _bronze_position FROM bronze.t WHERE \"Id\" = 'r1' ORDER BY _bronze_valid_from"
        )
    ]
    assert positions == sorted(positions)
    assert len(set(positions)) == 4
    assert positions[1] >= before[0]


def test_a_key_change_is_a_delete_and_an_insert(followed: StreamHouse) -> None:
    followed.execute("""UPDATE "T" SET "Id" = 'renamed', note = 'new' WHERE "Id" = 'r2'""")
    assert counts(followed.batch()) == (1, 0, 1)
    assert followed.versions("r2") == [("note 2", False, "snapshot"), ("note 2", True, "cdc")]
    assert followed.versions("renamed") == [("new", False, "cdc")]


def test_savepoints_and_rolled_back_work(followed: StreamHouse) -> None:
    followed.execute("BEGIN", """UPDATE "T" SET note = 'outer' WHERE "Id" = 'r1'""")
    for number in range(5, 15):
        followed.execute(f"SAVEPOINT s{number}", f"""UPDATE "T" SET note = 'sub' WHERE "Id" = 'r{number}'""")
        if number % 2:
            followed.execute(f"ROLLBACK TO SAVEPOINT s{number}")
    assert followed.batch().commit is None, "nothing is committed yet"
    followed.execute("COMMIT")
    assert counts(followed.batch()) == (0, 6, 0)


def test_an_unchanged_long_value_is_carried_over_never_null(followed: StreamHouse) -> None:
    followed.execute(TOASTED, f"""UPDATE "T" SET note = {LONG} WHERE "Id" IN ('r1', 'r2', 'r3')""")
    followed.batch()
    followed.execute(
        """UPDATE "T" SET kind = 7 WHERE "Id" = 'r1'""",  # carried over from the lake
        """UPDATE "T" SET kind = 8 WHERE "Id" = 'r1'""",  # from the same batch
        f"""INSERT INTO "T" VALUES ('fresh', 1, 1, {LONG} || 'x')""",
        """UPDATE "T" SET kind = 9 WHERE "Id" = 'fresh'""",
        """UPDATE "T" SET "Id" = 'moved' WHERE "Id" = 'r2'""",  # from the row's former key
        """UPDATE "T" SET "Id" = 'moved again', kind = 3 WHERE "Id" = 'moved'""",
        """DELETE FROM "T" WHERE "Id" = 'r3'""",
    )
    batch = followed.batch()
    assert (batch.choice.reason, counts(batch)) == ("changes of the stream", (3, 3, 3))
    assert followed.lake_rows() == followed.source_rows()
    assert followed.query("SELECT count(*) FROM bronze.t WHERE note IS NULL") == [(0,)]
    assert followed.batch(force_snapshot=True).commit is None, "COPY finds the same bytes"


def test_a_long_number_that_is_not_sent_makes_the_table_be_read_again(followed: StreamHouse) -> None:
    """The lake keeps 1.5 where PostgreSQL wrote 1.500: its text, hence the hash, cannot be carried over."""
    followed.execute(
        'ALTER TABLE "T" ADD COLUMN wide numeric(38,9), ADD COLUMN filler text',
        'ALTER TABLE "T" ALTER COLUMN wide SET STORAGE EXTERNAL, ALTER COLUMN filler SET STORAGE PLAIN',
    )
    followed.batch()
    followed.execute(f"""UPDATE "T" SET wide = {WIDE}, filler = repeat('x', 3000) WHERE "Id" = 'r1'""")
    followed.batch()
    followed.execute("""UPDATE "T" SET note = 'touched' WHERE "Id" = 'r1'""")
    batch = followed.batch()
    assert (batch.choice.route, counts(batch)) == ("batch", (0, 1, 0))
    assert "out-of-line" in batch.choice.reason
    assert followed.query("""SELECT wide, note FROM bronze.t_current WHERE "Id" = 'r1'""") == [
        (Decimal(WIDE), "touched")
    ]


def test_transactions_open_while_the_slot_and_the_first_reading_are_made(followed: StreamHouse) -> None:
    """What commits before, during or after a first reading is there once."""
    other = declared(name="U", asset="u")
    followed.execute(
        'CREATE TABLE "U" ("Id" int PRIMARY KEY, note text)', 'ALTER PUBLICATION ebp_lakehouse ADD TABLE "U"'
    )
    url = followed.settings.source()
    house = followed.of(followed.specs[0], other)
    with psycopg.connect(url) as slow, psycopg.connect(url) as slower:
        slow.execute("""INSERT INTO "U" VALUES (1, 'slow')""")
        slower.execute("""INSERT INTO "U" VALUES (2, 'slower')""")
        followed.execute("""INSERT INTO "U" VALUES (3, 'quick')""")
        assert house.run().outcomes["u"].batch.rows == 1  # type: ignore[union-attr]
        slow.commit()
        followed.execute("""UPDATE "U" SET note = 'later' WHERE "Id" = 3""")
        batch = house.run().outcomes["u"].batch
        assert (batch.choice.route, counts(batch)) == ("cdc", (1, 1, 0))  # type: ignore[union-attr]
        slower.commit()
    assert counts(house.run().outcomes["u"].batch) == (1, 0, 0)
    assert house.query('SELECT "Id", note FROM bronze.u_current ORDER BY 1') == [
        (1, "slow"),
        (2, "slower"),
        (3, "later"),
    ]
    assert house.query("SELECT count(*) FROM bronze.u") == [(4,)]


def test_a_commit_in_the_wal_that_nobody_sees_yet_waits(followed: StreamHouse) -> None:
    """A commit that waits for a standby is decoded although no reader sees it; one that comes after it is visible."""
    url = followed.settings.source()
    with psycopg.connect(url, autocommit=True) as waiting, commits_wait(url):
        commit = threading.Thread(
            target=waiting.execute, args=("""INSERT INTO "T" VALUES ('unseen', 1, 1, 'u')""",), daemon=True
        )
        commit.start()
        deadline = time.monotonic() + 60
        while not is_waiting(followed.db):
            assert commit.is_alive()
            assert time.monotonic() < deadline
        followed.execute("SET synchronous_commit = local", """INSERT INTO "T" VALUES ('after', 1, 1, 'a')""")
        assert counts(followed.batch()) == (1, 0, 0)
        assert followed.lake_rows() == followed.source_rows()
        assert followed.batch().commit is None
    commit.join(60)
    assert counts(followed.batch()) == (1, 0, 0)
    assert followed.versions("unseen") == [("u", False, "cdc")]
    assert followed.versions("after") == [("a", False, "cdc")]


@contextmanager
def commits_wait(url: str) -> Iterator[None]:
    """In the block every commit on the server waits for a standby that does not exist, but those of a local session."""
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SET synchronous_commit = local")
        admin.execute("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
        try:
            admin.execute("SELECT pg_reload_conf()")
            _until_they_wait(url, admin)
            yield
        finally:  # on a connection of its own: nobody could commit any more, in whatever state the other one is left
            with psycopg.connect(url, autocommit=True) as other:
                other.execute("ALTER SYSTEM RESET synchronous_standby_names")
                other.execute("SELECT pg_reload_conf()")


def _until_they_wait(url: str, admin: psycopg.Connection) -> None:
    """The checkpointer makes the setting hold, some time after it was reloaded; until then commits do not wait."""
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as probe:
        while time.monotonic() < deadline:
            commit = threading.Thread(
                target=probe.execute, args=("SELECT pg_logical_emit_message(true, 'probe', 'probe')",), daemon=True
            )
            commit.start()
            while commit.is_alive() and not is_waiting(admin):
                assert time.monotonic() < deadline
            if commit.is_alive():
                admin.execute("SELECT pg_cancel_backend(%s)", [probe.info.backend_pid])  # ends the wait, not the commit
                commit.join(60)
                return
    raise AssertionError("the setting never came to hold")


def is_waiting(connection: psycopg.Connection) -> bool:
    return bool(connection.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'").fetchall())


def test_a_run_that_dies_between_publication_and_acknowledgement(
    followed: StreamHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.execute("""UPDATE "T" SET note = 'once' WHERE "Id" = 'r1'""", """DELETE FROM "T" WHERE "Id" = 'r2'""")
    with monkeypatch.context() as patch:
        patch.setattr(changefeed.replication, "advance", dies)
        with pytest.raises(KeyboardInterrupt):
            followed.run()
    published = publication.latest(Lake.open(followed.settings)).number
    for _ in range(3):  # any number of times
        with monkeypatch.context() as patch:
            patch.setattr(changefeed.replication, "advance", lambda *_: None)
            assert followed.batch().commit is None
    followed.execute("""UPDATE "T" SET note = 'twice' WHERE "Id" = 'r1'""")
    assert counts(followed.batch()) == (0, 1, 0)
    assert publication.latest(Lake.open(followed.settings)).number == published + 1
    assert [row[0] for row in followed.versions("r1")] == ["note 1", "once", "twice"]


def dies(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_run_that_dies_before_its_publication_leaves_everything_to_the_next(
    followed: StreamHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed.execute("""UPDATE "T" SET note = 'once' WHERE "Id" = 'r1'""")
    with monkeypatch.context() as patch:
        patch.setattr("ebp_lakehouse.lake.catalog.publish", dies)
        with pytest.raises(KeyboardInterrupt):
            followed.run()
    assert counts(followed.batch()) == (0, 1, 0)
    assert [row[0] for row in followed.versions("r1")] == ["note 1", "once"]


def test_batch_and_stream_take_turns(followed: StreamHouse) -> None:
    def change(number: int) -> None:
        followed.execute(
            f"""UPDATE "T" SET note = '{number}a' WHERE "Id" = 'r1'""",
            f"""UPDATE "T" SET note = '{number}b' WHERE "Id" = 'r1'""",
            f"""DELETE FROM "T" WHERE "Id" = 'r{number + 10}'""",
        )

    change(1)
    assert followed.batch(mode="batch").choice.route == "batch"
    change(2)
    batch = followed.batch()
    assert (batch.choice.route, counts(batch)) == ("cdc", (0, 2, 1)), "what the batch saw is skipped in the stream"
    assert followed.batch(mode="batch").commit is None
    change(3)
    assert counts(followed.batch()) == (0, 2, 1)
    change(4)
    assert counts(followed.batch(mode="batch")) == (0, 1, 1)
    assert [row[0] for row in followed.versions("r1")] == ["note 1", "1b", "2a", "2b", "3a", "3b", "4b"]
    assert followed.lake_rows() == followed.source_rows()
    assert followed.batch(force_snapshot=True).commit is None


def test_a_table_not_selected_keeps_its_changes_in_the_slot(followed: StreamHouse) -> None:
    other = declared(name="U", asset="u")
    followed.execute(
        'CREATE TABLE "U" ("Id" int PRIMARY KEY, note text)', 'ALTER PUBLICATION ebp_lakehouse ADD TABLE "U"'
    )
    house = followed.of(followed.specs[0], other)
    house.run()
    followed.execute("""INSERT INTO "U" VALUES (1, 'a')""", """UPDATE "T" SET note = 'x' WHERE "Id" = 'r1'""")
    changed = house.written()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ebp_lakehouse.source.registry.Registry.select", lambda *_: house.specs)
        first = house.run(specs=(house.specs[0],))
        assert counts(first.outcomes["t"].batch) == (0, 1, 0)
        assert first.stream is not None
        assert first.stream.slot.confirmed < changed, "the slot waits for U"
        second = house.run()
    assert counts(second.outcomes["u"].batch) == (1, 0, 0)
    assert second.outcomes["t"].batch.commit is None  # type: ignore[union-attr]
    assert second.stream is not None
    assert second.stream.slot.confirmed >= changed


def test_two_runs_at_once_do_not_meet(followed: StreamHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replication, "LOCK_WAIT_SECONDS", 1)
    with (
        psycopg.connect(followed.settings.source(), autocommit=True) as other,
        replication.held(other, replication.slot_prefix(followed.settings.lake_url)),
        pytest.raises(SourceError, match="Another run has been reading the change stream"),
    ):
        followed.run()
    assert followed.batch().commit is None
