"""PostgreSQL's logical replication messages (pgoutput, protocol 1, text format) → Python values. Bytes in, events out.

One bytes object is one message, as ``pg_logical_slot_peek_binary_changes`` returns them: B(egin), C(ommit), R(elation),
I(nsert), U(pdate), D(elete), T(runcate); O(rigin), Y (type) and M (message) say nothing that bronze needs.
Not here: where messages come from (replication.py), what a row's text is (bronze/cdc.py).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from ebp_lakehouse.errors import SourceError

POSTGRES_EPOCH = datetime(2000, 1, 1)  # noqa: DTZ001 - UTC without zone, like the lake's columns

_BEGIN = struct.Struct(">QqI")
_RELATION = struct.Struct(">I")
_COLUMN = struct.Struct(">Ii")
_TRUNCATE = struct.Struct(">IB")
_NULL, _UNCHANGED, _TEXT = b"nut"
_KEY, _OLD, _NEW = b"KON"


class Unchanged:
    """Marks a value kept out of line that the update did not touch: pgoutput does not send it. Never NULL."""

    def __repr__(self) -> str:
        return "UNCHANGED"


UNCHANGED: Final = Unchanged()
Value = bytes | None | Unchanged
Row = list[Value]


@dataclass(frozen=True)
class Relation:
    """A table as it was when the following changes were made; ``key`` are the columns of its replica identity."""

    oid: int
    schema: str
    name: str
    identity: str
    columns: tuple[str, ...]
    key: frozenset[str]


class Begin(NamedTuple):
    """A transaction: its number (32 bits), the WAL position of its commit record and its commit time, UTC."""

    xid: int
    lsn: int
    committed_at: datetime


class Commit(NamedTuple):
    """The end of the transaction that was begun last."""


class Insert(NamedTuple):
    relation: int
    new: Row


class Update(NamedTuple):
    """``old`` is None unless the replica identity changed (then only its columns are filled) or it is FULL."""

    relation: int
    old: Row | None
    new: Row


class Delete(NamedTuple):
    """Only the columns of the replica identity are filled, unless it is FULL."""

    relation: int
    old: Row


class Truncate(NamedTuple):
    relations: tuple[int, ...]


Event = Begin | Commit | Relation | Insert | Update | Delete | Truncate


def decode(message: bytes) -> Event | None:  # noqa: PLR0911 - one line per kind
    """One message's event; None for messages that carry no change.

    Raises:
        SourceError: the message is not of this protocol, or is cut.
    """
    kind = message[:1]
    try:
        if kind == b"I":
            return Insert(_oid(message), _row(message, 6)[0])
        if kind == b"U":
            return _update(message)
        if kind == b"D":
            return Delete(_oid(message), _row(message, 6)[0])
        if kind == b"B":
            lsn, microseconds, xid = _BEGIN.unpack_from(message, 1)
            return Begin(xid, lsn, POSTGRES_EPOCH + timedelta(microseconds=microseconds))
        if kind == b"C":
            return Commit()
        if kind == b"R":
            return _relation(message)
        if kind == b"T":
            count, _options = _TRUNCATE.unpack_from(message, 1)
            return Truncate(struct.unpack_from(f">{count}I", message, 6))
    except (struct.error, IndexError, ValueError) as error:
        raise SourceError(f"The change stream holds a {kind!r} message that cannot be read. Report this.") from error
    if kind in (b"O", b"Y", b"M"):
        return None
    raise SourceError(f"The change stream holds a message of the unknown kind {kind!r}. Report this.")


def _oid(message: bytes) -> int:
    return int.from_bytes(message[1:5], "big")


def _update(message: bytes) -> Update:
    if message[5] == _NEW:
        return Update(_oid(message), None, _row(message, 6)[0])
    old, at = _row(message, 6)
    return Update(_oid(message), old, _row(message, at + 1)[0])


def _row(message: bytes, at: int) -> tuple[Row, int]:
    """The values that start at ``at``, and where they end. The hot loop: no call per value but the slice."""
    count = int.from_bytes(message[at : at + 2], "big")
    at += 2
    row: Row = []
    append = row.append
    for _ in range(count):
        kind = message[at]
        if kind == _TEXT:
            start = at + 5
            at = start + int.from_bytes(message[at + 1 : start], "big")
            append(message[start:at])
            continue
        at += 1
        append(UNCHANGED if kind == _UNCHANGED else None)
        if kind not in (_NULL, _UNCHANGED):
            raise SourceError(f"The change stream holds a value of the unknown kind {chr(kind)!r}. Report this.")
    if at > len(message):
        raise IndexError(at)
    return row, at


def _relation(message: bytes) -> Relation:
    (oid,) = _RELATION.unpack_from(message, 1)
    schema, at = _string(message, 5)
    name, at = _string(message, at)
    identity = chr(message[at])
    count = int.from_bytes(message[at + 1 : at + 3], "big")
    at += 3
    columns: list[str] = []
    key: set[str] = set()
    for _ in range(count):
        is_key = message[at] & 1
        column, at = _string(message, at + 1)
        _COLUMN.unpack_from(message, at)  # type and modifier: the text says all that is needed
        at += _COLUMN.size
        columns.append(column)
        if is_key:
            key.add(column)
    # An empty schema name stands for pg_catalog.
    return Relation(oid, schema or "pg_catalog", name, identity, tuple(columns), frozenset(key))


def _string(message: bytes, at: int) -> tuple[str, int]:
    end = message.index(b"\0", at)
    return message[at:end].decode(), end + 1
