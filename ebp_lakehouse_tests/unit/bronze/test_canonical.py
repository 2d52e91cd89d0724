"""Canonical text and exact parsing, on strings chosen to hurt."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebp_lakehouse.bronze.canonical import canonical_text, layout, parse, record_digest
from ebp_lakehouse.errors import ExtractionError
from ebp_lakehouse.source.introspection import Column, SourceTable

AMOUNT = pa.decimal128(28, 8)
HOSTILE = [
    "",
    " ",
    '"',
    '""',
    ",",
    ",,,",
    "a,b",
    "a\nb",
    "a\r\nb",
    "\n",
    "\\.",
    "\\N",
    "NULL",
    "null",
    "é",
    "ﬁ",
    "🧾",
    "\ufeffx",
    "'",
    "a\tb",
    "\x01",
    "1.50",
    "NaN",
    "t",
    "x,",
    "x\n",
    "e\u0301",
    "'; DROP TABLE x; --",
    "\u2028",
]


def copy_csv(*values: str | None) -> bytes:
    """A row as PostgreSQL writes it: every non-NULL text quoted (it may be: COPY has FORCE_QUOTE)."""
    return ",".join("" if v is None else '"' + v.replace('"', '""') + '"' for v in values).encode() + b"\n"


def table(*columns: tuple[str, str], key: tuple[str, ...] = ("Id",)) -> SourceTable:
    made = tuple(Column(name, kind, True, i) for i, (name, kind) in enumerate(columns, 1))
    return SourceTable("T", "public", 1, made, key, True, True, 0)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_survives_in_every_place(text: str) -> None:
    schema = pa.schema([("a", pa.string()), ("b", pa.string()), ("c", pa.string())])
    rows = [copy_csv(text, None, text), copy_csv(None, text, None)]
    assert parse(rows, schema, table="T", key=["a"]).to_pylist() == [
        {"a": text, "b": None, "c": text},
        {"a": None, "b": text, "c": None},
    ]


@given(
    st.lists(
        st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\x00"))), min_size=1, max_size=4
    )
)
def test_any_text_survives(values: list[str | None]) -> None:
    names = [f"c{i}" for i in range(len(values))]
    schema = pa.schema([(name, pa.string()) for name in names])
    parsed = parse([copy_csv(*values)] * 2, schema, table="T", key=names[:1]).to_pylist()
    assert parsed == [dict(zip(names, values, strict=True))] * 2


def test_numbers_keep_every_digit_and_needless_zeros_are_no_loss() -> None:
    schema = pa.schema([("Id", pa.int32()), ("n", AMOUNT)])
    lines = [b"1,1.10\n", b"2,-0.00000001\n", b"3,99999999999999999999.99999999\n", b"4,2.500000000000\n", b"5,\n"]
    assert parse(lines, schema, table="T", key=["Id"]).column("n").to_pylist() == [
        Decimal("1.10"), Decimal("-0.00000001"), Decimal("99999999999999999999.99999999"), Decimal("2.5"), None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (AMOUNT, b"NaN", "NaN"),
        (AMOUNT, b"Infinity", "Infinity"),
        (AMOUNT, b"0.123456789", "0.123456789"),
        (AMOUNT, b"123456789012345678901", "123456789012345678901"),
        (AMOUNT, b"-100000000000000000000", "-100000000000000000000"),
        (pa.timestamp("us"), b"infinity", "infinity"),
        (pa.timestamp("us"), b"0044-03-15 00:00:00 BC", "BC"),
        (pa.int16(), b"40000", "40000"),
    ],
)
def test_what_does_not_fit_is_refused_with_table_column_key_and_value(
    kind: pa.DataType, value: bytes, shown: str
) -> None:
    schema = pa.schema([("Id", pa.string()), ("v", kind)])
    with pytest.raises(ExtractionError) as refused:
        parse([b"a,\n", b"b," + value + b"\n"], schema, table="Item", key=["Id"])
    for part in ('"Item"', '"v"', "Id = b", shown):
        assert part in str(refused.value)


def test_booleans_bytes_floats_and_timestamps() -> None:
    schema = pa.schema([("b", pa.bool_()), ("y", pa.binary()), ("f", pa.float64()), ("t", pa.timestamp("us"))])
    rows = parse([b"t,\\x00ff,0.1,2024-02-29 23:59:59.123456\n", b"f,\\x,-Infinity,\n"], schema, table="T", key=["b"])
    assert rows.to_pylist() == [
        {"b": True, "y": b"\x00\xff", "f": 0.1, "t": datetime(2024, 2, 29, 23, 59, 59, 123456)},  # noqa: DTZ001
        {"b": False, "y": b"", "f": float("-inf"), "t": None},
    ]


def test_an_empty_added_column_changes_no_hash_and_a_value_cannot_be_cut() -> None:
    assert canonical_text(b"1,x\n") == canonical_text(b"1,x,,\n") == b"1,x"
    assert canonical_text(copy_csv("1", "x,\n")) == b'"1","x,\n"'
    assert canonical_text(b"1,,y\n") != canonical_text(b"1,y\n")
    assert record_digest(b"1,x").hex() == hashlib.md5(b"1,x", usedforsecurity=False).hexdigest()


@given(
    st.lists(st.lists(st.one_of(st.none(), st.sampled_from(HOSTILE)), min_size=3, max_size=3), min_size=2, max_size=2)
)
def test_different_rows_have_different_texts(rows: list[list[str | None]]) -> None:
    one, other = rows
    assert (canonical_text(copy_csv(*one)) == canonical_text(copy_csv(*other))) == (one == other)


def test_python_reads_our_quoting_like_everyone() -> None:
    assert next(csv.reader(io.StringIO(copy_csv('a"b', "c\nd").decode(), newline=""))) == ['a"b', "c\nd"]


def test_layout_follows_the_lake_and_grows_at_the_end() -> None:
    lake = pa.schema([("_bronze_position", pa.int64()), ("Id", pa.string()), ("gone", AMOUNT), ("n", AMOUNT)])
    made = layout(table(("n", "numeric"), ("new", "boolean"), ("Id", "uuid")), lake)
    assert made.schema.names == ["Id", "gone", "n", "new"]
    assert made.selected == ("Id", None, "n", "new")
    assert made.added == ("new",)


def test_a_changed_type_is_refused_in_words_but_a_longer_varchar_is_not_a_change() -> None:
    lake = pa.schema([("Id", pa.string()), ("n", AMOUNT)])
    assert layout(table(("Id", "character varying(99)"), ("n", "numeric")), lake).added == ()
    with pytest.raises(ExtractionError, match=r'"T", column "n".*numeric\(28,8\) to integer'):
        layout(table(("Id", "uuid"), ("n", "integer")), lake)


def test_names_no_reader_can_tell_apart_are_refused() -> None:
    with pytest.raises(ExtractionError, match='"name" and "Name"'):
        layout(table(("Id", "uuid"), ("name", "text"), ("Name", "text")), None)
