"""The xmin route on a real PostgreSQL: every kind of change is captured, and nothing is written for nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest

from ebp_lakehouse.bronze.ingest import ingest_table
from ebp_lakehouse.bronze.table_batch import reconcile
from ebp_lakehouse.errors import ConflictError, ExtractionError, SourceError
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.delta import open_at_pin
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse_tests.integration.bronze.conftest import DAY, House, declared


def counts(batch: object) -> tuple[int, int, int]:
    return batch.inserted, batch.updated, batch.deleted  # type: ignore[attr-defined]


def test_first_load_then_every_kind_of_change(house: House) -> None:
    first = house.ingest()
    assert (first.choice.route, counts(first), first.rows) == ("snapshot", (30, 0, 0), 30)
    house.run(
        """INSERT INTO "T" VALUES ('new', 1.5, 1, NULL)""",
        """UPDATE "T" SET note = '' WHERE "Id" = 'r1'""",
        """UPDATE "T" SET note = note WHERE "Id" = 'r2'""",  # touched, not changed: no version
        """DELETE FROM "T" WHERE "Id" = 'r3'""",
    )
    second = house.ingest()
    assert (second.choice.route, counts(second), second.rows) == ("batch", (1, 1, 1), 30)
    assert second.scanned_rows == 3, "only rows of new transactions are read"
    assert house.query("SELECT note FROM live WHERE \"Id\" = 'r1'") == [("",)]
    assert house.query(
        "SELECT note, amount, _bronze_is_deleted FROM versions WHERE \"Id\" = 'r3' ORDER BY _bronze_valid_from"
    ) == [
        ("note 3", Decimal("3.01000000"), False),
        ("note 3", Decimal("3.01000000"), True),
    ]  # fmt: skip
    assert house.query("SELECT count(*) FROM versions WHERE \"Id\" = 'r2'") == [(1,)]


def test_an_unchanged_source_writes_nothing_at_all(house: House) -> None:
    house.ingest()
    files = sorted(Path(house.lake.url).rglob("*"))
    batch = house.ingest()
    assert batch.commit is None
    assert sorted(Path(house.lake.url).rglob("*")) == files
    # with other tables' transactions in between, the horizon moves but the table still writes nothing
    house.run("CREATE TABLE other (x int)", "INSERT INTO other VALUES (1)")
    assert house.ingest().commit is None
    assert sorted(Path(house.lake.url).rglob("*")) == files


def test_a_transaction_that_commits_after_the_capture_is_not_lost(house: House) -> None:
    house.ingest()
    with psycopg.connect(house.url) as slow:
        slow.execute("""UPDATE "T" SET note = 'slow' WHERE "Id" = 'r1'""")
        slow.execute("""INSERT INTO "T" VALUES ('slow', 1, 1, 'slow')""")
        house.run("""UPDATE "T" SET note = 'quick' WHERE "Id" = 'r2'""")
        assert counts(house.ingest()) == (0, 1, 0)
        slow.commit()
    assert counts(house.ingest()) == (1, 1, 0)
    assert house.query("SELECT count(*) FROM live WHERE note IN ('slow', 'quick')") == [(3,)]


def test_savepoints_and_rolled_back_work(house: House) -> None:
    house.ingest()
    house.run("BEGIN", """UPDATE "T" SET note = 'outer' WHERE "Id" = 'r1'""")
    for number in range(5, 15):
        house.run(f"SAVEPOINT s{number}", f"""UPDATE "T" SET note = 'sub' WHERE "Id" = 'r{number}'""")
        if number % 2:
            house.run(f"ROLLBACK TO SAVEPOINT s{number}")
    assert house.ingest().commit is None, "nothing is committed yet"
    house.run("COMMIT")
    assert counts(house.ingest()) == (0, 6, 0)


def test_a_deleted_row_inserted_again_identically_lives_again(house: House) -> None:
    house.ingest()
    house.run("""CREATE TABLE kept AS SELECT * FROM "T" WHERE "Id" = 'r9'""", """DELETE FROM "T" WHERE "Id" = 'r9'""")
    assert counts(house.ingest()) == (0, 0, 1)
    house.run("""INSERT INTO "T" SELECT * FROM kept""")
    assert counts(house.ingest()) == (1, 0, 0)
    rows = house.query(
        "SELECT _bronze_is_deleted, _bronze_record_hash, _bronze_valid_from, _bronze_valid_to FROM versions "
        "WHERE \"Id\" = 'r9' ORDER BY _bronze_valid_from"
    )
    assert [row[0] for row in rows] == [False, True, False]
    assert len({row[1] for row in rows}) == 1
    assert [row[3] for row in rows] == [rows[1][2], rows[2][2], None]


def test_delete_and_insert_in_the_same_batch_keep_the_count_yet_are_seen(house: House) -> None:
    house.ingest()
    house.run("""DELETE FROM "T" WHERE "Id" = 'r1'""", """INSERT INTO "T" VALUES ('z', 1, 1, 'z')""")
    assert counts(house.ingest()) == (1, 0, 1)
    house.run("""UPDATE "T" SET "Id" = 'renamed' WHERE "Id" = 'r2'""")
    assert counts(house.ingest()) == (1, 0, 1)


def test_reload_of_the_same_rows_adds_nothing(house: House) -> None:
    house.ingest()
    house.run('CREATE TABLE copy AS SELECT * FROM "T"', 'TRUNCATE "T"', 'INSERT INTO "T" SELECT * FROM copy')
    truncated = house.ingest()
    assert (truncated.choice.route, truncated.scanned_rows, truncated.commit) == ("batch", 30, None)
    house.run('DROP TABLE "T"', 'ALTER TABLE copy RENAME TO "T"', 'ALTER TABLE "T" ADD PRIMARY KEY ("Id")')
    recreated = house.ingest()
    assert (recreated.choice.route, recreated.commit) == ("snapshot", None)


def test_a_table_that_shrinks_is_refused_until_accepted(house: House) -> None:
    house.ingest()
    house.run("""DELETE FROM "T" WHERE kind < 2""", """DELETE FROM "T" WHERE amount > 25""")
    with pytest.raises(ExtractionError, match=r"22 of its 30 rows.*accept_shrink: \[T\]"):
        house.ingest()
    assert len(house.query("FROM live")) == 30
    assert counts(house.ingest(accept_shrink=["T"])) == (0, 0, 22)


def test_all_rows_replaced_by_others_is_a_shrink_too(house: House) -> None:
    house.ingest()
    house.run("""UPDATE "T" SET "Id" = 'x' || "Id\"""")
    with pytest.raises(ExtractionError, match="30 of its 30 rows"):
        house.ingest()
    assert house.ingest(accept_shrink=["t"]).deleted == 30


