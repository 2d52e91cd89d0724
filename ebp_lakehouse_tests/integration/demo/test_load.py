"""Loading frames into a real PostgreSQL: exact values, defaults that do not stay, whole tables or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from uuid import uuid4

import polars as pl
import psycopg
import pytest
from psycopg import sql

from ebp_lakehouse.demo.load import load
from ebp_lakehouse.demo.schema import create_schema
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.errors import DemoError


@pytest.fixture(scope="module")
def url(postgres: EmbeddedPostgres) -> str:
    name = f"l_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    create_schema(postgres.url_of(name))
    return postgres.url_of(name)


@pytest.fixture
def db(url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute('TRUNCATE "Unit", "Customer", "SaleDocument"')
        yield connection


def test_hostile_texts_nulls_and_exact_numbers_arrive(url: str, db: psycopg.Connection) -> None:
    texts = ["", None, "a,b", 'say "x"', "two\nlines", "\\N", "\\.", " é ", "ends\r\n"]
    amount = Decimal("12345678901234567890.12345678")
    moment = datetime(2026, 3, 29, 2, 30, 0, 123000)  # noqa: DTZ001 - a wall-clock time that did not exist in Paris
    rows = len(texts)
    frame = pl.DataFrame(
        {
            "DocumentNumber": [f"N{number}" for number in range(rows)],
            "NotesClear": texts,
            "AmountVatExcluded": pl.Series([amount] * rows, dtype=pl.Decimal(28, 8)),
            "DocumentDate": [moment] * rows,
            "Printed": [True] * rows,
        }
    )
    (loaded,) = load(url, [("SaleDocument", frame)])
    assert (loaded.name, loaded.rows) == ("SaleDocument", rows)
    found = db.execute(
        'SELECT "NotesClear", "AmountVatExcluded", "DocumentDate", "Printed" FROM "SaleDocument" ORDER BY "DocumentNumber"'
    ).fetchall()
    assert found == [(text, amount, moment, True) for text in texts]


def test_left_out_columns_hold_null_or_zero_and_keys_are_numbered(url: str, db: psycopg.Connection) -> None:
    load(url, [("SaleDocument", pl.DataFrame({"DocumentNumber": ["A", "B"]}))])
    found = db.execute(
        'SELECT count(DISTINCT "Id"), max("VatAmount"), bool_or("Printed"), max("Reference"), max("NumberPrefix"),'
        ' max("DocumentDate") FROM "SaleDocument"'
    ).fetchone()
    assert found == (2, 0, False, None, "", datetime(1970, 1, 1))  # noqa: DTZ001
    left = "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'public' AND column_default > ''"
    assert db.execute(left).fetchone() == (0,)


def test_a_refused_row_refuses_its_table_and_says_which(url: str, db: psycopg.Connection) -> None:
    frame = pl.DataFrame({"Id": ["U1", "U2", "TOO LONG"]})
    with pytest.raises(DemoError, match=r"table Unit: value too long.*line 3"):
        load(url, [("Unit", frame)])
    assert db.execute('SELECT count(*) FROM "Unit"').fetchone() == (0,)


def test_duplicate_keys_are_refused(url: str, db: psycopg.Connection) -> None:
    with pytest.raises(DemoError, match="table Unit: duplicate key"):
        load(url, [("Unit", pl.DataFrame({"Id": ["U1", "U1"]}))])


@pytest.mark.parametrize(("table", "column"), [("Unit", "NoSuch"), ("NoSuch", "Id")])
def test_what_ebp_does_not_have_is_refused(url: str, table: str, column: str) -> None:
    with pytest.raises(DemoError, match=r"no (column|table) NoSuch"):
        load(url, [(table, pl.DataFrame({column: ["x"]}))])


def test_an_error_while_making_rows_comes_out_and_nothing_hangs(url: str) -> None:
    def frames() -> Iterator[tuple[str, pl.DataFrame]]:
        yield "Unit", pl.DataFrame({"Id": ["U9"]})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        load(url, frames())


def test_an_empty_frame_is_no_rows(url: str) -> None:
    assert [table.rows for table in load(url, [("Unit", pl.DataFrame({"Id": []}))])] == [0]
