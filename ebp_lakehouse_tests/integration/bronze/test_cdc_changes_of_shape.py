"""What rows alone do not say: TRUNCATE, DDL, tables that come and go, a slot that is lost, a table that is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ebp_lakehouse.bronze import changefeed
from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse_tests.integration.bronze.conftest import declared
from ebp_lakehouse_tests.integration.bronze.streaming import DAY, TABLE, StreamHouse
from ebp_lakehouse_tests.integration.bronze.test_cdc import counts, dies


def same(house: StreamHouse) -> bool:
    return house.lake_rows() == house.source_rows()


def test_truncate_and_reload_of_the_same_rows_adds_nothing(followed: StreamHouse) -> None:
    followed.execute('CREATE TABLE copy AS SELECT * FROM "T"', 'TRUNCATE "T"', 'INSERT INTO "T" SELECT * FROM copy')
    batch = followed.batch()
    assert (batch.choice.route, batch.commit) == ("batch", None)
    assert "truncated" in batch.choice.reason
    followed.execute("""UPDATE "T" SET note = 'on' WHERE "Id" = 'r1'""")
    batch = followed.batch()
    assert (batch.choice.route, counts(batch)) == ("cdc", (0, 1, 0)), "it follows the stream again"


def test_a_truncated_table_is_a_shrink_until_accepted(followed: StreamHouse) -> None:
    followed.execute('TRUNCATE "T"')
    assert "30 of its 30 rows" in str(followed.run().outcomes["t"].error)
    assert len(followed.lake_rows()) == 30
    assert counts(followed.batch(accept_shrink=["T"])) == (0, 0, 30)


def test_a_table_dropped_and_created_again_must_be_published_again(followed: StreamHouse) -> None:
    followed.execute(
        'CREATE TABLE copy AS SELECT * FROM "T"', 'DROP TABLE "T"', TABLE, 'INSERT INTO "T" SELECT * FROM copy'
    )
    batch = followed.batch()
    assert (batch.choice.route, batch.commit) == ("snapshot", None)
    assert batch.choice.reason == "the table was dropped and created again; not streamed: not in the publication"
    followed.execute('ALTER PUBLICATION ebp_lakehouse ADD TABLE "T"', """DELETE FROM "T" WHERE "Id" = 'r1'""")
    assert "joins" in followed.batch().choice.reason
    followed.execute("""DELETE FROM "T" WHERE "Id" = 'r2'""")
    assert followed.batch().choice.route == "cdc"
    assert same(followed)


def test_a_table_that_left_the_publication_and_joined_again(followed: StreamHouse) -> None:
    followed.execute(
        'ALTER PUBLICATION ebp_lakehouse DROP TABLE "T"',
        """UPDATE "T" SET note = 'unpublished' WHERE "Id" = 'r1'""",
        'ALTER PUBLICATION ebp_lakehouse ADD TABLE "T"',
        """UPDATE "T" SET note = 'published' WHERE "Id" = 'r2'""",
    )
    batch = followed.batch()
    assert (batch.choice.route, counts(batch)) == ("batch", (0, 2, 0))
    assert same(followed)


def test_rows_rewritten_without_a_word_in_the_stream(followed: StreamHouse) -> None:
    followed.execute('ALTER TABLE "T" ALTER COLUMN amount TYPE numeric USING amount * 2')
    assert counts(followed.batch()) == (0, 30, 0)
    followed.execute('VACUUM FULL "T"')
    assert followed.batch().commit is None
    assert same(followed)


def test_columns_come_and_go_in_the_stream(followed: StreamHouse) -> None:
    followed.execute(
        """UPDATE "T" SET note = 'before' WHERE "Id" = 'r1'""",
        """ALTER TABLE "T" ADD COLUMN extra text DEFAULT 'x'""",
        """UPDATE "T" SET note = 'after' WHERE "Id" = 'r1'""",
    )
    batch = followed.batch()
    assert (batch.choice.route, counts(batch)) == ("snapshot", (0, 30, 0))
    followed.execute("""UPDATE "T" SET extra = NULL WHERE "Id" = 'r2'""")
    assert followed.batch().choice.route == "cdc"
    followed.execute('ALTER TABLE "T" DROP COLUMN note', """UPDATE "T" SET kind = 9 WHERE "Id" = 'r3'""")
    assert followed.batch().choice.route == "snapshot"
    labels = "SELECT DISTINCT split_part(_bronze_file_name, '/', 1) FROM bronze.t_current WHERE \"Id\" {} 'r3'"
    assert followed.query(labels.format("=")) == [("snapshot",)]
    assert followed.query(labels.format("<>")) == [("schema",)], "they lost a column, nothing else"
    followed.execute("""UPDATE "T" SET kind = 8 WHERE "Id" = 'r3'""")
    assert counts(followed.batch()) == (0, 1, 0)
    assert followed.query("SELECT kind, extra, note FROM bronze.t_current WHERE \"Id\" = 'r3'") == [(8, "x", None)]
    assert followed.batch(force_snapshot=True).commit is None


def test_a_column_that_came_and_went_between_two_runs(followed: StreamHouse) -> None:
    followed.execute(
        'ALTER TABLE "T" ADD COLUMN brief text',
        """UPDATE "T" SET note = 'one', brief = 'x' WHERE "Id" = 'r1'""",
        'ALTER TABLE "T" DROP COLUMN brief',
        """UPDATE "T" SET note = 'two' WHERE "Id" = 'r1'""",
    )
    assert counts(followed.batch()) == (0, 2, 0)
    assert same(followed)


def test_a_refused_table_leaves_the_stream_and_comes_back(followed: StreamHouse) -> None:
    followed.execute("""UPDATE "T" SET amount = 'NaN' WHERE "Id" = 'r7'""")
    changed = followed.written()
    result = followed.run()
    assert "NaN" in str(result.outcomes["t"].error)
    assert result.stream is not None
    assert result.stream.slot.confirmed >= changed, "the ERP's server keeps no WAL for it"
    followed.execute("""UPDATE "T" SET amount = 7 WHERE "Id" = 'r7'""", """DELETE FROM "T" WHERE "Id" = 'r8'""")
    batch = followed.batch()
    assert (batch.choice.route, counts(batch)) == ("batch", (0, 1, 1))
    followed.execute("""DELETE FROM "T" WHERE "Id" = 'r9'""")
    assert followed.batch().choice.route == "cdc"
    assert same(followed)


def test_a_table_no_longer_configured_does_not_hold_the_slot(followed: StreamHouse) -> None:
    other = declared(name="U", asset="u")
    followed.execute('CREATE TABLE "U" ("Id" int PRIMARY KEY)', 'ALTER PUBLICATION ebp_lakehouse ADD TABLE "U"')
    both = followed.of(followed.specs[0], other)
    both.run()
    followed.execute('INSERT INTO "U" VALUES (1)', """DELETE FROM "T" WHERE "Id" = 'r1'""")
    changed = followed.written()
    alone = followed.run()
    assert alone.stream is not None
    assert alone.stream.slot.confirmed >= changed
    batch = both.run().outcomes["u"].batch
    assert batch is not None
    assert (batch.choice.route, counts(batch)) == ("batch", (1, 0, 0)), "and what it missed is found when it returns"


@pytest.mark.parametrize("how", ["dropped", "overrun"])
def test_a_lost_slot_is_told_and_one_command_mends_it(followed: StreamHouse, how: str) -> None:
    (name,) = followed.slots()
    if how == "dropped":
        followed.execute(f"SELECT pg_drop_replication_slot('{name}')")
    else:
        overrun(followed)
    followed.execute("""UPDATE "T" SET note = 'missed' WHERE "Id" = 'r1'""")
    result = followed.run()
    assert f"slot {name}" in str(result.outcomes["t"].error)
    assert "ebp-lakehouse cdc restart" in str(result.outcomes["t"].error)
    assert followed.versions("r1")[-1][0] == "note 1", "the table stays as it is"
    batch = followed.batch(restart_stream=True)
    assert (batch.choice.route, counts(batch)) == ("snapshot", (0, 1, 0))
    assert len(followed.slots()) == 1
    assert followed.slots() != [name]
    followed.execute("""UPDATE "T" SET note = 'on' WHERE "Id" = 'r1'""")
    assert followed.batch().choice.route == "cdc"


def overrun(house: StreamHouse) -> None:
    """Let the server drop WAL that the slot needs."""
    house.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'", "SELECT pg_reload_conf()")
    try:
        for _ in range(4):
            house.execute("CREATE TABLE noise AS SELECT g FROM generate_series(1, 1000) g", "DROP TABLE noise")
            house.execute("SELECT pg_switch_wal()", "CHECKPOINT")
    finally:
        house.execute("ALTER SYSTEM RESET max_slot_wal_keep_size", "SELECT pg_reload_conf()")


def test_a_restart_that_dies_is_finished_by_the_next_run(followed: StreamHouse) -> None:
    followed.execute("""UPDATE "T" SET note = 'x' WHERE "Id" = 'r1'""")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ebp_lakehouse.lake.catalog.publish", dies)
        with pytest.raises(KeyboardInterrupt):
            followed.run(restart_stream=True)
    batch = followed.batch()
    assert counts(batch) == (0, 1, 0)
    assert "joins" in batch.choice.reason
    assert len(followed.slots()) == 1


def test_stop_drops_the_slot_and_the_batch_route_goes_on(followed: StreamHouse) -> None:
    names = followed.slots()
    assert changefeed.stop(followed.settings) == names
    assert followed.slots() == []
    followed.execute("""DELETE FROM "T" WHERE "Id" = 'r1'""")
    assert counts(followed.batch(mode="batch")) == (0, 0, 1)


def test_a_back_fill_does_not_touch_the_stream(followed: StreamHouse) -> None:
    from datetime import timedelta  # noqa: PLC0415

    from ebp_lakehouse.bronze.batch import run_batch  # noqa: PLC0415

    followed.execute("""DELETE FROM "T" WHERE "Id" = 'r1'""")
    result = run_batch(followed.settings, followed.specs, [DAY - timedelta(days=1)], DAY)
    assert result.stream is None
    batch = followed.batch()
    assert (batch.choice.route, counts(batch)) == ("cdc", (0, 0, 1))


def test_a_back_fill_and_the_stream_tell_no_change_twice(followed: StreamHouse) -> None:
    from datetime import timedelta  # noqa: PLC0415

    from ebp_lakehouse.bronze.batch import run_batch  # noqa: PLC0415

    yesterday = DAY - timedelta(days=1)
    followed.execute('ALTER TABLE "T" ADD COLUMN "sysModifiedDate" timestamp')
    followed.batch()
    for note in ("one", "two"):
        followed.execute(f"""UPDATE "T" SET note = '{note}', "sysModifiedDate" = '{yesterday}' WHERE "Id" = 'r1'""")
    back_fill = run_batch(followed.settings, followed.specs, [yesterday], DAY).outcomes[followed.specs[0].asset]
    assert not back_fill.problems
    assert back_fill.batch is not None
    assert counts(back_fill.batch) == (0, 0, 0)
    assert followed.batch().choice.route == "cdc"
    assert [note for note, _, _ in followed.versions("r1")] == ["note 1", "one", "two"]
    assert followed.batch().commit is None


def test_a_source_that_cannot_stream_says_why(followed: StreamHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ebp_lakehouse.source.replication.MINIMUM_SERVER_VERSION", 990000)
    with pytest.raises(SourceError, match=r"PostgreSQL 15 or later.*EBP_INGEST_MODE=batch"):
        followed.run()
    monkeypatch.undo()
    followed.execute("DROP PUBLICATION ebp_lakehouse")
    with pytest.raises(SourceError, match=r"no publication ebp_lakehouse.*ebp-lakehouse cdc script"):
        followed.run()


def test_a_publication_dropped_and_made_again(followed: StreamHouse) -> None:
    """PostgreSQL 18 leaves the changes of that time out; 15 to 17 refuse to decode them until the slot is made anew."""
    followed.execute(
        "DROP PUBLICATION ebp_lakehouse",
        """UPDATE "T" SET note = 'unseen' WHERE "Id" = 'r1'""",
        'CREATE PUBLICATION ebp_lakehouse FOR TABLE "T"',
    )
    if followed.db.info.server_version < 180000:
        with pytest.raises(SourceError, match=r"did not exist when some of the changes.*cdc restart"):
            followed.run()
    again = followed.batch(restart_stream=followed.db.info.server_version < 180000)
    assert counts(again) == (0, 1, 0)
    assert (
        "joins" in again.choice.reason or "joined again" in again.choice.reason or "full reading" in again.choice.reason
    )
    assert same(followed)


def test_positions_do_not_fall_on_a_server_whose_wal_is_shorter(followed: StreamHouse) -> None:
    """After a move the new server counts its WAL from a lower number; changes must not be taken for late ones."""
    lake = Lake.open(followed.settings)
    pin = publication.latest(lake).pins["bronze/t"]
    far = 10**15
    moved = replace(pin, position={**pin.position, "number": str(far)})
    publication.commit(lake, {"bronze/t": publication.Move(pin.version, moved)}, "moved")
    followed.execute("""UPDATE "T" SET note = 'at the move' WHERE "Id" = 'r1'""")
    followed.batch(restart_stream=True)
    for number in range(2):
        followed.execute(f"""UPDATE "T" SET note = '{number}' WHERE "Id" = 'r1'""")
        assert counts(followed.batch()) == (0, 1, 0)
    rows = followed.query("SELECT note, _bronze_position FROM bronze.t WHERE \"Id\" = 'r1' ORDER BY _bronze_valid_from")
    assert [note for note, _ in rows] == ["note 1", "at the move", "0", "1"]
    positions = [position for _, position in rows[1:]]
    assert positions[0] == far
    assert positions == sorted(set(positions))
