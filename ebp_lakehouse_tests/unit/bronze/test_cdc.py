"""Algebra of the stream's fold, against a loop that a child could follow; rows to lines; the spool."""

from __future__ import annotations

import csv
import io
import os
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebp_lakehouse.bronze.canonical import SPELLING, Layout, parse
from ebp_lakehouse.bronze.cdc import (
    COMMITTED_AT,
    VALUES_OF,
    RereadError,
    RowWriter,
    fold_changes,
    line,
    previous_row,
    text_of,
    token,
    tokens_of,
)
from ebp_lakehouse.bronze.fold import CHANGE, HASH, IS_DELETED, POSITION, ROW, STATE_SCHEMA, VALID_FROM
from ebp_lakehouse.bronze.spool import DELETE, UPSERT, Holes, Spool
from ebp_lakehouse.source.pgoutput import UNCHANGED, Delete, Insert, Relation, Update
from ebp_lakehouse_tests.unit.bronze.test_canonical import HOSTILE

KEY = ["a", "b"]
KEYS = pl.Schema({"a": pl.String(), "b": pl.String()})
T0 = datetime(2026, 1, 1)  # noqa: DTZ001
MICROSECOND = timedelta(microseconds=1)


class Change(NamedTuple):
    key: tuple[str, str]
    hash: str | None  # None: deleted
    position: int
    at: datetime


class Version(NamedTuple):
    key: tuple[str, str]
    hash: str
    valid_from: datetime
    is_deleted: bool
    position: int


def by_hand(changes: list[Change], before: dict[tuple[str, str], Version]) -> list[Version]:
    """The rules, one change after another."""
    newest, found = dict(before), []
    for change in changes:
        if change.key in before and change.position <= before[change.key].position:
            continue
        was = newest.get(change.key)
        if change.hash is None and (was is None or was.is_deleted):
            continue
        if was is not None and not was.is_deleted and change.hash == was.hash:
            continue
        valid_from = change.at if was is None else max(change.at, was.valid_from + MICROSECOND)
        digest = change.hash if change.hash is not None else was.hash  # type: ignore[union-attr]
        newest[change.key] = Version(change.key, digest, valid_from, change.hash is None, change.position)
        found.append(newest[change.key])
    return found


def frame(changes: list[Change]) -> pl.DataFrame:
    rows = [(*c.key, c.hash, c.hash is None, c.position, c.at) for c in changes]
    kinds = {HASH: pl.String(), IS_DELETED: pl.Boolean(), POSITION: pl.Int64(), COMMITTED_AT: pl.Datetime("us")}
    return pl.DataFrame(rows, schema=KEYS | kinds, orient="row")


def state(versions: dict[tuple[str, str], Version]) -> pl.DataFrame:
    rows = [(*v.key, v.hash, v.valid_from, v.is_deleted, v.position) for v in versions.values()]
    return pl.DataFrame(rows, schema=KEYS | STATE_SCHEMA, orient="row")


def folded(changes: list[Change], before: dict[tuple[str, str], Version]) -> list[Version]:
    kept = fold_changes(frame(changes), state(before), KEY)
    return [
        Version((row["a"], row["b"]), row[HASH], row[VALID_FROM], row[IS_DELETED], row[POSITION])
        for row in kept.to_dicts()
    ]


def after(versions: list[Version], before: dict[tuple[str, str], Version]) -> dict[tuple[str, str], Version]:
    return before | {version.key: version for version in versions}


# Keys whose concatenation is ambiguous; transactions of a few changes each; a clock that may stand still or go back.
TRANSACTION = st.tuples(
    st.integers(-2, 5),
    st.lists(
        st.tuples(st.sampled_from([("x", "yz"), ("xy", "z"), ("", "xyz")]), st.sampled_from([None, "1", "2", "3"])),
        min_size=1,
        max_size=4,
    ),
)


