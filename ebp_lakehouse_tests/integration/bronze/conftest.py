"""A real PostgreSQL with a database per test, a folder lake, and a driver that ingests and publishes like the house."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import uuid4

import duckdb
import psycopg
import pytest
from psycopg import sql

from ebp_lakehouse.bronze.ingest import ingest_table
from ebp_lakehouse.bronze.reconcile import Difference
from ebp_lakehouse.bronze.table_batch import TableBatch, reconcile
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.delta import TableWriter, load, open_at_pin
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.lake.views import TableFiles, bronze_relations
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.extraction import Capture
from ebp_lakehouse.source.registry import Registry, TableSpec
from ebp_lakehouse_tests.integration.bronze.streaming import TABLE, StreamHouse, drop_slots, stream_settings

DAY = date(2026, 11, 23)


@dataclass
class House:
    """One source database and one lake. ``spec`` is the table ``T`` of the tests, with its sums."""

    url: str
    lake: Lake
    db: psycopg.Connection[Any]
    spec: TableSpec
    writers: dict[str, TableWriter] = field(default_factory=dict)

    def capture(self, spec: TableSpec | None = None) -> Capture:
        return Capture(self.url, [spec or self.spec])

    def ingest(
        self, *, spec: TableSpec | None = None, capture: Capture | None = None, full: bool = False, **options: Any
    ) -> TableBatch:
        """One run: capture (unless given, entered), ingest, reconcile, publish. ``full`` reads every row."""
        if capture is None:
            with self.capture(spec) as own:
                return self.ingest(spec=spec, capture=own, full=full, **options)
        spec = spec or self.spec
        pin = publication.latest(self.lake).pins.get(spec.lake_key)
        if full and pin is not None:
            pin = replace(pin, position={**pin.position, "horizon": None})
        writer = open_at_pin(self.lake, spec.lake_key, pin)
        batch = ingest_table(capture, spec, writer, pin, options.pop("ingestion_date", DAY), **options)
        assert self.differences(batch, writer) == []
        if batch.moves:
            move = publication.Move(batch.based_on, batch.pin(DAY, published_at="2026-11-23T00:00:00"))
            publication.commit(self.lake, {spec.lake_key: move}, "test")
        return batch

    def differences(self, batch: TableBatch, writer: TableWriter) -> list[Difference]:
        return reconcile(batch, writer)

    def query(self, text: str, spec: TableSpec | None = None) -> list[tuple[Any, ...]]:
        """SQL over ``versions`` and ``live``, the two relations readers see."""
        spec = spec or self.spec
        pin = publication.latest(self.lake).pins[spec.lake_key]
        table = load(self.lake, spec.lake_key, pin.version)
        assert table is not None
        versions, live = bronze_relations(spec.key, TableFiles.of(table))
        with duckdb.connect() as connection:
            return connection.execute(f"WITH versions AS ({versions}), live AS ({live}) {text}").fetchall()

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.db.execute(statement)  # type: ignore[arg-type]


def declared(**body: Any) -> TableSpec:
    some = next(iter(Registry.load()))
    rules = {name: getattr(some, name) for name in ("secrets", "secret_patterns", "personal_rules")}
    base = {"name": "T", "asset": "t", "domain": "sales", "description": "Table d'essai."}
    return TableSpec.model_validate({**base, **rules, **body})


@pytest.fixture
def database(postgres: EmbeddedPostgres) -> Iterator[str]:
    name = f"t_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        yield postgres.url_of(name)
        server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
def new_house(database: str, tmp_path: Path) -> Iterator[Callable[..., House]]:
    with psycopg.connect(database, autocommit=True) as db:
        yield lambda **body: House(database, Lake.open(Settings(lake_url=str(tmp_path / "lake"))), db, declared(**body))


@pytest.fixture
def house(new_house: Callable[..., House]) -> House:
    """Table T(Id text, amount numeric, kind smallint, note text) with thirty rows."""
    made = new_house(reconcile={"measures": ["amount"], "by": ["kind"]})
    made.run(
        'CREATE TABLE "T" ("Id" varchar(10) PRIMARY KEY, amount numeric, kind smallint, note text)',
        """INSERT INTO "T" SELECT 'r' || g, g + 0.01, g % 3, 'note ' || g FROM generate_series(1, 30) g""",
    )
    return made


@pytest.fixture
def followed(database: str, tmp_path: Path) -> Iterator[StreamHouse]:
    """Table T with thirty rows, published, read once: what happens next comes in by the stream."""
    with psycopg.connect(database, autocommit=True) as db:
        house = StreamHouse(
            db,
            stream_settings(database, str(tmp_path / "lake")),
            (declared(reconcile={"measures": ["amount"], "by": ["kind"]}),),
        )
        house.execute(
            TABLE,
            """INSERT INTO "T" SELECT 'r' || g, g + 0.01, g % 3, 'note ' || g FROM generate_series(1, 30) g""",
            'CREATE PUBLICATION ebp_lakehouse FOR TABLE "T"',
        )
        assert house.batch().choice.route == "snapshot"
        try:
            yield house
        finally:
            drop_slots(db)
