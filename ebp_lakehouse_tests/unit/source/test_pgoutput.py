"""Messages written by hand from PostgreSQL's protocol description, decoded."""

from __future__ import annotations

import struct
from datetime import datetime

import pytest

from ebp_lakehouse.errors import SourceError
from ebp_lakehouse.source.pgoutput import (
    UNCHANGED,
    Begin,
    Commit,
    Delete,
    Insert,
    Relation,
    Truncate,
    Update,
    decode,
)  # fmt: skip

OID = b"\x00\x00\x40\x01"


def row(*values: bytes | str | None) -> bytes:
    """A tuple: None is NULL, any str stands for an unchanged value."""
    parts = [struct.pack(">H", len(values))]
    for value in values:
        if value is None:
            parts.append(b"n")
        elif isinstance(value, str):
            parts.append(b"u")
        else:
            parts.append(b"t" + struct.pack(">I", len(value)) + value)
    return b"".join(parts)


def test_begin_and_commit() -> None:
    begin = b"B" + struct.pack(">QqI", 0x16FD838, 849_612_345_678_901, 765)
    # 849 612 345.678901 s after 2000-01-01: 9833 days, 11 h 25 min 45 s
    assert decode(begin) == Begin(765, 0x16FD838, datetime(2026, 12, 3, 11, 25, 45, 678901))  # noqa: DTZ001
    assert decode(b"C" + bytes(25)) == Commit()


def test_relation_with_its_replica_identity() -> None:
    column = struct.pack(">Ii", 25, -1)
    message = (
        b"R" + OID + b"public\0Ligne \xc3\xa9\0i" + struct.pack(">H", 2) + b"\x01Id\0" + column + b"\x00note\0" + column
    )
    assert decode(message) == Relation(0x4001, "public", "Ligne é", "i", ("Id", "note"), frozenset({"Id"}))
    assert decode(message.replace(b"public", b"")).schema == "pg_catalog"  # type: ignore[union-attr]


def test_rows_nulls_empty_texts_and_unchanged_values() -> None:
    assert decode(b"I" + OID + b"N" + row(b"1", b"", None)) == Insert(0x4001, [b"1", b"", None])
    update = decode(b"U" + OID + b"N" + row(b"1", "u"))
    assert update == Update(0x4001, None, [b"1", UNCHANGED])
    assert update.new[1] is UNCHANGED  # type: ignore[union-attr]
    assert decode(b"U" + OID + b"K" + row(b"1", None) + b"N" + row(b"2", b"x")) == Update(
        0x4001, [b"1", None], [b"2", b"x"]
    )
    assert decode(b"U" + OID + b"O" + row(b"1", b"y") + b"N" + row(b"1", b"x")) == Update(
        0x4001, [b"1", b"y"], [b"1", b"x"]
    )
    assert decode(b"D" + OID + b"K" + row(b"1", None)) == Delete(0x4001, [b"1", None])
    assert decode(b"D" + OID + b"O" + row(b"1", b"y")) == Delete(0x4001, [b"1", b"y"])


def test_truncate_names_several_tables() -> None:
    assert decode(b"T" + struct.pack(">IBII", 2, 1, 7, 8)) == Truncate((7, 8))


@pytest.mark.parametrize("message", [b"O" + bytes(9), b"Y" + OID + b"public\0mood\0", b"M" + bytes(20)])
def test_messages_without_a_change(message: bytes) -> None:
    assert decode(message) is None


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"X",
        b"B" + bytes(5),
        b"I" + OID + b"N" + row(b"long value")[:-1],
        b"I" + OID + b"N" + b"\x00\x01b\x00\x00\x00\x01x",  # the binary format was not asked for
        b"R" + OID + b"never ends",
        b"T" + struct.pack(">IB", 2, 0),
    ],
)
def test_what_cannot_be_read_is_refused(message: bytes) -> None:
    with pytest.raises(SourceError, match="change stream"):
        decode(message)
