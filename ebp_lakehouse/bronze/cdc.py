"""Changes of the stream: how a row becomes the line that COPY would write, and which changes are new versions.

Several changes of one key in one batch stay as versions, in commit order. Pure: rows and frames in, lines and frames
out. Not here: reading the stream (changefeed.py), the lake (change_ingest.py), the fold of whole readings (fold.py).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
import pyarrow as pa

from ebp_lakehouse.bronze.canonical import SPELLING, Layout
from ebp_lakehouse.bronze.fold import CHANGE, DELETE, HASH, INSERT, IS_DELETED, POSITION, ROW, UPDATE, VALID_FROM
from ebp_lakehouse.bronze.fold import STATE_SCHEMA as STATE
from ebp_lakehouse.bronze.spool import DELETE as DELETED
from ebp_lakehouse.bronze.spool import UPSERT, Holes, Spool
from ebp_lakehouse.source.pgoutput import UNCHANGED, Delete, Insert, Relation, Row, Unchanged, Update

COMMITTED_AT = "_committed_at"
VALUES_OF = "_values_of"

_must_quote = re.compile(rb'[",\r\n]').search
_must_quote_row = re.compile(rb'["\r\n]').search
_TOKENS = re.compile(rb'"(?:[^"]|"")*"|[^,]*')


class RereadError(Exception):
    """The stream alone cannot give the table's new state: it must be read again, and here is why."""


def token(value: bytes | None) -> bytes:
    """One value as COPY csv writes it: NULL is nothing, the empty string is quoted, and so is what needs it."""
    if value is None:
        return b""
    if not value:
        return b'""'
    return b'"' + value.replace(b'"', b'""') + b'"' if _must_quote(value) else value


def line(tokens: Sequence[bytes]) -> bytes:
    # COPY quotes "\." where it stands alone on its line: it once meant the end of the data.
    if len(tokens) == 1 and tokens[0] == b"\\.":
        return b'"\\."\n'
    return b",".join(tokens) + b"\n"


def _plain_line(values: Row) -> bytes | None:
    """The line of a row that needs no quotes and has no holes, as most; None for others. Once per change: it is fast."""
    if b"" in values or UNCHANGED in values:
        return None
    text = b",".join([b"" if value is None else value for value in values])  # type: ignore[misc]
    if _must_quote_row(text) or text.count(b",") >= len(values) or text == b"\\.":
        return None
    return text + b"\n"


def tokens_of(text: bytes) -> list[bytes]:
    """The tokens of a line, quotes and all, so that they can be put into another line as they are."""
    found, at, text = [], 0, text[:-1]
    while True:
        match = _TOKENS.match(text, at)
        found.append(match[0] if match else b"")
        at += len(found[-1]) + 1
        if at > len(text):
            return found


def text_of(value: object, field: pa.Field) -> bytes | None:
    """PostgreSQL's text of a value the lake holds, where the lake holds it to the letter.

    Raises:
        RereadError: the lake does not keep the text that COPY sends (1.50 is 1.5 there).
    """
    if value is None:
        return None
    if pa.types.is_string(field.type) and isinstance(value, str) and SPELLING not in (field.metadata or {}):
        return value.encode()
    if pa.types.is_binary(field.type) and isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    raise RereadError(f"an unchanged out-of-line value of type {field.type} is not sent")


@dataclass
class RowWriter:
    """Writes the changes of one table, as one relation message describes them, into its spool.

    Raises:
        RereadError: the relation lacks a column of the layout, or its replica identity does not hold the key.
    """

    relation: Relation
    layout: Layout
    spool: Spool
    _order: list[int] = field(init=False)
    _key: list[int] = field(init=False)

    def __post_init__(self) -> None:
        place = {name: index for index, name in enumerate(self.relation.columns)}
        lacking = [name for name in self.layout.selected if name is not None and name not in place]
        if lacking:
            raise RereadError(f"the column {lacking[0]} was not in the stream")
        key = [name for name in self.layout.key_selected if name is not None]
        if not set(key) <= self.relation.key:
            raise RereadError("the replica identity did not hold the key")
        nothing = len(place)  # rows get one more value, NULL, for the slots of dropped columns
        self._order = [nothing if name is None else place[name] for name in self.layout.selected]
        self._key = [place[name] for name in key]

    def insert(self, change: Insert, transaction: int) -> None:
        self._upsert(change.new, transaction, None)

    def update(self, change: Update, transaction: int) -> None:
        old, new = change.old, change.new
        deleted = None
        if old is not None:
            if self.relation.identity == "f":
                new = [was if value is UNCHANGED else value for value, was in zip(new, old, strict=True)]
            if any(old[index] != new[index] for index in self._key):
                deleted = self._delete(old, transaction)
        self._upsert(new, transaction, deleted)

    def delete(self, change: Delete, transaction: int) -> None:
        self._delete(change.old, transaction)

    def _upsert(self, row: Row, transaction: int, deleted: int | None) -> None:
        values = [*row, None]
        values = [values[index] for index in self._order]
        text = _plain_line(values)
        if text is not None:
            self.spool.add(UPSERT, transaction, text)
            return
        holes = tuple(place for place, value in enumerate(values) if isinstance(value, Unchanged))
        if holes and any(row[index] is UNCHANGED for index in self._key):
            raise RereadError("an out-of-line value of the key is not sent")
        text = line([token(None if isinstance(value, Unchanged) else value) for value in values])
        self.spool.add(UPSERT, transaction, text, Holes(holes, deleted) if holes else None)

    def _delete(self, row: Row, transaction: int) -> int:
        values = [row[index] for index in self._key]
        known = [value for value in values if isinstance(value, bytes)]
        if len(known) != len(values):
            raise RereadError("a deleted row's key is not sent whole")
        return self.spool.add(DELETED, transaction, line([token(value) for value in known]))


