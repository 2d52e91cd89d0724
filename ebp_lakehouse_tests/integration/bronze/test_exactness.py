"""Every value of a full-width EBP table arrives as PostgreSQL shows it."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
from psycopg import sql

from ebp_lakehouse.demo.schema import table_ddl
from ebp_lakehouse.lake.delta import load
from ebp_lakehouse.source.connection import connect
from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse_tests.integration.bronze.conftest import House, declared

HOSTILE = [
    "",
    " ",
    '"',
    ",,",
    "a\nb",
    "a\r\nb",
    "\\.",
    "\\N",
    "NULL",
    "é",
    "🧾",
    "\ufeffx",
    "x,",
    "\t",
    "\x01",
    "1.50",
    "e\u0301",
]
ROWS = 60


def value(kind: str, random_: random.Random) -> object:
    """One awkward value of a PostgreSQL type."""
    if kind == "numeric":
        digits = random_.choice([0, 1, 5, 12, 20])
        whole = "9" * digits if random_.random() < 0.3 else str(random_.randrange(10**digits))
        return Decimal(f"{random_.choice(['', '-'])}{whole}.{random_.randrange(10**8):08d}".rstrip("0").rstrip("."))
    if kind.startswith("timestamp"):
        return (
            f"{random_.choice(['0001', '1582', '1899', '2026', '9999'])}-12-31 23:59:59.{random_.randrange(10**6):06d}"
        )
    plain: dict[str, Callable[[], object]] = {
        "uuid": lambda: f"{random_.getrandbits(128):032x}",
        "boolean": lambda: random_.random() < 0.5,
        "smallint": lambda: random_.choice([-32768, 0, 32767]),
        "integer": lambda: random_.choice([-(2**31), 0, 2**31 - 1]),
        "bytea": lambda: random_.randbytes(random_.randrange(4)),
        "double precision": lambda: random_.choice([0.1, 1e-300, 1.7976931348623157e308, float("-inf"), -0.0]),
    }
    if kind in plain:
        return plain[kind]()
    width = int(kind[8:-1]) if kind.startswith("varchar(") else 100
    return random_.choice(HOSTILE)[:width]


def test_the_widest_table_of_ebp_is_exact(new_house: Callable[..., House]) -> None:
    wide = reference()["SaleDocument"]
    spec = declared(
        name="SaleDocument",
        asset="sale_document",
        reconcile={"measures": ["AmountVatIncluded"], "by": ["year(DocumentDate)"]},
    )
    house = new_house()
    house.db.execute(table_ddl(wide))
    columns = [column.name for column in wide.columns]
    assert len(columns) == 538
    random_ = random.Random(538)  # noqa: S311
    insert = sql.SQL("INSERT INTO {} VALUES ({})").format(
        sql.Identifier("SaleDocument"), sql.SQL(", ").join(sql.Placeholder() * len(columns))
    )
    for _ in range(ROWS):
        row = [
            None if column.nullable and random_.random() < 0.3 else value(column.type, random_)
            for column in wide.columns
        ]
        house.db.execute(insert, row)
    batch = house.ingest(spec=spec)
    assert batch.rows == ROWS

    table = load(house.lake, spec.lake_key)
    assert table is not None
    assert all(
        pa.types.is_decimal(pa.field(f).type)
        for f in pa.schema(table.schema().to_arrow())
        if f.name.startswith("Amount")
    )
    mine = duckdb.read_parquet(table.file_uris(), hive_partitioning=False).order('"Id"').to_arrow_table()
    with connect(house.url) as source:
        shown = sql.SQL(", ").join(sql.SQL("{}::text").format(sql.Identifier(c)) for c in columns)
        theirs = source.execute(
            sql.SQL('SELECT {} FROM "SaleDocument" ORDER BY "Id"::text COLLATE "C"').format(shown)
        ).fetchall()
    for index, name in enumerate(columns):
        kind = wide.column(name).type  # type: ignore[union-attr]
        for ours, text in zip(mine.column(name).to_pylist(), [line[index] for line in theirs], strict=True):
            assert equal(ours, text, kind), (name, kind, ours, text)


def equal(ours: Any, text: str | None, kind: str) -> bool:  # noqa: PLR0911
    """Whether our typed value is the one PostgreSQL shows as ``text``; written without the code under test."""
    if text is None or ours is None:
        return text is ours
    if kind == "numeric":
        return isinstance(ours, Decimal) and ours == Decimal(text)
    if kind == "boolean":
        return ours is (text == "true")
    if kind == "bytea":
        return "\\x" + ours.hex() == text
    if kind == "double precision":
        return repr(ours) == repr(float(text))
    if kind.startswith("timestamp"):
        return ours.isoformat(" ").rstrip("0").rstrip(".") == text.rstrip("0").rstrip(".")
    return str(ours) == text


def test_one_message_is_one_row_even_with_newlines_inside(house: House) -> None:
    house.run(
        """INSERT INTO "T" SELECT 'n' || g, g, 1, E'a\\n"b"\\r\\n,' || repeat(E'\\n', g) FROM generate_series(1, 9) g"""
    )
    assert house.ingest().rows == 39
    text = house.query("SELECT note FROM live WHERE \"Id\" = 'n3'")[0][0]
    assert text == 'a\n"b"\r\n,\n\n\n'
    assert next(csv.reader(io.StringIO('"x\ny"\n', newline=""))) == ["x\ny"]


def test_hostile_identifiers(new_house: Callable[..., House]) -> None:
    name = 'T"; DROP TABLE "x'
    house = new_house()
    spec = declared(name=name, asset="hostile", key=['k "é'])
    house.db.execute(
        sql.SQL('CREATE TABLE {} ("k ""é" int PRIMARY KEY, "select" text, "a,b" text, "{{}}" text, "%s" text)').format(
            sql.Identifier(name)
        )
    )
    house.db.execute(sql.SQL("INSERT INTO {} VALUES (1, 's', 'c', 'b', 'p')").format(sql.Identifier(name)))
    assert house.ingest(spec=spec).rows == 1
    house.db.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
    assert house.ingest(spec=spec).deleted == 1
    rows = house.query(
        'SELECT "k ""é", "select", "a,b", "{}", "%s", _bronze_is_deleted FROM versions ORDER BY _bronze_valid_from',
        spec,
    )
    assert rows == [(1, "s", "c", "b", "p", False), (1, "s", "c", "b", "p", True)]


def test_two_tables_of_one_capture_are_one_instant(house: House) -> None:
    other = declared(name="U", asset="u")
    house.run('CREATE TABLE "U" ("Id" int PRIMARY KEY)')
    from ebp_lakehouse.source.extraction import Capture  # noqa: PLC0415

    with Capture(house.url, [house.spec, other]) as capture:
        house.run('INSERT INTO "U" VALUES (1)', """DELETE FROM "T" WHERE "Id" = 'r1'""")
        assert house.ingest(capture=capture).rows == 30
        assert house.ingest(capture=capture, spec=other).rows == 0
    assert house.ingest(spec=other).rows == 1
