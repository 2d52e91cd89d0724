"""``kill -9`` at every named point, twice, then a run that finishes: the lake equals the one of a run without a crash.

After each kill a reader sees the state before the run or the state after it, as the newest record says, never a mixture.
"""

from __future__ import annotations

import multiprocessing
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3
from ebp_lakehouse.failpoints import POINTS, VARIABLE, failpoint
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import live_files, load
from ebp_lakehouse.lake.session import quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import S3Options, Settings
from ebp_lakehouse_tests.integration.crash import scenarios
from ebp_lakehouse_tests.integration.lake.processes import append
from ebp_lakehouse_tests.integration.lake.test_maintenance import bronze_batch

# Children are forked from a server that has imported everything and started nothing: a real process in 50 ms.
CHILDREN = multiprocessing.get_context("forkserver")
CHILDREN.set_forkserver_preload([scenarios.__name__])
KILLED = -9
CATALOGS = ["record-created", "common-copy-put", "private-copy-put", "common-catalog-put", "catalogs-put"]
COMMITTED = ["delta-committed", "delta-restored", "before-record"]
BATCH = ["file-half-written", "files-uploaded", "columns-added", "delta-committed:2", *COMMITTED, *CATALOGS]
BACKFILL = ["files-uploaded", "delta-committed", "record-created"]
SILVER = ["delta-committed:2", *COMMITTED, "record-created", "common-catalog-put"]
GOLD = [*COMMITTED, "record-created"]
MAINTENANCE = [
    "record-retired", "catalog-retired", "file-vacuumed", "checkpoint-written", "log-entry-dropped",
    "files-uploaded", *COMMITTED, "compaction-audited", "record-created", "common-copy-put", "catalogs-put",
]  # fmt: skip
STREAM = ["slot-created", "files-uploaded", "delta-committed", "before-record", "record-created", "stream-published"]
S3 = ["files-uploaded", "delta-committed", "record-created", "common-catalog-put"]
# Times and what names a batch differ between two runs; everything else, the order of versions too, must not.
DIFFERENT = ["ingestion_timestamp", "file_name", "valid_from", "valid_to", "position"]

Content = dict[str, list[tuple[Any, ...]]]


def start(scenario: str, settings: Settings, point: str = "", argument: str = "after") -> int | None:
    process = CHILDREN.Process(target=scenarios.run, args=(scenario, settings, point, argument), daemon=True)
    process.start()
    process.join(120)
    return process.exitcode


def content(settings: Settings) -> Content:
    """Every row of every table that a reader with all rights sees."""
    if publication.latest_number(Lake.open(settings)) == 0:
        return {}
    found: Content = {}
    with catalog.connect(settings=settings, private=True) as connection:
        views = "SELECT schema_name, view_name FROM duckdb_views() WHERE schema_name IN ('bronze', 'silver', 'gold')"
        for schema, name in connection.execute(views).fetchall():
            relation = f'{schema}."{name}"'
            held = {row[0] for row in connection.execute(f"DESCRIBE {relation}").fetchall()}
            columns = "*"
            if "_bronze_valid_from" in held:
                left_out = ", ".join(f"_bronze_{column}" for column in DIFFERENT)
                order = 'row_number() OVER (PARTITION BY "Id" ORDER BY _bronze_valid_from)'
                columns = f"* EXCLUDE ({left_out}), {order} AS number, _bronze_valid_to IS NULL AS is_last"
            elif "_known_at" in held:
                columns = "* EXCLUDE (_known_at)"
            found[name] = connection.execute(f"SELECT {columns} FROM {relation} ORDER BY ALL").fetchall()
    return found


def shown_by_copies(settings: Settings) -> list[int]:
    """Which record plain DuckDB sees through the two convenience copies."""
    numbers = []
    for path in (catalog.CONVENIENCE_COPY, f"{publication.PRIVATE}/{catalog.CONVENIENCE_COPY}"):
        with session(settings) as connection:
            connection.execute(f"ATTACH {quote_literal(f'{settings.lake_url}/{path}')} AS copy (READ_ONLY)")
            numbers += connection.execute("SELECT number FROM copy.publication").fetchall()[0]
    return numbers


