"""Another schema than EBP's: hostile names, keys from the catalogue or none, every kind of relation, one file made once."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from ebp_lakehouse.bronze.batch import BatchResult, TableOutcome, run_batch
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.connection import connect as connect_source
from ebp_lakehouse.source.discovery import discover
from ebp_lakehouse.source.registry import Registry, selected_tables

DAY = date(2026, 11, 23)
HOSTILE = [
    "Mixed Case", 'quo"te', "dot.ted", "sl/ash", "élève", "é" * 31, "select", "x" * 63, "1st", "sale document", "SaleDocument2",
    "sale_document_2", "CUSTOMER", "a'b", "{}%s", "semi;colon", "tab\tnew\nline", "🧾", "..", "orders_current", "orders", "con",
]  # fmt: skip
COLUMNS = [
    "Id", "ID", "iD", "_bronze_position", "_BRONZE_record_hash", "_bronze_ingestion_month", "_hash", "_row", "select", "a.b",
    'q"q', "é", "É", "filename", "file_row_number", "rowid", "a,b", "{}", "%s", " ", "x" * 63, "source_bronze_position",
]  # fmt: skip


@pytest.fixture
def settings(database: str, tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "source_url": database,
            "lake_url": str(tmp_path / "lake"),
            "tables": "all",
            "tables_file": tmp_path / "tables.yaml",
        }
    )


def execute(settings: Settings, *statements: str | sql.Composable) -> None:
    with psycopg.connect(settings.source(), autocommit=True) as db:
        for statement in statements:
            db.execute(statement)  # type: ignore[arg-type]


def written(settings: Settings) -> dict[str, Any]:
    """The registry file as the command writes it, over the one that is there."""
    assert settings.tables_file is not None
    own = settings.tables_file if settings.tables_file.exists() else None
    with connect_source(settings.source()) as source:
        text = discover(source, Registry.load(own=own))
    settings.tables_file.write_text(text, encoding="utf-8")
    tables: dict[str, Any] = yaml.safe_load(text)["tables"]
    return tables


def run(settings: Settings, **options: Any) -> BatchResult:
    return run_batch(settings, selected_tables(settings), [DAY], DAY, **options)


def healthy(result: BatchResult) -> dict[str, TableOutcome]:
    assert [(name, o.error, o.problems) for name, o in result.outcomes.items() if not o.healthy] == []
    return dict(result.outcomes)


def ask(settings: Settings, query: str) -> list[tuple[Any, ...]]:
    with connect(settings=settings) as lake:
        return lake.execute(query).fetchall()


def test_hostile_names_of_tables_and_columns(settings: Settings) -> None:
    for number, name in enumerate(HOSTILE):
        execute(
            settings,
            sql.SQL("CREATE TABLE {} ({})").format(
                sql.Identifier(name),
                sql.SQL(", ").join(sql.SQL("{} integer").format(sql.Identifier(column)) for column in COLUMNS),
            ),
            sql.SQL("INSERT INTO {} VALUES ({})").format(
                sql.Identifier(name),
                sql.SQL(", ").join(sql.Literal(number * 100 + place) for place in range(len(COLUMNS))),
            ),
            sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({}, {})").format(
                sql.Identifier(name), sql.Identifier("_row"), sql.Identifier("_bronze_position")
            ),
        )
    tables = written(settings)
    assert set(tables) == set(HOSTILE)
    assets = {name: body["asset"] for name, body in tables.items()}
    assert len(set(assets.values())) == len(HOSTILE)
    assert (assets["Mixed Case"], assets["élève"], assets["1st"]) == ("mixed_case", "eleve", "t_1st")
    assert assets["CUSTOMER"].startswith("customer_"), "bronze/customer is EBP's, whatever the schema"
    assert assets["orders"] == "orders"
    assert assets["orders_current"].startswith("orders_current_"), "bronze.orders_current shows the live orders"
    healthy(run(settings))
    for number, name in enumerate(HOSTILE):
        rows = ask(settings, f"FROM bronze.{assets[name]}_current")
        assert [row[: len(COLUMNS)] for row in rows] == [tuple(number * 100 + place for place in range(len(COLUMNS)))]
    execute(settings, *(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)) for name in HOSTILE[:3]))
    outcomes = healthy(run(settings))
    assert [outcomes[assets[name]].batch.deleted for name in HOSTILE[:4]] == [1, 1, 1, 0]  # type: ignore[union-attr]
    assert written(settings) == tables, "a file that is written again keeps its names"


def test_keys_come_from_the_catalogue(settings: Settings) -> None:
    execute(
        settings,
        "CREATE TABLE primary_key (a int, b text, c int NOT NULL UNIQUE, PRIMARY KEY (b, a))",
        "CREATE TABLE unique_index (a int NOT NULL, b int NOT NULL, c int UNIQUE, UNIQUE (a, b), UNIQUE (b))",
        "CREATE TABLE replica (a int NOT NULL, b int NOT NULL UNIQUE, c int NOT NULL)",
        "CREATE UNIQUE INDEX replica_c ON replica (c)",
        "ALTER TABLE replica REPLICA IDENTITY USING INDEX replica_c",
        "CREATE TABLE partial (a int NOT NULL, b int NOT NULL, c int NOT NULL UNIQUE DEFERRABLE)",
        "CREATE UNIQUE INDEX ON partial (a) WHERE a > 0",
        "CREATE UNIQUE INDEX ON partial (abs(b))",
        "CREATE TABLE visit (api_key text PRIMARY KEY, b int, c int)",
    )
    for name in ("primary_key", "unique_index", "replica", "partial", "visit"):
        execute(settings, f"INSERT INTO {name} VALUES (1, '2', 3)")
    written(settings)
    outcomes = healthy(run(settings))
    keys = {name: outcome.batch.identity for name, outcome in outcomes.items() if outcome.batch}
    assert keys == {
        "primary_key": ("b", "a"),
        "unique_index": ("b",),
        "replica": ("c",),
        "partial": ("_bronze_record_hash",),
        "visit": ("_bronze_record_hash",),
    }
    assert ask(settings, "SELECT b, c FROM bronze.visit") == [(2, 3)]
    assert "api_key" not in [row[0] for row in ask(settings, "DESCRIBE bronze.visit")], "a secret is no key"


def test_whole_rows_are_counted(settings: Settings) -> None:
    execute(
        settings,
        "CREATE TABLE log (at date, what text, price numeric, token text)",
        "INSERT INTO log SELECT '2026-01-01', 'same', 1.5, 'hunter' FROM generate_series(1, 3)",
        "INSERT INTO log VALUES ('infinity', NULL, NULL), (NULL, NULL, NULL), (NULL, NULL, NULL)",
    )
    written(settings)
    live = "SELECT count(*), count(DISTINCT _bronze_record_hash), sum(price) FROM bronze.log_current"
    assert healthy(run(settings))["log"].batch.inserted == 6  # type: ignore[union-attr]
    assert ask(settings, live) == [(6, 6, Decimal("4.5"))]
    assert healthy(run(settings))["log"].published is False
    # one copy less, one more of another row, one changed, and one touched without a change
    execute(
        settings,
        "DELETE FROM log WHERE ctid IN (SELECT ctid FROM log WHERE what = 'same' LIMIT 1)",
        "INSERT INTO log VALUES (NULL, NULL, NULL)",
        "UPDATE log SET what = 'changed' WHERE ctid IN (SELECT ctid FROM log WHERE what = 'same' LIMIT 1)",
        "UPDATE log SET what = what WHERE what = 'same'",
    )
    batch = healthy(run(settings))["log"].batch
    assert batch is not None
    assert (batch.inserted, batch.updated, batch.deleted) == (2, 0, 2)
    assert ask(settings, "SELECT what, count(*) FROM bronze.log_current GROUP BY 1 ORDER BY 1 NULLS FIRST") == [
        (None, 4), ("changed", 1), ("same", 1),
    ]  # fmt: skip
    assert ask(settings, "SELECT count(*), count(_bronze_valid_to) FROM bronze.log WHERE NOT _bronze_is_deleted") == [
        (8, 2)
    ]
    execute(
        settings,
        "DELETE FROM log WHERE what IS NULL",
        "INSERT INTO log SELECT NULL, NULL, NULL FROM generate_series(1, 2)",
    )
    batch = healthy(run(settings))["log"].batch
    assert batch is not None
    assert (batch.inserted, batch.deleted, batch.rows) == (0, 2, 4), (
        "two of four copies came back: they are the same rows"
    )
    assert "token" not in [row[0] for row in ask(settings, "DESCRIBE bronze.log")], (
        "secrets have no place in a whole row"
    )


def test_every_kind_of_relation(settings: Settings) -> None:
    execute(
        settings,
        "CREATE TABLE parted (k int, d date, PRIMARY KEY (k, d)) PARTITION BY RANGE (d)",
        "CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM ('2026-01-01') TO ('2026-02-01')",
        "CREATE TABLE parted_2 PARTITION OF parted DEFAULT",
        "CREATE TABLE parent (k int PRIMARY KEY, v text)",
        "CREATE TABLE child (extra int) INHERITS (parent)",
        "CREATE TABLE base (k int PRIMARY KEY, v text)",
        "CREATE MATERIALIZED VIEW summary AS SELECT v, count(*) AS n FROM base GROUP BY v",
        "CREATE VIEW shown AS SELECT k, upper(v) AS v FROM base",
        "INSERT INTO parted VALUES (1, '2026-01-01'), (1, '2027-01-01')",
        "INSERT INTO parent VALUES (1, 'parent')",
        "INSERT INTO child VALUES (1, 'child of the same key', 7)",
        "INSERT INTO base VALUES (1, 'a'), (2, 'a')",
        "REFRESH MATERIALIZED VIEW summary",
    )
    tables = written(settings)
    assert list(tables) == ["base", "child", "parent", "parted", "summary"], "no partition, no view"
    assert settings.tables_file is not None
    tables["shown"] = {"key": ["k"]}  # as a user would write it
    settings.tables_file.write_text(yaml.safe_dump({"tables": tables}))
    healthy(run(settings))
    counted = {name: ask(settings, f"SELECT count(*) FROM bronze.{name}_current")[0][0] for name in tables}
    assert counted == {"base": 2, "child": 1, "parent": 2, "parted": 2, "shown": 2, "summary": 1}
    assert ask(settings, "SELECT v FROM bronze.parent_current ORDER BY v") == [("child of the same key",), ("parent",)]
    execute(
        settings,
        "UPDATE base SET v = 'b' WHERE k = 2",
        "REFRESH MATERIALIZED VIEW summary",
        "DELETE FROM parted_2",
        "UPDATE child SET v = 'changed'",
    )
    outcomes = healthy(run(settings))
    changes = {n: (o.batch.inserted, o.batch.updated, o.batch.deleted) for n, o in outcomes.items() if o.batch}
    assert changes == {
        "base": (0, 1, 0), "child": (1, 0, 1), "parent": (1, 0, 1), "parted": (0, 0, 1), "shown": (0, 1, 0), "summary": (2, 0, 1),
    }  # fmt: skip


def test_a_foreign_table_is_read_and_a_broken_one_stops_no_other(settings: Settings) -> None:
    with psycopg.connect(settings.source()) as db:
        info = db.info
        mapping = {"user": info.user, "password": info.password or ""}
        server = {"host": info.host, "port": str(info.port), "dbname": info.dbname}
    execute(
        settings,
        "CREATE TABLE base (k int PRIMARY KEY, v text)",
        "INSERT INTO base VALUES (1, 'a'), (2, NULL)",
        "CREATE EXTENSION postgres_fdw",
        options("CREATE SERVER itself FOREIGN DATA WRAPPER postgres_fdw OPTIONS ({})", server),
        options("CREATE USER MAPPING FOR CURRENT_USER SERVER itself OPTIONS ({})", mapping),
        "CREATE FOREIGN TABLE far (k int, v text) SERVER itself OPTIONS (table_name 'base')",
        "CREATE FOREIGN TABLE broken (k int, v text) SERVER itself OPTIONS (table_name 'gone')",
    )
    written(settings)
    outcomes = run(settings).outcomes
    assert (outcomes["base"].published, outcomes["far"].published) == (True, True)
    assert "gone" in str(outcomes["broken"].error)
    assert ask(settings, "SELECT k, v FROM bronze.far_current ORDER BY k") == [(1, "a"), (2, None)]


def options(text: str, values: dict[str, str]) -> sql.Composed:
    made = [sql.SQL("{} {}").format(sql.SQL(name), sql.Literal(value)) for name, value in values.items()]  # type: ignore[arg-type]
    return sql.SQL(text).format(sql.SQL(", ").join(made))  # type: ignore[arg-type]


def test_discover_finds_numerics_beyond_the_lakes_decimal(settings: Settings) -> None:
    execute(
        settings,
        "CREATE TABLE figures (k int PRIMARY KEY, fits numeric, third numeric, big numeric, odd numeric(10,2), tails numeric)",
        "INSERT INTO figures VALUES (1, 1.5, 1/3::numeric, 1e30, 'NaN', 1.10000000000000), (2, -2, NULL, 0, 1, 0)",
    )
    assert written(settings) == {"figures": {"asset": "figures", "text": ["third", "big", "odd"]}}
    healthy(run(settings))
    assert ask(settings, "SELECT sum(fits), min(third), max(big), max(odd), sum(tails) FROM bronze.figures") == [
        (Decimal("-0.5"), "0.33333333333333333333", "1000000000000000000000000000000", "NaN", Decimal("1.1"))
    ]
