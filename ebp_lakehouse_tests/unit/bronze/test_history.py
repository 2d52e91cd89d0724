"""Algebra of history: one source told to the lake by readings and by its change stream, in any order, any number of times.

A reading (snapshot or batch) brings the state of an instant, the stream every change in commit order; what the last
reading saw, the stream need not bring. Whatever the mixture: one current version per key, no overlap, no gap, nothing
doubled, and the lake as of an instant is what the source was then.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ebp_lakehouse.bronze.cdc import COMMITTED_AT, fold_changes
from ebp_lakehouse.bronze.fold import HASH, IS_DELETED, POSITION, ROW, STATE_SCHEMA, VALID_FROM, fold, vanished

KEY = ["a", "b"]
KEYS = pl.Schema({"a": pl.String(), "b": pl.String()})
START = datetime(2026, 1, 1)  # noqa: DTZ001
SECOND, HALF = timedelta(seconds=1), timedelta(milliseconds=500)
Key = tuple[str, str]
State = dict[Key, str]
Transaction = list[tuple[Key, str | None]]  # None: deleted

# Keys whose concatenation is ambiguous, so that joining them without care would retire another row.
OPERATION = st.tuples(
    st.sampled_from([("x", "yz"), ("xy", "z"), ("", "xyz")]), st.sampled_from([None, None, "1", "2", "3"])
)
TIMELINE = st.lists(st.lists(OPERATION, min_size=1, max_size=4), min_size=1, max_size=8)


class Lake:
    """The versions of one table, fed as the pipeline does it. Transaction ``n`` (from 1) commits at START + n seconds."""

    def __init__(self, timeline: list[Transaction]) -> None:
        self.timeline = timeline
        self.states: list[State] = [{}]
        for transaction in timeline:
            state = dict(self.states[-1])
            for key, value in transaction:
                if value is None:
                    state.pop(key, None)
                else:
                    state[key] = value
            self.states.append(state)
        self.versions = pl.DataFrame(schema=KEYS | STATE_SCHEMA)
        self.position = 7  # a horizon: any number below the WAL's
        self.read_at = self.known = 0
        self.exact = {0}  # transactions after which the lake knew the source's state

    def newest(self) -> pl.DataFrame:
        return self.versions.sort(VALID_FROM).unique(KEY, keep="last", maintain_order=True)

    def read(self, upto: int) -> int:
        """A reading that sees the first ``upto`` transactions; the number of versions it adds."""
        state = self.newest()
        rows = [(*key, value, False) for key, value in self.states[upto].items()]
        seen = pl.DataFrame(rows, schema=KEYS | {HASH: pl.String(), IS_DELETED: pl.Boolean()}, orient="row")
        gone = vanished(state, seen.select(KEY), KEY).select(*KEY, HASH).with_columns(pl.lit(True).alias(IS_DELETED))
        changes = pl.concat([seen, gone])
        kept = fold(changes, state, KEY, position=self.position, captured_at=START + upto * SECOND + HALF / 2)
        added = changes.with_row_index(ROW).join(kept, on=ROW, maintain_order="right")
        self._add(added.with_columns(pl.lit(self.position, pl.Int64).alias(POSITION)), upto)
        self.read_at = max(self.read_at, upto)
        return added.height

    def stream(self, since: int, upto: int) -> int:
        """The changes of transactions ``since`` + 1 to ``upto``, without those that the last reading saw."""
        rows = [
            (*key, value, value is None, 100 + number, START + number * SECOND)
            for number in range(since + 1, upto + 1)
            for key, value in self.timeline[number - 1]
            if number > self.read_at
        ]
        kinds = {HASH: pl.String(), IS_DELETED: pl.Boolean(), POSITION: pl.Int64(), COMMITTED_AT: pl.Datetime("us")}
        kept = fold_changes(pl.DataFrame(rows, schema=KEYS | kinds, orient="row"), self.newest(), KEY)
        self.exact |= set(range(max(self.known, since) + 1, upto + 1))
        self._add(kept, upto)
        self.position = max(self.position, 100 + upto)
        return kept.height

    def _add(self, rows: pl.DataFrame, upto: int) -> None:
        self.versions = pl.concat([self.versions, rows.select([*KEY, *STATE_SCHEMA])])
        self.known = max(self.known, upto)
        self.exact.add(upto)

    def as_of(self, instant: datetime) -> State:
        then = self.versions.filter(pl.col(VALID_FROM) <= instant).sort(VALID_FROM).unique(KEY, keep="last")
        return {(row["a"], row["b"]): row[HASH] for row in then.filter(~pl.col(IS_DELETED)).to_dicts()}


@st.composite
def tellings(draw: Any) -> tuple[Lake, list[tuple[str, int, int]]]:
    """A source, and how the lake hears of it: steps that never skip a transaction, but may tell many again."""
    lake = Lake(draw(TIMELINE))
    steps, known, last = [("read", 0, 0)], 0, len(lake.timeline)
    for _ in range(draw(st.integers(1, 6))):
        upto = draw(st.integers(known, last))
        since = draw(st.integers(0, known))
        steps.append((draw(st.sampled_from(["read", "stream", "stream"])), since, upto))
        known = upto
    return lake, steps


@given(tellings())
def test_any_telling_of_a_source_is_its_history(telling: tuple[Lake, list[tuple[str, int, int]]]) -> None:
    lake, steps = telling
    for kind, since, upto in steps:
        for again in (False, True, True):  # the same batch twice more: a retry, and a second process
            added = lake.read(upto) if kind == "read" else lake.stream(since, upto)
            assert not (again and added), "a replay added versions"
        assert lake.as_of(START + timedelta(days=1)) == lake.states[upto]
    for number in lake.exact:
        assert lake.as_of(START + number * SECOND + HALF) == lake.states[number], number
    ordered = lake.versions.sort(*KEY, VALID_FROM)
    assert not ordered.select(*KEY, VALID_FROM).is_duplicated().any(), "two versions of a key begin together"
    what = ordered.select(pl.struct(*KEY, HASH, IS_DELETED).alias("what")).to_series()
    assert not (what == what.shift(1)).fill_null(False).any(), "a version equals its predecessor"
    first = ordered.unique(KEY, keep="first", maintain_order=True)
    assert not first[IS_DELETED].any(), "a history begins with a deletion"
    positions = ordered.select((pl.col(POSITION).diff().over(KEY) < 0).fill_null(False)).to_series()
    assert not positions.any(), "positions fall within a key"


@given(TIMELINE)
def test_the_stream_alone_knows_every_instant_and_readings_alone_the_instants_they_saw(
    timeline: list[Transaction],
) -> None:
    streamed, read = Lake(timeline), Lake(timeline)
    streamed.read(0)
    streamed.stream(0, len(timeline))
    for upto in range(len(timeline) + 1):
        read.read(upto)
    for number, state in enumerate(streamed.states):
        instant = START + number * SECOND + HALF
        assert streamed.as_of(instant) == read.as_of(instant) == state
