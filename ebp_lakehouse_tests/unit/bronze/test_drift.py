"""Every difference between two shapes is found and said in words that name the column."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebp_lakehouse.bronze.drift import Shape, drift
from ebp_lakehouse.source.introspection import Column
from ebp_lakehouse.source.types import widens


def both(change: str) -> str:
    return f"{change}; the lake's holds both"


def shape(*columns: str, key: str = "Id") -> Shape:
    """``number name type`` per column."""
    split = [text.split(" ", 2) for text in columns]
    return Shape(tuple(Column(name, kind, True, int(number)) for number, name, kind in split), tuple(key.split()))


BEFORE = shape("1 Id uuid", "2 name character varying(10)", "3 n numeric(10,2)", "4 k smallint")


@pytest.mark.parametrize(
    ("now", "same_table", "words"),
    [
        (BEFORE, True, []),
        (
            shape("1 Id uuid", "2 name character varying(40)", "3 n numeric(12,2)", "4 k bigint"),
            True,
            [
                both('column "name" was widened from character varying(10) to character varying(40)'),
                both('column "n" was widened from numeric(10,2) to numeric(12,2)'),
                both('column "k" was widened from smallint to bigint'),
            ],
        ),
        (
            shape("1 Id uuid", "2 name character varying(5)", "3 n numeric(10,4)", "4 k text"),
            True,
            [
                both('column "name" was narrowed from character varying(10) to character varying(5)'),
                both('column "n" was retyped from numeric(10,2) to numeric(10,4)'),
                both('column "k" was retyped from smallint to text'),
            ],
        ),
        (
            shape("1 Id uuid", "2 title text", "3 n numeric(10,2)", "5 k smallint", "6 extra boolean"),
            True,
            [
                'column "name" was renamed to "title"; the lake keeps both names',
                both('column "title" was widened from character varying(10) to text'),
                'column "k" was dropped and added again (smallint)',
                'column "extra" was added (boolean)',
            ],
        ),
        (
            shape("1 Id uuid", "2 name character varying(10)", "4 k smallint"),
            True,
            ['column "n" was dropped (numeric(10,2)); the lake keeps its past values'],
        ),
        (
            shape("1 Id uuid", "2 k smallint", "3 n numeric(10,2)", "4 title text"),
            False,
            [
                'column "title" was added (text)',
                'column "name" was dropped (character varying(10)); the lake keeps its past values',
                "the columns are in another order: k, n (before: n, k)",
            ],
        ),
        (
            shape("1 Id uuid", "2 name character varying(10)", "3 n numeric(10,2)", "4 k smallint", key="Id k"),
            True,
            ["the key changed from Id to Id, k"],
        ),
        (
            shape("1 code uuid", "2 name character varying(10)", "3 n numeric(10,2)", "4 k smallint", key="code"),
            True,
            ['column "Id" was renamed to "code"; the lake keeps both names'],
        ),
        (
            shape("1 Id uuid", "2 name character varying(10)", "3 n numeric(10,2)", "4 k smallint", key=""),
            True,
            ["the key changed from Id to the whole row"],
        ),
        (
            shape("1 Id uuid", "2 n character varying(10)", "3 name numeric(10,2)", "4 k smallint"),
            True,  # two columns swapped their names
            [
                'column "name" was renamed to "n"; the lake keeps both names',
                'column "n" was renamed to "name"; the lake keeps both names',
            ],
        ),
    ],
)
def test_each_difference_in_words(now: Shape, same_table: bool, words: list[str]) -> None:
    found = [str(change) for change in drift(BEFORE, now, same_table=same_table)]
    assert found == words


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("smallint", "integer", True),
        ("integer", "numeric(10,0)", True),
        ("integer", "numeric(11,2)", False),
        ("bigint", "numeric", True),
        ("numeric", "numeric(38,8)", False),
        ("numeric(12,2)", "numeric(10,2)", False),
        ("real", "double precision", True),
        ("double precision", "real", False),
        ("bigint", "double precision", False),
        ("numeric(10,2)", "double precision", False),
        ("character varying(10)", "text", True),
        ("text", "character varying(10)", False),
        ("character(3)", "character varying(3)", True),
        ("timestamp(3) without time zone", "timestamp without time zone", True),
        ("timestamp without time zone", "timestamp(0) without time zone", False),
        ("timestamp without time zone", "timestamp with time zone", False),
        ("date", "timestamp without time zone", True),
        ("uuid", "text", False),
    ],
)
def test_widening_is_about_values(before: str, now: str, expected: bool) -> None:
    assert widens(before, now) is expected


NAMES = st.sampled_from(["a", "b", "é", 'q"', "select"])
TYPES = st.sampled_from(["smallint", "bigint", "text", "character varying(4)", "numeric(10,2)", "numeric(12,2)"])
SHAPES = st.lists(st.tuples(NAMES, TYPES, st.integers(1, 9)), unique_by=(lambda c: c[0], lambda c: c[2])).map(
    lambda columns: Shape(tuple(Column(n, t, True, i) for n, t, i in sorted(columns, key=lambda c: c[2])), ())
)


@given(SHAPES, SHAPES, st.booleans())
def test_equal_shapes_have_no_drift_and_others_do(before: Shape, now: Shape, same_table: bool) -> None:
    assert drift(before, before, same_table=same_table) == []
    assert Shape.from_json(before.to_json()) == before
    found = drift(before, now, same_table=same_table)
    numbered = [(c.number if same_table else None, c.name, c.pg_type) for c in before.columns]
    assert (found == []) == (numbered == [(c.number if same_table else None, c.name, c.pg_type) for c in now.columns])
    gone = {c.column for c in found if c.kind == "dropped"} | {c.before for c in found if c.kind == "renamed"}
    new = {c.column for c in found if c.kind in ("added", "renamed")}
    names = {c.name for c in before.columns}
    assert (names - gone) | new >= {c.name for c in now.columns}