def previous_row(changes: pl.DataFrame, key: Sequence[str]) -> list[int | None]:
    """Per change the newest earlier change of its key that brought a whole row; None where the block has none."""
    own = pl.when(~pl.col(IS_DELETED)).then(pl.int_range(pl.len(), dtype=pl.Int64))
    found = changes.with_columns(own.alias(ROW)).select(pl.col(ROW).shift(1).forward_fill().over(list(key)))
    return found.to_series().to_list()


def fold_changes(changes: pl.DataFrame, state: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Keep the changes that are new versions.

    Args:
        changes: in commit order, any number per key: the key columns, ``_hash`` (null for a delete), ``_is_deleted``,
            ``_position``, ``_committed_at``.
        state: newest version per key: the key columns, then ``fold.STATE_SCHEMA``.
        key: names of the key columns.

    Returns:
        The kept changes, in order: ``_row`` (index in ``changes``), the key columns, ``STATE_SCHEMA`` of the new
        version (a delete keeps the last hash), ``_change``, and ``_values_of``: the change whose row a version shows,
        null when that is the state's. A change not above the position of its key is dropped, then one that equals its
        predecessor; ``_valid_from`` is the commit time, moved up where needed to grow strictly within a key.
    """
    over = list(key)
    was = {name: pl.col(f"{name}_before") for name in STATE}
    joined = (
        changes.with_row_index(ROW)
        .join(state.rename({name: f"{name}_before" for name in STATE}), on=over, how="left", maintain_order="left")
        .filter(was[POSITION].is_null() | (pl.col(POSITION) > was[POSITION]))
    )
    if joined.is_empty():
        joined = joined.clear()
    first = pl.int_range(pl.len()).over(over) == 0
    filled = joined.with_columns(
        pl.when(~pl.col(IS_DELETED)).then(pl.col(ROW)).forward_fill().over(over).alias(VALUES_OF),
        pl.col(HASH).forward_fill().over(over).fill_null(was[HASH]).alias(HASH),
    ).with_columns(
        pl.when(first).then(was[HASH]).otherwise(pl.col(HASH).shift(1).over(over)).alias("_hash_previous"),
        # what never was counts as deleted
        pl.when(first)
        .then(was[IS_DELETED].fill_null(True))
        .otherwise(pl.col(IS_DELETED).shift(1).over(over))
        .alias("_deleted_previous"),
    )
    differs = (pl.col(IS_DELETED) != pl.col("_deleted_previous")) | (
        ~pl.col(IS_DELETED) & pl.col(HASH).ne_missing(pl.col("_hash_previous"))
    )
    rank = pl.int_range(1, pl.len() + 1, dtype=pl.Int64).over(over)
    at = pl.max_horizontal(
        pl.col(COMMITTED_AT).dt.epoch("us") - rank, was[VALID_FROM].dt.epoch("us")
    )  # v(i) = max(at(i), v(i-1) + 1), without a loop
    return filled.filter(differs).select(
        ROW,
        *over,
        HASH,
        (at.cum_max().over(over) + rank).cast(pl.Datetime("us")).alias(VALID_FROM),
        IS_DELETED,
        POSITION,
        pl.when(pl.col(IS_DELETED))
        .then(pl.lit(DELETE))
        .when(pl.col("_deleted_previous"))
        .then(pl.lit(INSERT))
        .otherwise(pl.lit(UPDATE))
        .alias(CHANGE),
        VALUES_OF,
    )
