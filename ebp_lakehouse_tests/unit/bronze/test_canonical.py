"""Canonical text and exact parsing, on strings chosen to hurt."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ebp_lakehouse.bronze.canonical import WHOLE_ROW, canonical_text, layout, parse, record_digest
from ebp_lakehouse.bronze.instants import instants
from ebp_lakehouse.errors import ExtractionError
from ebp_lakehouse.source.introspection import Column, SourceTable
from ebp_lakehouse.source.types import common

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
        (pa.timestamp("us"), b"294276-12-31 23:59:59", "294276"),
        (pa.timestamp("us"), b"2024-02-30 00:00:00", "2024-02-30"),
        (pa.date32(), b"2024-13-01", "2024-13-01"),
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


@pytest.mark.parametrize(
    ("line", "key", "words"),
    [
        (b"b,caf\xe9\n", ["Id"], r"""column "v", row Id = b: the value 'caf\\xe9' is not UTF-8"""),
        (b"caf\xe9,b\n", ["Id"], r"""column "Id", row Id = caf\xe9: the value 'caf\\xe9' is not UTF-8"""),
        (b"b,caf\xe9\n", list(WHOLE_ROW), r"""column "v": the value 'caf\\xe9' is not UTF-8"""),
    ],
)
def test_bytes_that_are_not_utf_8_are_refused_with_their_place(line: bytes, key: list[str], words: str) -> None:
    """A change stream brings them as they are; COPY would not send them."""
    schema = pa.schema([("Id", pa.string()), ("v", pa.string())])
    with pytest.raises(ExtractionError) as refused:
        parse([b"a,\n", line], schema, table="Item", key=key)
    assert f'Table "Item", {words}' in str(refused.value)


def test_a_value_of_a_table_without_a_key_is_refused_too() -> None:
    schema = pa.schema([("v", pa.int16())])
    with pytest.raises(ExtractionError, match='Table "Item", column "v": the value \'40000\''):
        parse([b"40000\n"], schema, table="Item", key=list(WHOLE_ROW))


@given(st.lists(st.none() | st.integers(-(10**21), 10**21) | st.integers(-(10**38), 10**38), min_size=1, max_size=5))
@example([2**63, None, -(2**63) - 1])  # the first that one word cannot hold
@example([2**120 * 3])  # 128 bits are too few once the eight decimals are there
def test_a_number_is_kept_exactly_or_refused_never_cut(numbers: list[int | None]) -> None:
    schema = pa.schema([("Id", pa.int32()), ("n", AMOUNT)])
    lines = [f"{place},{'' if n is None else n}\n".encode() for place, n in enumerate(numbers)]
    if all(n is None or abs(n) < 10**20 for n in numbers):
        assert parse(lines, schema, table="T", key=["Id"]).column("n").to_pylist() == [
            None if n is None else Decimal(n) for n in numbers
        ]
    else:
        with pytest.raises(ExtractionError, match="does not fit"):
            parse(lines, schema, table="T", key=["Id"])


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


@pytest.mark.parametrize(
    ("lake", "source", "held"),
    [
        (pa.string(), "character varying(99)", pa.string()),
        (pa.int16(), "bigint", pa.int64()),
        (pa.int64(), "smallint", pa.int64()),
        (pa.decimal128(10, 2), "numeric(12,2)", pa.decimal128(12, 2)),
        (pa.decimal128(12, 2), "numeric(10,4)", pa.decimal128(14, 4)),
        (pa.decimal128(38, 0), "numeric(10,2)", pa.string()),
        (pa.int32(), "numeric(4,1)", pa.decimal128(11, 1)),
        (pa.float32(), "double precision", pa.float64()),
        (AMOUNT, "double precision", pa.string()),
        (pa.int16(), "text", pa.string()),
        (pa.string(), "integer", pa.string()),
        (pa.date32(), "timestamp without time zone", pa.timestamp("us")),
        (pa.timestamp("us"), "timestamp with time zone", pa.string()),
    ],
)
def test_a_changed_type_takes_the_least_type_that_holds_both(lake: pa.DataType, source: str, held: pa.DataType) -> None:
    made = layout(table(("Id", "uuid"), ("n", source)), pa.schema([("Id", pa.string()), ("n", lake)]))
    assert made.schema.field("n").type == held
    assert made.added == ()


NUMBERS = (pa.int16(), pa.int32(), pa.int64(), pa.decimal128(28, 8), pa.decimal128(38, 0), pa.decimal128(5, 5))
OTHERS = (
    pa.float32(),
    pa.float64(),
    pa.date32(),
    pa.timestamp("us"),
    pa.timestamp("us", tz="UTC"),
    pa.bool_(),
    pa.string(),
)
TYPES = st.sampled_from((*NUMBERS, *OTHERS))


@given(TYPES, TYPES, TYPES)
def test_what_holds_several_types_does_not_depend_on_their_order(
    a: pa.DataType, b: pa.DataType, c: pa.DataType
) -> None:
    assert common(a, a) == a
    assert common(a, b) == common(b, a)
    assert common(a, common(a, b)) == common(a, b)
    assert common(common(a, b), c) == common(a, common(b, c))


def test_names_that_differ_by_case_or_look_like_our_metadata_get_names_of_their_own_and_keep_them() -> None:
    source = table(("Id", "uuid"), ("name", "text"), ("Name", "text"), ("_Bronze_position", "text"), ("NAME", "text"))
    made = layout(source, None)
    assert made.schema.names == ["Id", "name", "Name__3", "source_Bronze_position", "NAME__5"]
    assert made.selected == ("Id", "name", "Name", "_Bronze_position", "NAME")
    # the first of them is dropped: the others keep the names under which their past is known
    left = SourceTable("T", "public", 1, tuple(c for c in source.columns if c.name != "name"), ("Id",), True, True, 0)
    again = layout(left, made.schema)
    assert again.schema.names == made.schema.names
    assert again.selected == ("Id", None, "Name", "_Bronze_position", "NAME")
    # "name" was renamed to "NAME"
    renamed = layout(table(("Id", "uuid"), ("NAME", "text")), pa.schema([("Id", pa.string()), ("name", pa.string())]))
    assert renamed.selected == ("Id", None, "NAME")
    assert renamed.added == ("NAME__2",)


@given(st.dates(), st.times(), st.booleans())
def test_instants_agree_with_python_wherever_it_has_them(day: date, time: time, is_bc: bool) -> None:
    """400 years are 146 097 days: a year before 1 is proved by a whole number of cycles."""
    cycles = 1 + 2 * 9999 // 400  # takes any year of Python's below year 1
    moment = datetime.combine(day, time)
    year = 1 - (moment.year - 400 * cycles) if is_bc else moment.year
    text = f"{year:04d}-{moment:%m-%d %H:%M:%S.%f}" + (" BC" if is_bc else "")
    days = day.toordinal() - date(1970, 1, 1).toordinal() - (146_097 * cycles if is_bc else 0)
    micros = ((time.hour * 60 + time.minute) * 60 + time.second) * 10**6 + time.microsecond
    made = instants(pa.array([text, None, "infinity"]), pa.timestamp("us")).cast(pa.int64()).to_pylist()
    assert made == [days * 86_400 * 10**6 + micros, None, 2**63 - 1]
    only_day = text.split(" ", maxsplit=1)[0] + (" BC" if is_bc else "")
    made = instants(pa.array([only_day, "-infinity"]), pa.date32()).cast(pa.int32()).to_pylist()
    assert made == [days, -(2**31) + 1]


def test_whole_rows_are_told_apart_by_their_occurrence() -> None:
    assert len({record_digest(b'1,"x"', n) for n in (1, 2, 3)} | {record_digest(b'1,"x\n2"')}) == 4
