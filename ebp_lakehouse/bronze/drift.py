"""What changed between two shapes of one source table, each difference in words. Pure.

A shape is kept beside the lake under the fingerprint that the table's pin names, so that the next batch can tell a
renamed column from a dropped one. Not here: what the lake does with a change (canonical.py, widening.py), the check in
Dagster (assets.py).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

from ebp_lakehouse.source.introspection import Column, SourceTable
from ebp_lakehouse.source.types import widens

Kind = Literal["added", "dropped", "renamed", "replaced", "reordered", "widened", "narrowed", "retyped", "key"]


@dataclass(frozen=True)
class Shape:
    """The columns of a source table in its order, secrets left out, and its key (empty: the whole row)."""

    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @classmethod
    def of(cls, table: SourceTable) -> Self:
        return cls(table.columns, table.key)

    def to_json(self) -> bytes:
        columns = [[column.number, column.name, column.pg_type, column.nullable] for column in self.columns]
        return json.dumps({"key": self.key, "columns": columns}, ensure_ascii=False).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        raw = json.loads(content)
        columns = (Column(name, pg_type, nullable, number) for number, name, pg_type, nullable in raw["columns"])
        return cls(tuple(columns), tuple(raw["key"]))


@dataclass(frozen=True)
class Change:
    """One difference.

    Attributes:
        kind: ``replaced`` is a column dropped and added again under its name: other values; ``key`` another key.
        column: its present name; the former one of a dropped column; empty for ``reordered`` and ``key``.
        before, now: names for ``renamed`` and ``key``, types for a changed type, the orders for ``reordered``.
    """

    kind: Kind
    column: str = ""
    before: str = ""
    now: str = ""

    def __str__(self) -> str:
        return _WORDS.get(self.kind, _CHANGED).format(self)


_CHANGED = 'column "{0.column}" was {0.kind} from {0.before} to {0.now}; the lake\'s holds both'
_WORDS = {
    "added": 'column "{0.column}" was added ({0.now})',
    "dropped": 'column "{0.column}" was dropped ({0.before}); the lake keeps its past values',
    "renamed": 'column "{0.before}" was renamed to "{0.now}"; the lake keeps both names',
    "replaced": 'column "{0.column}" was dropped and added again ({0.now})',
    "reordered": "the columns are in another order: {0.now} (before: {0.before})",
    "key": "the key changed from {0.before} to {0.now}",
}


def drift(before: Shape, now: Shape, *, same_table: bool = True) -> list[Change]:
    """Every difference from ``before`` to ``now``, in the order of the present columns, then what is gone.

    Args:
        before: the shape of the last published batch.
        now: the source's shape.
        same_table: the oid is the same. Numbers (``attnum``) tell renamed columns only then: a table that was dropped
            and created again numbers its columns anew, and a new name cannot be told from a new column.
    """
    former = _matched(before.columns, now.columns, same_table=same_table)
    by_name = {column.name: column for column in before.columns}
    found: list[Change] = []
    for column in now.columns:
        was = former.get(column.name)
        again = by_name.get(column.name)
        if was is None and again is not None and again not in former.values():
            found.append(Change("replaced", column.name, again.pg_type, column.pg_type))
        elif was is None:
            found.append(Change("added", column.name, "", column.pg_type))
        else:
            if was.name != column.name:
                found.append(Change("renamed", column.name, was.name, column.name))
            if was.pg_type != column.pg_type:
                found.append(_retyped(column.name, was.pg_type, column.pg_type))
    here = {change.column for change in found if change.kind == "replaced"} | {was.name for was in former.values()}
    found += [Change("dropped", column.name, column.pg_type) for column in before.columns if column.name not in here]
    found += _reordered(before.columns, former)
    renamed = {was.name: name for name, was in former.items()}
    key = [renamed.get(name, name) for name in before.key]
    if sorted(key) != sorted(now.key):
        found.append(Change("key", before=_key(before.key), now=_key(now.key)))
    return found


def _matched(before: Sequence[Column], now: Sequence[Column], *, same_table: bool) -> dict[str, Column]:
    """Present name → the column it was."""

    def identity(column: Column) -> int | str:
        return column.number if same_table else column.name

    known = {identity(column): column for column in before}
    return {column.name: known[identity(column)] for column in now if identity(column) in known}


def _retyped(name: str, before: str, now: str) -> Change:
    if widens(before, now):
        return Change("widened", name, before, now)
    return Change("narrowed" if widens(now, before) else "retyped", name, before, now)


def _reordered(before: Sequence[Column], former: dict[str, Column]) -> list[Change]:
    """One change when the columns that stayed are in another order; at most the moved ones' span is named."""
    present = [column.name for column in former.values()]
    order = [column.name for column in before if column.name in set(present)]
    if present == order:
        return []
    moved = [i for i, (one, other) in enumerate(zip(order, present, strict=True)) if one != other]
    span = slice(moved[0], moved[-1] + 1)
    return [Change("reordered", before=", ".join(order[span]), now=", ".join(present[span]))]


def _key(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "the whole row"