def test_columns_come_and_go(house: House) -> None:
    house.ingest()
    house.run('ALTER TABLE "T" ADD COLUMN empty text')
    assert house.ingest().commit is None, "no row has a value in it"
    house.run("""ALTER TABLE "T" ADD COLUMN filled text DEFAULT 'x'""")  # no row gets a new xmin
    batch = house.ingest()
    assert (batch.added_columns, counts(batch)) == (("empty", "filled"), (0, 30, 0))
    assert house.query("SELECT count(empty), count(filled), count(*) FROM live") == [(0, 30, 30)]
    assert house.ingest().commit is None
    house.run('ALTER TABLE "T" DROP COLUMN note', """UPDATE "T" SET kind = 7 WHERE "Id" = 'r1'""")
    assert counts(house.ingest()) == (0, 30, 0)
    assert house.query("SELECT count(note), count(filled) FROM live") == [(0, 30)]
    assert house.query("SELECT count(note) FROM versions") == [(60,)]
    labels = "SELECT split_part(_bronze_file_name, '/', 1), count(*), count(*) FILTER (\"Id\" = 'r1') FROM live GROUP BY 1 ORDER BY 1"
    assert house.query(labels) == [("schema", 29, 0), ("snapshot", 1, 1)], "one row changed, the others lost a column"
    house.run("""DELETE FROM "T" WHERE "Id" = 'r1'""")
    assert counts(house.ingest()) == (0, 0, 1)