@st.composite
def streams(draw: Any) -> list[Change]:
    made, at, position = [], T0, 100
    for clock, transaction in draw(st.lists(TRANSACTION, max_size=10)):
        at, position = at + clock * MICROSECOND, position + 10
        made += [Change(key, digest, position, at) for key, digest in transaction]
    return made


@given(streams(), streams())
def test_the_fold_is_what_the_rules_say_and_replays_add_nothing(first: list[Change], second: list[Change]) -> None:
    second = [change._replace(position=change.position + 1000) for change in second]
    versions = folded(first, {})
    assert versions == by_hand(first, {})
    middle = after(versions, {})
    assert folded(first, middle) == []
    more = folded(second, middle)
    assert more == by_hand(second, middle)
    end = after(more, middle)
    assert folded(first + second, end) == folded(second, end) == []


@given(streams(), st.data())
def test_where_a_stream_is_cut_between_transactions_does_not_matter(changes: list[Change], data: st.DataObject) -> None:
    borders = [i for i in range(1, len(changes)) if changes[i].position != changes[i - 1].position]
    cut = data.draw(st.sampled_from(borders)) if borders else len(changes)
    head = folded(changes[:cut], {})
    overlap = data.draw(st.integers(0, cut))  # the second reading may begin anywhere before the cut
    tail = folded(changes[overlap:], after(head, {}))
    assert head + tail == folded(changes, {})


@given(streams())
def test_versions_of_a_key_never_overlap_and_no_neighbours_are_equal(changes: list[Change]) -> None:
    newest: dict[tuple[str, str], Version] = {}
    for version in folded(changes, {}):
        was = newest.get(version.key)
        if was is not None:
            assert version.valid_from > was.valid_from
            assert (version.hash, version.is_deleted) != (was.hash, was.is_deleted)
            assert version.position >= was.position
        newest[version.key] = version


def test_the_kind_of_each_change_and_whose_values_it_shows() -> None:
    before = {("x", ""): Version(("x", ""), "1", T0, False, 1)}
    changes = [
        Change(("x", ""), None, 10, T0),  # the lake's values
        Change(("y", ""), "7", 10, T0),
        Change(("x", ""), "2", 11, T0),
        Change(("x", ""), "3", 11, T0),
        Change(("x", ""), None, 12, T0),  # those of the change before
        Change(("z", ""), None, 12, T0),  # never was
    ]
    kept = fold_changes(frame(changes), state(before), KEY)
    assert kept.select(ROW, CHANGE, VALUES_OF).rows() == [
        (0, "delete", None),
        (1, "insert", 1),
        (2, "insert", 2),
        (3, "update", 3),
        (4, "delete", 3),
    ]
    assert fold_changes(frame([]), state(before), KEY).is_empty()


def test_the_row_before_each_change() -> None:
    changes = frame([Change(("x", ""), digest, 1, T0) for digest in ("1", "2", None, "3", "4")])
    assert previous_row(changes, KEY) == [None, 0, 1, 1, 3]


@given(st.lists(st.one_of(st.none(), st.sampled_from(HOSTILE), st.text(max_size=8)), min_size=1, max_size=5))
def test_a_line_and_its_tokens_say_the_same(values: list[str | None]) -> None:
    values = [None if v is None else v.replace("\x00", "") for v in values]
    try:
        tokens = [token(None if v is None else v.encode()) for v in values]
    except UnicodeEncodeError:  # a lone surrogate is no text that PostgreSQL could send
        return
    text = line(tokens)
    assert tokens_of(text) == tokens_of(line(tokens_of(text)))
    schema = pa.schema([(f"c{i}", pa.string()) for i in range(len(values))])
    assert parse([text], schema, table="T", key=["c0"]).to_pylist() == [
        {f"c{i}": value for i, value in enumerate(values)}
    ]
    if None not in values and "\r" not in "".join(map(str, values)):
        assert next(csv.reader(io.StringIO(text.decode(), newline=""))) == values