@dataclass
class Scenario:
    """A lake before a run, kept aside, and what readers see before and after that run."""

    name: str
    settings: Settings
    kept: Path | None = None
    before: Content = field(default_factory=dict)
    after: Content = field(default_factory=dict)
    number: int = 0

    @property
    def lake(self) -> Lake:
        return Lake.open(self.settings)

    def prepare(self) -> Scenario:
        """Keep the lake as it is now, then learn from a run without a crash what must come of it."""
        self.number, self.before = publication.latest_number(self.lake), content(self.settings)
        self.kept = Path(self.settings.lake_url).with_name(f"{self.name}-kept")
        shutil.copytree(self.settings.lake_url, self.kept)
        assert start(self.name, self.settings) == 0
        self.after = content(self.settings)
        return self

    def reset(self) -> None:
        if self.kept is not None:
            shutil.rmtree(self.settings.lake_url)
            shutil.copytree(self.kept, self.settings.lake_url)

    def survives(self, point: str) -> None:
        """Killed at ``point``, killed again in the recovery, then finished."""
        self.reset()
        if point == "delta-restored":  # only a run that follows a crash restores
            assert start(self.name, self.settings, "delta-committed") == KILLED
        published = False
        for attempt in range(2):
            ended = start(self.name, self.settings, point)
            allowed = {KILLED, 0} if attempt and (published or self.name == "maintenance") else {KILLED}
            assert ended in allowed, f"{point} was not reached (exit code {ended})"
            published = publication.latest_number(self.lake) > self.number
            assert content(self.settings) == (self.after if published else self.before)
        assert start(self.name, self.settings) == 0
        self.is_whole()

    def is_whole(self) -> None:
        assert content(self.settings) == self.after
        numbers = publication.numbers(self.lake)
        assert numbers == list(range(numbers[0], self.number + 2)), "records without a gap, one for the run"
        assert shown_by_copies(self.settings) == [numbers[-1]] * 2


@pytest.fixture(scope="module")
def source(postgres: EmbeddedPostgres) -> Iterator[str]:
    name = f"crash_{uuid4().hex[:8]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield postgres.url_of(name)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def batch(source: str, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """Two tables loaded; since then one has grown a column and lost, gained and changed rows, the other changed one."""
    settings = Settings(source_url=SecretStr(source), lake_url=str(tmp_path_factory.mktemp("batch") / "lake"))
    with psycopg.connect(source, autocommit=True) as db:
        for table in ("T", "U"):
            db.execute(f"""CREATE TABLE "{table}" ("Id" int PRIMARY KEY, note text)""")  # type: ignore[arg-type]
            db.execute(f"""INSERT INTO "{table}" SELECT g, 'n' || g FROM generate_series(1, 30) g""")  # type: ignore[arg-type]
        assert start("batch", settings) == 0
        db.execute("""ALTER TABLE "T" ADD COLUMN extra text DEFAULT 'x'""")
        db.execute("""DELETE FROM "T" WHERE "Id" = 3""")
        db.execute("""UPDATE "T" SET note = 'changed' WHERE "Id" = 4""")
        db.execute("""INSERT INTO "T" VALUES (31, 'new', NULL)""")
        db.execute("""UPDATE "U" SET note = 'changed' WHERE "Id" = 5""")
    made = Scenario("batch", settings).prepare()
    assert (len(made.before["t"]), len(made.after["t"]), len(made.after["u"])) == (30, 61, 31)
    return made


@pytest.fixture(scope="module")
def backfill(source: str, tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A lake without anything, and a table with rows of two past months (and of a day that was not asked for)."""
    settings = Settings(source_url=SecretStr(source), lake_url=str(tmp_path_factory.mktemp("backfill") / "lake"))
    Path(settings.lake_url).mkdir()
    with psycopg.connect(source, autocommit=True) as db:
        db.execute(
            """CREATE TABLE "W" ("Id" int PRIMARY KEY, "sysCreatedDate" timestamp, "sysModifiedDate" timestamp)"""
        )
        db.execute(
            """INSERT INTO "W" SELECT g, timestamp '2026-01-29' + g * interval '1 day' FROM generate_series(0, 4) g"""
        )
    made = Scenario("backfill", settings).prepare()
    assert (made.before, [row[0] for row in made.after["w"]]) == ({}, [1, 2, 3, 4])
    return made


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    settings = Settings(lake_url=str(tmp_path_factory.mktemp("silver") / "lake"))
    assert start("silver", settings, argument="before") == 0
    made = Scenario("silver", settings).prepare()
    assert [row[:2] + row[3:] for row in made.before["s"]] == [(1, "a", "01"), (2, "b", "02"), (3, "c", "03")]
    assert [row[:2] + row[3:] for row in made.after["s"]] == [(1, "a", "01"), (2, "B", "22"), (4, "d", "04")]
    return made


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    settings = Settings(lake_url=str(tmp_path_factory.mktemp("gold") / "lake"))
    for scenario, argument in (("silver", "before"), ("gold", "before"), ("silver", "after")):
        assert start(scenario, settings, argument=argument) == 0
    made = Scenario("gold", settings).prepare()
    assert [row[:2] for row in made.before["g"]] == [(20261101, 1), (20261102, 1), (20261103, 1)]
    assert [row[:2] for row in made.after["g"]] == [(20261101, 1), (20261102, 11), (20261104, 1)]  # the third day went
    return made