def test_a_value_that_does_not_fit_is_named_and_nothing_is_visible(house: House) -> None:
    house.ingest()
    house.run("""UPDATE "T" SET amount = 'NaN' WHERE "Id" = 'r7'""")
    with pytest.raises(ExtractionError, match=r'"T", column "amount", row Id = r7.*NaN'):
        house.ingest()
    house.run("""UPDATE "T" SET amount = 7 WHERE "Id" = 'r7'""")
    assert counts(house.ingest()) == (0, 1, 0)


def test_an_error_in_a_late_block_keeps_its_own_words(house: House) -> None:
    """delta-rs consumes our generator: an exception in it must not come back as one of delta-rs'."""
    house.run(
        "INSERT INTO \"T\" SELECT 'm' || g, g, 0, repeat('x', 1000) FROM generate_series(1, 30000) g",
        "INSERT INTO \"T\" VALUES ('last', 'NaN', 0, '')",
    )
    with pytest.raises(ExtractionError, match="row Id = last"):
        house.ingest()
    assert publication.latest(house.lake).number == 0


def test_an_older_capture_published_late_changes_nothing(house: House) -> None:
    house.ingest()
    with house.capture() as old:
        house.run("""UPDATE "T" SET note = 'newer' WHERE "Id" = 'r1'""")
        house.ingest()
        late = house.ingest(capture=old)
    assert (late.choice.route, late.commit) == ("stale", None)
    assert house.query("SELECT note FROM live WHERE \"Id\" = 'r1'") == [("newer",)]


def test_a_view_has_no_xmin_and_duplicates_are_refused(house: House) -> None:
    spec = declared(name="V", asset="v")
    house.run('CREATE VIEW "V" AS SELECT * FROM "T"')
    assert house.ingest(spec=spec).rows == 30
    house.run("""UPDATE "T" SET note = 'seen' WHERE "Id" = 'r1'""", """DELETE FROM "T" WHERE "Id" = 'r2'""")
    batch = house.ingest(spec=spec)
    assert (batch.choice.route, counts(batch)) == ("snapshot", (0, 1, 1))
    assert house.ingest(spec=spec).commit is None
    house.run('CREATE OR REPLACE VIEW "V" AS SELECT * FROM "T" UNION ALL SELECT * FROM "T" WHERE "Id" = \'r5\'')
    with pytest.raises(ExtractionError, match=r'"V": the key .Id. does not identify'):
        house.ingest(spec=spec)


@pytest.mark.parametrize("copy", ["note", "'other'"])
@pytest.mark.parametrize("relation", ["table", "view"])
def test_a_repeated_key_cannot_hide_a_delete(new_house: Callable[..., House], relation: str, copy: str) -> None:
    """No index enforces the key: a copy of a row (changed or not) keeps the number of rows when another is deleted."""
    house = new_house()
    name = "T" if relation == "table" else "base"
    house.run(
        f'CREATE TABLE "{name}" ("Id" varchar(10), note text)',
        f"""INSERT INTO "{name}" VALUES ('a', 'n'), ('b', 'n'), ('c', 'n')""",
    )
    if relation == "view":
        house.run('CREATE VIEW "T" AS SELECT * FROM base')
    house.ingest()
    house.run(
        f"""DELETE FROM "{name}" WHERE "Id" = 'b'""",
        f"""INSERT INTO "{name}" SELECT "Id", {copy} FROM "{name}" WHERE "Id" = 'a'""",
    )
    with pytest.raises(ExtractionError, match=r"does not identify its rows \(Id = a\)"):
        house.ingest()
    house.run(f"""DELETE FROM "{name}" WHERE "Id" = 'a'""")
    assert counts(house.ingest(accept_shrink=["T"])) == (0, 0, 2)


