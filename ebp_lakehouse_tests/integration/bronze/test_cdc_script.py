"""The administrator's script on a real PostgreSQL: nothing of EBP's can fail because of it, no secret is ever streamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ebp_lakehouse import doctor
from ebp_lakehouse.bronze import spool
from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.source.connection import connect
from ebp_lakehouse.source.dba_script import render
from ebp_lakehouse.source.introspection import introspect
from ebp_lakehouse.source.published import published_tables
from ebp_lakehouse.source.registry import Registry, TableSpec
from ebp_lakehouse_tests.integration.bronze.conftest import declared
from ebp_lakehouse_tests.integration.bronze.streaming import StreamHouse, drop_slots, stream_settings

# name → (statements that make it, whether it may enter the publication)
HOSTILE = {
    "plain": ('CREATE TABLE "plain" ("Id" int PRIMARY KEY, note text, flag boolean)', True),
    "no key": ('CREATE TABLE "no key" ("Id" int, note text)', False),
    "deferred": ('CREATE TABLE "deferred" ("Id" int PRIMARY KEY DEFERRABLE, note text)', False),
    "unique": ('CREATE TABLE "unique" ("Id" int NOT NULL UNIQUE, note text)', False),
    "chosen": (
        ('CREATE TABLE "chosen" ("Id" int NOT NULL, note text); CREATE UNIQUE INDEX chosen_i ON "chosen" ("Id");'
        'ALTER TABLE "chosen" REPLICA IDENTITY USING INDEX chosen_i'),
        True,
    ),
    "nothing": ('CREATE TABLE "nothing" ("Id" int PRIMARY KEY, note text); ALTER TABLE "nothing" REPLICA IDENTITY NOTHING', False),
    "full": ('CREATE TABLE "full" ("Id" int PRIMARY KEY, note text); ALTER TABLE "full" REPLICA IDENTITY FULL', True),
    "secret": ('CREATE TABLE "secret" ("Id" int PRIMARY KEY, note text, "xx_mdp_ticket" text, "userPASSWORD" text)', True),
    "full secret": (
        ('CREATE TABLE "full secret" ("Id" int PRIMARY KEY, note text, "xx_Licence" text);'
        'ALTER TABLE "full secret" REPLICA IDENTITY FULL'),
        False,
    ),
    "secret key": ('CREATE TABLE "secret key" ("Id" int, note text, api_key text, PRIMARY KEY ("Id", api_key))', False),
    "other key": ('CREATE TABLE "other key" (number int PRIMARY KEY, "Id" int UNIQUE NOT NULL, note text)', False),
    "generated": (
        'CREATE TABLE "generated" ("Id" int PRIMARY KEY, note text, twice text GENERATED ALWAYS AS (note || note) STORED)',
        False,
    ),
    "parted": (
        ('CREATE TABLE "parted" ("Id" int PRIMARY KEY, note text) PARTITION BY RANGE ("Id");'
        'CREATE TABLE parted_1 PARTITION OF "parted" FOR VALUES FROM (0) TO (100)'),
        False,
    ),
    "parent": ('CREATE TABLE "parent" ("Id" int PRIMARY KEY, note text); CREATE TABLE child () INHERITS ("parent")', False),
    "unlogged": ('CREATE UNLOGGED TABLE "unlogged" ("Id" int PRIMARY KEY, note text)', False),
    'Éà "quoted"': ('CREATE TABLE "Éà ""quoted""" ("Id" int PRIMARY KEY, note text, "pwd" text)', True),
}  # fmt: skip


def specs() -> list[TableSpec]:
    return [declared(name=name, asset=f"t{i}") for i, name in enumerate(HOSTILE)]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture
def source(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as db:
        for statements, _ in HOSTILE.values():
            db.execute(statements)  # type: ignore[arg-type]
        db.execute('CREATE VIEW "a view" AS SELECT * FROM "plain"')
        try:
            yield db
        finally:
            drop_slots(db)
            db.execute("DROP PUBLICATION IF EXISTS ebp_lakehouse")
            if db.execute("SELECT FROM pg_roles WHERE rolname = 'ebp_lakehouse'").fetchall():
                db.execute("DROP OWNED BY ebp_lakehouse; DROP ROLE ebp_lakehouse")


def recorded(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every line that is spooled from here on."""
    lines: list[bytes] = []
    keep = spool.Spool.keep

    def recording(self: spool.Spool, line: bytes) -> int:
        lines.append(line)
        return keep(self, line)

    monkeypatch.setattr(spool.Spool, "keep", recording)
    return lines


def test_no_write_of_ebp_fails_because_of_the_publication(source: psycopg.Connection[Any]) -> None:
    script = render([*specs(), declared(name="a view", asset="v")])
    source.execute(script)  # type: ignore[arg-type]
    members = {name for (name,) in source.execute("SELECT tablename FROM pg_publication_tables").fetchall()}
    assert members == {name for name, (_, enters) in HOSTILE.items() if enters}
    for name in HOSTILE:
        table = quoted(name)
        extra = ", api_key" if name == "secret key" else ", number" if name == "other key" else ""
        source.execute(f"INSERT INTO {table} (\"Id\", note{extra}) VALUES (1, 'a'{', 1' if extra else ''})")  # type: ignore[arg-type]
        source.execute(f"UPDATE {table} SET note = 'b'")  # type: ignore[arg-type]
        source.execute(f'UPDATE {table} SET "Id" = 2')  # type: ignore[arg-type]
        source.execute(f"DELETE FROM {table}")  # type: ignore[arg-type]
        source.execute(f"TRUNCATE {table}")  # type: ignore[arg-type]


def test_script_and_run_agree_on_what_is_a_secret(source: psycopg.Connection[Any], database: str) -> None:
    types = [
        "text", "varchar(9)", "citext_", "uuid", "json", "jsonb", "xml", "text[]", "numeric(4,2)[]", "bytea", "mood", "inet",
        "boolean", "smallint", "integer", "bigint", "numeric", "numeric(4,2)", "real", "double precision", "money",
        "date", "time", "timetz(2)", "timestamp", "timestamp(3)", "timestamptz(3)", "interval",
    ]  # fmt: skip
    columns = ", ".join(f'token_{number} {kind}, "SecretaryId{number}Id" {kind}' for number, kind in enumerate(types))
    source.execute("CREATE TYPE mood AS ENUM ('sad'); CREATE DOMAIN citext_ AS text")
    source.execute(f'CREATE TABLE "T" ("Id" int PRIMARY KEY, {columns})')  # type: ignore[arg-type]
    source.execute(render([declared()]))  # type: ignore[arg-type]
    with connect(database) as reader:
        (table,) = introspect(reader, [declared()]).values()
        (published,) = published_tables(reader).values()
    assert published.why_not(table, declared()) is None
    assert set(published.columns) == {column.name for column in table.columns}
    harmless = len(types) - types.index("boolean")
    assert len(published.columns) == 1 + 2 * harmless + 1, "the uuid that refers to another row"


def test_running_the_script_again_changes_no_membership(source: psycopg.Connection[Any]) -> None:
    script = render(specs())
    query = "SELECT oid, prrelid FROM pg_publication_rel ORDER BY 1"
    source.execute(script)  # type: ignore[arg-type]
    before = source.execute(query).fetchall()
    source.execute(script)  # type: ignore[arg-type]
    assert source.execute(query).fetchall() == before


def test_a_publication_for_all_tables_is_refused_by_script_and_run(followed: StreamHouse) -> None:
    followed.execute("DROP PUBLICATION ebp_lakehouse", "CREATE PUBLICATION ebp_lakehouse FOR ALL TABLES")
    with pytest.raises(psycopg.errors.RaiseException, match="danger to EBP"):
        followed.db.execute(render(followed.specs))  # type: ignore[arg-type]
    with pytest.raises(SourceError, match="could no longer update"):
        followed.run()
    followed.execute("ROLLBACK")


def test_the_role_of_the_script_is_enough_and_never_sees_a_secret(
    source: psycopg.Connection[Any], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [spec for spec in specs() if spec.name in ("secret", "plain", "no key")]
    source.execute(render(wanted))  # type: ignore[arg-type]
    source.execute("ALTER ROLE ebp_lakehouse PASSWORD 'reader'")
    source.execute("""INSERT INTO "secret" VALUES (1, 'a', 'HIDDEN', 'HIDDEN'), (2, 'b', 'HIDDEN', 'HIDDEN')""")
    source.execute("""INSERT INTO "no key" VALUES (1, 'a')""")
    user = database.split("@")[1]
    house = StreamHouse(
        source, stream_settings(f"postgresql://ebp_lakehouse:reader@{user}", str(tmp_path / "lake")), tuple(wanted)
    )
    spooled = recorded(monkeypatch)
    assert all(outcome.healthy for outcome in house.run().outcomes.values())
    source.execute("""UPDATE "secret" SET note = 'c', xx_mdp_ticket = 'HIDDEN too' WHERE "Id" = 1""")
    source.execute("""DELETE FROM "secret" WHERE "Id" = 2""")
    source.execute("""INSERT INTO "no key" VALUES (2, 'b')""")
    result = house.run()
    routes = {o.spec.name: o.batch.choice.route for o in result.outcomes.values() if o.batch}
    assert routes == {"secret": "cdc", "plain": "cdc", "no key": "batch"}
    assert spooled == [b"1,c\n", b"2\n"]
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"HIDDEN" not in file.read_bytes(), file
    with psycopg.connect(house.settings.source()) as reader, pytest.raises(psycopg.errors.Error):
        reader.execute('SELECT xx_mdp_ticket FROM "secret"')


def test_a_publication_that_carries_a_secret_is_not_streamed(
    source: psycopg.Connection[Any], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody publishes the table whole: it comes by the batch route, and its changes are not even spooled."""
    source.execute('CREATE PUBLICATION ebp_lakehouse FOR TABLE "secret", "plain"')
    wanted = tuple(spec for spec in specs() if spec.name in ("secret", "plain"))
    house = StreamHouse(source, stream_settings(database, str(tmp_path / "lake")), wanted)
    house.run()
    source.execute("""INSERT INTO "secret" VALUES (1, 'a', 'HIDDEN', 'HIDDEN'); INSERT INTO "plain" VALUES (1, 'p')""")
    spooled = recorded(monkeypatch)
    result = house.run()
    assert spooled == [b"1,p,\n"]
    outcome = next(o for o in result.outcomes.values() if o.spec.name == "secret")
    assert outcome.batch is not None
    assert outcome.batch.choice.route == "batch"
    assert outcome.stream_problem is not None
    assert "xx_mdp_ticket" in outcome.stream_problem
    assert all(b"HIDDEN" not in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_the_script_and_the_registry_agree_on_every_column_of_the_reference(database: str) -> None:
    from ebp_lakehouse.demo.schema import table_ddl  # noqa: PLC0415
    from ebp_lakehouse.source.reference_schema import reference  # noqa: PLC0415

    registered = tuple(Registry.load())
    with psycopg.connect(database, autocommit=True) as db:
        for spec in registered:
            if spec.name in reference():
                db.execute(table_ddl(reference()[spec.name]))
        db.execute(render(registered))  # type: ignore[arg-type]
        with connect(database) as reader:
            tables, published = introspect(reader, registered), published_tables(reader)
        assert len(published) > len(tables) / 2
        with_list = 0
        for spec in registered:
            table = tables.get(spec.name)
            member = published.get(table.oid) if table else None
            if table and member:
                assert set(member.columns) == {column.name for column in table.columns}, spec.name
                assert member.why_not(table, spec) is None
                assert not member.blocks_writes
                with_list += member.has_column_list
        assert with_list > 0, "some table of EBP has secrets"
        db.execute("DROP PUBLICATION ebp_lakehouse; DROP OWNED BY ebp_lakehouse; DROP ROLE ebp_lakehouse")


def test_the_doctor_names_what_is_missing(followed: StreamHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    other = declared(name="U", asset="u")
    monkeypatch.setattr(Registry, "select", lambda *_: (*followed.specs, other))
    followed.execute('CREATE TABLE "U" ("Id" int, note text)')
    found = {(f.state, f.subject): f"{f.text} {f.advice}" for f in doctor.change_stream(followed.settings)}
    assert "U comes by the batch route: it is not in the publication" in found["warn", "publication"]
    assert found["ok", "publication"].startswith("1 of 2 tables are streamed")
    assert "reserved" in found["ok", "slot"]
    followed.execute('ALTER PUBLICATION ebp_lakehouse ADD TABLE "U"')
    found = {(f.state, f.subject): f"{f.text} {f.advice}" for f in doctor.change_stream(followed.settings)}
    assert 'DROP TABLE "U"' in found["fail", "publication"]
    batch = followed.settings.model_copy(update={"ingest_mode": "batch"})
    (left,) = doctor.change_stream(batch)
    assert "nobody reads it" in left.text