@pytest.fixture(scope="module")
def maintenance(tmp_path_factory: pytest.TempPathFactory) -> Scenario:
    """A month of four files, a table with many commits, catalogs of several records, the rest of a crash."""
    settings = Settings(lake_url=str(tmp_path_factory.mktemp("maintenance") / "lake"))
    lake = Lake.open(settings)
    for hour in range(4):
        move = bronze_batch(lake, date(2026, 10, 7), hour, [hour, 100], publish=False)
        catalog.publish(settings, {"bronze/t": move}, "batch")
    for number in range(56):
        publication.commit(lake, {"silver/t": append(lake, "silver/t", number)[1]}, "test")
    catalog.publish(settings, {"silver/t": append(lake, "silver/t", 56)[1]}, "test")
    for number in range(3):
        lake.replace(f"silver/t/part-crashed-{number}.parquet", b"rest of a crash")
    made = Scenario("maintenance", settings).prepare()
    assert made.before == made.after
    return made


@pytest.mark.parametrize("point", BATCH)
def test_a_bronze_batch(batch: Scenario, point: str) -> None:
    batch.survives(point)


@pytest.mark.parametrize("point", BACKFILL)
def test_a_back_fill_of_several_days(backfill: Scenario, point: str) -> None:
    backfill.survives(point)


@pytest.mark.parametrize("point", SILVER)
def test_a_silver_publication(silver: Scenario, point: str) -> None:
    silver.survives(point)


@pytest.mark.parametrize("point", GOLD)
def test_a_gold_publication(gold: Scenario, point: str) -> None:
    gold.survives(point)


@pytest.mark.parametrize("point", MAINTENANCE)
def test_maintenance(maintenance: Scenario, point: str) -> None:
    maintenance.survives(point)
    lake = maintenance.lake
    pins = publication.latest(lake).pins
    tables = {key: load(lake, key, pin.version) for key, pin in pins.items()}
    assert {key: len(live_files(table)) for key, table in tables.items() if table} == {"bronze/t": 1, "silver/t": 1}
    assert not [item.path for item in lake.listing("silver/t") if "crashed" in item.path]
    assert len(lake.names("silver/t/_delta_log")) < 10


@pytest.mark.parametrize("point", S3)
def test_a_first_load_on_s3(batch: Scenario, s3: EmbeddedS3, point: str) -> None:
    """From nothing, on the other store; the reference is a first load that nobody killed."""
    options = S3Options(
        access_key_id=SecretStr(s3.access_key_id),
        secret_access_key=SecretStr(s3.secret_access_key),
        region=s3.region,
        endpoint_url=s3.endpoint_url,
    )
    url = f"s3://{s3.bucket}/{uuid4().hex}"
    made = Scenario("batch", batch.settings.model_copy(update={"lake_url": url, "s3": options}))
    live = batch.after["t_current"]
    made.after = _first_load(batch.settings)
    assert [row[0] for row in made.after["t_current"]] == [row[0] for row in live]
    made.survives(point)


def _first_load(settings: Settings) -> Content:
    fresh = settings.model_copy(update={"lake_url": f"{settings.lake_url}-first"})
    if not Path(fresh.lake_url).exists():
        assert start("batch", fresh) == 0
    return content(fresh)


def test_every_point_is_walked() -> None:
    walked = {
        point.partition(":")[0]
        for points in (BATCH, BACKFILL, SILVER, GOLD, MAINTENANCE, STREAM, S3)
        for point in points
    }
    assert walked == set(POINTS)


def test_nothing_can_be_armed_in_production(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "record-created")
    monkeypatch.setenv("EBP_ENVIRONMENT", "production")
    failpoint("record-created")  # would kill the tests
    monkeypatch.setenv("EBP_ENVIRONMENT", "local")
    with pytest.raises(AssertionError, match="not in failpoints"):
        failpoint("a point that nobody named")