def test_composite_keys_are_not_concatenated(new_house: Callable[..., House]) -> None:
    house = new_house(key=["a", "b"])
    house.run(
        'CREATE TABLE "T" (a text, b text, v int, PRIMARY KEY (a, b))',
        """INSERT INTO "T" VALUES ('x', 'yz', 1), ('xy', 'z', 1), ('', 'xyz', 1)""",
    )
    assert house.ingest().rows == 3
    house.run("""DELETE FROM "T" WHERE a = 'xy'""", """UPDATE "T" SET v = 2 WHERE a = ''""")
    assert counts(house.ingest()) == (0, 1, 1)
    assert sorted(house.query("SELECT a, b, v FROM live")) == [("", "xyz", 2), ("x", "yz", 1)]


def test_missing_tables(house: House) -> None:
    with pytest.raises(SourceError, match='no table "Gone"'):
        house.ingest(spec=declared(name="Gone", asset="gone"))
    vat = declared(name="Vat", asset="vat", support=True)
    assert house.ingest(spec=vat).rows == 0
    assert house.query('SELECT count("Rate") FROM live', vat) == [(0,)]
    assert house.ingest(spec=vat).commit is None
    house.run(
        'CREATE TABLE "Vat" ("Id" uuid PRIMARY KEY, "Rate" integer)', 'INSERT INTO "Vat" VALUES (gen_random_uuid(), 20)'
    )
    assert counts(house.ingest(spec=vat)) == (1, 0, 0)
    assert house.query('SELECT "Rate" FROM live', vat) == [(20,)]


def test_secrets_are_never_read(house: House) -> None:
    house.run(
        """ALTER TABLE "T" ADD COLUMN xx_mdp_ticket text DEFAULT 'hunter2', ADD COLUMN "MotDePasse" text DEFAULT 'p'"""
    )
    house.ingest()
    assert not any(
        b"hunter2" in p.read_bytes() or b"xx_mdp" in p.read_bytes()
        for p in Path(house.lake.url).rglob("*")
        if p.is_file()
    )


def test_window_is_layout_not_history(new_house: Callable[..., House]) -> None:
    house = new_house()
    house.run(
        'CREATE TABLE "T" ("Id" int PRIMARY KEY, "sysCreatedDate" timestamp, "sysModifiedDate" timestamp, v int)',
        """INSERT INTO "T" VALUES (1, '2026-01-05 23:59:59', NULL, 1), (2, '2026-01-04', '2026-01-05', 1),
            (3, '2026-01-06', NULL, 1)""",
    )
    day = date(2026, 1, 5)
    batch = house.ingest(window=(day, day), ingestion_date=day)
    assert counts(batch) == (2, 0, 0)
    assert {row[0] for row in house.query("SELECT _bronze_ingestion_date FROM live")} == {day}
    full = house.ingest()
    assert (full.choice.route, counts(full)) == ("snapshot", (1, 0, 0))
    position = publication.latest(house.lake).pins["bronze/t"].position
    house.run('UPDATE "T" SET v = 2 WHERE "Id" = 1', """INSERT INTO "T" VALUES (4, '2026-01-05', NULL, 1)""")
    again = house.ingest(window=(day, day), ingestion_date=day)
    assert counts(again) == (1, 1, 0)
    assert publication.latest(house.lake).pins["bronze/t"].position | {"number": ""} == position | {"number": ""}
    days = dict(house.query('SELECT "Id", _bronze_ingestion_date FROM live'))
    assert days[4] == day
    assert days[1] == today(), "a row seen changed today is dated today"
    assert house.ingest().commit is None
    house.run('CREATE TABLE kept AS SELECT * FROM "T" WHERE "Id" = 2', 'DELETE FROM "T" WHERE "Id" = 2')
    assert counts(house.ingest()) == (0, 0, 1)
    house.run('INSERT INTO "T" SELECT * FROM kept')
    assert counts(house.ingest(window=(day, day), ingestion_date=day)) == (1, 0, 0)
    returned = """SELECT _bronze_ingestion_date FROM live WHERE "Id" = 2"""
    assert house.query(returned) == [(today(),)], "its key had versions: it came back today"