def test_only_what_the_lake_keeps_to_the_letter_can_be_carried_over() -> None:
    assert text_of("é", pa.field("x", pa.string())) == b"\xc3\xa9"
    assert text_of(b"\x00\xff", pa.field("x", pa.binary())) == b"\\x00ff"
    assert text_of(None, pa.field("x", pa.decimal128(38, 8))) is None
    with pytest.raises(RereadError, match="decimal128"):
        text_of(1, pa.field("x", pa.decimal128(38, 8)))
    with pytest.raises(RereadError, match="string"):  # char(n): the lake has it without its padding
        text_of("x", pa.field("x", pa.string(), metadata={SPELLING: "padded"}))


LAYOUT = Layout(
    table="T",
    key=("Id",),
    schema=pa.schema([("note", pa.string()), ("gone", pa.string()), ("Id", pa.int32())]),
    selected=("note", None, "Id"),
)


def writer(identity: str = "d", columns: tuple[str, ...] = ("Id", "secret", "note")) -> RowWriter:
    return RowWriter(Relation(1, "public", "T", identity, columns, frozenset({"Id"})), LAYOUT, Spool())


def spooled(spool: Spool) -> list[tuple[int, bytes, Holes | None]]:
    return [(spool.kinds[n], spool.line(n), spool.holes.get(n)) for n in range(len(spool))]


def test_rows_are_written_in_the_lake_s_order_without_what_it_does_not_store() -> None:
    made = writer()
    made.insert(Insert(1, [b"1", b"HIDDEN", b'a "b"']), 0)
    made.update(Update(1, None, [b"1", b"HIDDEN", UNCHANGED]), 0)
    made.update(Update(1, [b"1", None, None], [b"2", b"HIDDEN", UNCHANGED]), 1)
    made.delete(Delete(1, [b"2", None, None]), 1)
    assert spooled(made.spool) == [
        (UPSERT, b'"a ""b""",,1\n', None),
        (UPSERT, b",,1\n", Holes((0,), None)),
        (DELETE, b"1\n", None),
        (UPSERT, b",,2\n", Holes((0,), 2)),
        (DELETE, b"2\n", None),
    ]
    assert list(made.spool.transactions) == [0, 0, 1, 1, 1]


def test_a_full_replica_identity_fills_what_was_not_sent_and_is_no_key_change() -> None:
    made = writer("f")
    made.update(Update(1, [b"1", b"s", b"old"], [b"1", b"t", UNCHANGED]), 0)
    assert spooled(made.spool) == [(UPSERT, b"old,,1\n", None)]


def test_what_the_stream_cannot_tell_asks_for_a_reading() -> None:
    with pytest.raises(RereadError, match="note was not in the stream"):
        writer(columns=("Id", "secret"))
    with pytest.raises(RereadError, match="did not hold the key"):
        RowWriter(Relation(1, "public", "T", "i", ("Id", "note"), frozenset({"note"})), LAYOUT, Spool())
    with pytest.raises(RereadError, match="key is not sent whole"):
        writer().delete(Delete(1, [None, None, None]), 0)
    with pytest.raises(RereadError, match="of the key"):
        writer().update(Update(1, None, [UNCHANGED, None, None]), 0)


@settings(max_examples=20)
@given(st.lists(st.binary(max_size=20), max_size=30), st.integers(1, 5))
def test_the_spool_gives_back_what_it_took_in_blocks(lines: list[bytes], rows: int) -> None:
    spool = Spool()
    for number, text in enumerate(lines):
        assert spool.add(UPSERT, number, text) == number
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ebp_lakehouse.bronze.spool.BLOCK_ROWS", rows)
        blocks = list(spool.blocks())
    assert [text for block in blocks for text in spool.lines(block)] == lines
    assert all(len(block) <= rows for block in blocks)
    place = spool.keep(b"completed")
    assert spool.line(place) == b"completed"
    assert len(spool) == len(lines)


def test_the_spool_has_no_name_and_belongs_to_us_alone() -> None:
    spool = Spool()
    status = os.fstat(spool._file.fileno())
    assert (status.st_nlink, status.st_mode & 0o077) == (0, 0)
