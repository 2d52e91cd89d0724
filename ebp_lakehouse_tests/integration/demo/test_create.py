"""The demo company in a real PostgreSQL: the reference's schema, its sizes, and the same rows from the same seed."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator
from datetime import date
from importlib import resources
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from ebp_lakehouse.demo.create import CompanySummary, create_company
from ebp_lakehouse.demo.fillers import ALWAYS_WHOLE
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.errors import DemoError
from ebp_lakehouse.source.reference_schema import reference

SCALE = 0.02
AS_OF = date(2026, 11, 20)
# Tables whose sizes follow from others of the company (a bundle has its components) and not from the scale alone.
# The smallest company keeps enough equipment and contracts for the planted cases; stock and purchases put on its deals
# are those it has.
DERIVED = {
    "ItemComponent", "StockDocument", "CustomerProduct", "MaintenanceContract", "DealPurchaseDocumentLine", "DealStockDocument",
    "DealStockDocumentLine",
}  # fmt: skip


def _new_database(postgres: EmbeddedPostgres) -> str:
    name = f"c_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return postgres.url_of(name)


@pytest.fixture(scope="module")
def company(postgres: EmbeddedPostgres) -> tuple[str, CompanySummary]:
    url = _new_database(postgres)
    return url, create_company(url, SCALE, 7, AS_OF)


@pytest.fixture
def db(company: tuple[str, CompanySummary]) -> Iterator[psycopg.Connection]:
    with psycopg.connect(company[0]) as connection:
        yield connection


def test_every_column_type_and_nullability_is_the_references(db: psycopg.Connection) -> None:
    packed = (resources.files("ebp_lakehouse.source") / "reference" / "columns.csv.gz").read_bytes()
    rows = csv.DictReader(io.StringIO(gzip.decompress(packed).decode()))
    expected = [(r["table"], r["column"], r["type"], r["nullable"] == "true") for r in rows]
    found = db.execute(
        """SELECT table_name, column_name,
                  CASE data_type WHEN 'character varying' THEN 'varchar(' || character_maximum_length || ')'
                                 WHEN 'timestamp without time zone' THEN 'timestamp' ELSE data_type END,
                  is_nullable = 'YES'
           FROM information_schema.columns WHERE table_schema = 'public'"""
    ).fetchall()
    assert len(found) == 9919
    assert sorted(found) == sorted(expected)


def test_no_default_is_left_behind(db: psycopg.Connection) -> None:
    left = (
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND column_default IS NOT NULL"
    )
    assert db.execute(left).fetchone() == (0,)


def test_row_counts_follow_the_scale_and_empty_tables_stay_empty(
    db: psycopg.Connection, company: tuple[str, CompanySummary]
) -> None:
    counted = {}
    for name in reference():
        row = db.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name))).fetchone()
        counted[name] = row[0] if row else -1
    assert {name: rows for name, rows in counted.items() if rows} == company[1].rows
    assert sum(rows == 0 for rows in counted.values()) == 143
    for name, table in reference().items():
        if name not in DERIVED:
            # Small tables are parameters, kept whole.
            whole = table.rows <= ALWAYS_WHOLE and counted[name] == table.rows
            scaled = abs(counted[name] - max(min(1, table.rows), table.rows * SCALE)) <= 1 + 0.02 * table.rows * SCALE
            assert whole or scaled, (name, table.rows, counted[name])


def test_same_seed_same_rows(postgres: EmbeddedPostgres, db: psycopg.Connection) -> None:
    tables = ("SaleDocumentLine", "Customer", "ScheduleEvent", "StockMovement")
    again = _new_database(postgres)
    create_company(again, SCALE, 7, AS_OF)

    def digests(connection: psycopg.Connection) -> list[object]:
        text = "SELECT md5(string_agg(t::text, '|' ORDER BY t::text COLLATE \"C\")) FROM {} t"
        return [connection.execute(sql.SQL(text).format(sql.Identifier(name))).fetchone() for name in tables]

    with psycopg.connect(again) as other:
        assert digests(db) == digests(other)


def test_an_existing_company_is_refused(company: tuple[str, CompanySummary]) -> None:
    with pytest.raises(DemoError, match="empty database"):
        create_company(company[0], SCALE, 7, AS_OF)


@pytest.mark.parametrize("scale", [0, -1, 0.009, 11])
def test_a_scale_out_of_range_is_refused(scale: float) -> None:
    with pytest.raises(DemoError, match=r"scale is .* from 0\.01 to 10"):
        create_company("postgresql://nobody@127.0.0.1:1/none", scale, 1, AS_OF)