def test_versions_of_a_window_do_not_hide_changes_of_a_server_with_lower_numbers(
    new_house: Callable[..., House],
) -> None:
    house = new_house()
    house.run(
        'CREATE TABLE "T" ("Id" int PRIMARY KEY, "sysModifiedDate" timestamp, v int)',
        """INSERT INTO "T" SELECT g, '2026-01-05', 1 FROM generate_series(1, 3) g""",
    )
    house.ingest()
    day = date(2026, 1, 5)
    house.run('UPDATE "T" SET v = 2 WHERE "Id" = 1', "CREATE TABLE other (x int)", "INSERT INTO other VALUES (1)")
    assert counts(house.ingest(window=(day, day), ingestion_date=day)) == (0, 1, 0)
    house.run('UPDATE "T" SET v = 3 WHERE "Id" = 1', 'DELETE FROM "T" WHERE "Id" = 2')
    with house.capture() as moved:
        moved.system, moved.horizon, moved.next_xid = "another/1", 3, 3
        assert counts(house.ingest(capture=moved)) == (0, 1, 1)
    assert sorted(house.query('SELECT "Id", v FROM live')) == [(1, 3), (3, 1)]


def test_reconciliation_sees_a_cent(house: House) -> None:
    with house.capture() as capture:
        writer = open_at_pin(house.lake, "bronze/t", None)
        batch = ingest_table(capture, house.spec, writer, None, DAY)
        assert reconcile(batch, writer) == []
        sums = {group: (total + Decimal("0.01"),) for group, (total,) in batch.source.sums.items()}
        object.__setattr__(batch.source, "sums", sums)
        assert str(reconcile(batch, writer)[0]).startswith("T (kind = 0): sum of amount is ")


def test_without_server_or_with_a_wrong_password_the_message_helps_and_hides_it(house: House) -> None:
    wrong = house.url.replace("@", "x@", 1)
    for url, words in [
        (wrong, "refuses the user or the password"),
        ("postgresql://u:hunter2@127.0.0.1:1/ebp", "does not answer"),
        (house.url.rsplit("/", 1)[0] + "/nowhere", "no such database"),
    ]:
        with pytest.raises(SourceError, match=words) as refused:
            house.__class__(url, house.lake, house.db, house.spec).ingest()
        assert "hunter2" not in str(refused.value)
        assert refused.value.__cause__ is None


def test_two_runs_at_once_cannot_both_commit(house: House) -> None:
    house.ingest()
    house.run("""INSERT INTO "T" VALUES ('new', 1, 1, 'n')""")
    pin = publication.latest(house.lake).pins["bronze/t"]
    with house.capture() as one, house.capture() as other:
        writers = [open_at_pin(house.lake, "bronze/t", pin) for _ in range(2)]
        assert ingest_table(one, house.spec, writers[0], pin, DAY).commit is not None
        with pytest.raises(ConflictError):
            ingest_table(other, house.spec, writers[1], pin, DAY)


def test_a_commit_that_was_never_published_is_captured_again(house: House) -> None:
    """A run that dies between its Delta commit and its publication record, also when it had grown the schema."""
    house.ingest()
    house.run("""ALTER TABLE "T" ADD COLUMN extra text DEFAULT 'x'""", """DELETE FROM "T" WHERE "Id" = 'r1'""")
    pin = publication.latest(house.lake).pins["bronze/t"]
    with house.capture() as capture:
        dead = ingest_table(capture, house.spec, open_at_pin(house.lake, "bronze/t", pin), pin, DAY)
        assert dead.commit is not None
    assert house.query("SELECT count(*) FROM versions") == [(30,)]
    assert counts(house.ingest()) == (0, 29, 1)
    assert house.query("SELECT count(*), count(extra) FROM live") == [(29, 29)]
    assert house.query("SELECT count(*) FROM versions") == [(60,)]
