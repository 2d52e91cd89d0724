"""Algebra of history: replays add nothing, the end state is the source's, a row can come back."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebp_lakehouse.bronze.fold import (
    CHANGE,
    HASH,
    IS_DELETED,
    IS_FIRST,
    POSITION,
    ROW,
    STATE_SCHEMA,
    VALID_FROM,
    check_shrink,
    fold,
    repeated,
    vanished,
)  # fmt: skip
from ebp_lakehouse.errors import ExtractionError

KEY = ["a", "b"]
KEYS = pl.Schema({"a": pl.String(), "b": pl.String()})
T0 = datetime(2026, 1, 1)  # noqa: DTZ001
# Two columns whose concatenation is ambiguous: ("x", "yz") and ("xy", "z").
SOURCE = st.dictionaries(st.sampled_from([("x", "yz"), ("xy", "z"), ("", "xyz"), ("é", ",")]), st.sampled_from("123"))
NOTHING = pl.DataFrame(schema=KEYS | STATE_SCHEMA)


def changes_of(source: dict[tuple[str, str], str]) -> pl.DataFrame:
    rows = [(*key, value, False) for key, value in source.items()]
    return pl.DataFrame(rows, schema=KEYS | {HASH: pl.String(), IS_DELETED: pl.Boolean()}, orient="row")


def capture(history: pl.DataFrame, source: dict[tuple[str, str], str], position: int, at: datetime) -> pl.DataFrame:
    """One snapshot capture, as the pipeline does it; returns the versions it adds."""
    state = newest(history)
    seen = changes_of(source)
    gone = vanished(state, seen.select(KEY), KEY).select(*KEY, HASH).with_columns(pl.lit(True).alias(IS_DELETED))
    both = pl.concat([seen, gone])
    kept = fold(both, state, KEY, position=position, captured_at=at)
    return (
        both.with_row_index(ROW)
        .join(kept, on=ROW)
        .with_columns(pl.lit(position, pl.Int64).alias(POSITION))
        .select([*KEY, *STATE_SCHEMA])
    )


def newest(history: pl.DataFrame) -> pl.DataFrame:
    return history.sort(VALID_FROM).unique(KEY, keep="last") if history.height else history


def live(history: pl.DataFrame) -> dict[tuple[str, str], str]:
    return {(r["a"], r["b"]): r[HASH] for r in newest(history).filter(~pl.col(IS_DELETED)).to_dicts()}


@given(st.lists(st.tuples(SOURCE, st.integers(0, 2), st.integers(-3, 3)), max_size=8))
def test_after_any_captures_the_live_rows_are_the_source_and_replays_add_nothing(
    steps: list[tuple[dict[tuple[str, str], str], int, int]],
) -> None:
    history, position, at = NOTHING, 10, T0
    for source, advance, clock in steps:
        position += advance
        at += timedelta(microseconds=clock)  # clocks may go backwards
        history = pl.concat([history, capture(history, source, position, at)])
        assert live(history) == source
        assert capture(history, source, position, at).is_empty()
        assert capture(history, source, position + 5, at + timedelta(days=1)).is_empty()
    assert not history.select(*KEY, VALID_FROM).is_duplicated().any()
    # no two neighbouring versions of a key are equal
    ordered = history.sort(*KEY, VALID_FROM)
    same = ordered.select(pl.struct(*KEY, HASH, IS_DELETED) == pl.struct(*KEY, HASH, IS_DELETED).shift(1)).to_series()
    assert not same.fill_null(False).any()


@given(SOURCE, SOURCE)
def test_a_late_capture_below_the_position_changes_nothing(
    now: dict[tuple[str, str], str], before: dict[tuple[str, str], str]
) -> None:
    history = capture(NOTHING, now, 100, T0)
    late = changes_of({key: value for key, value in before.items() if key in now})
    assert fold(late, newest(history), KEY, position=99, captured_at=T0 + timedelta(1)).is_empty()


def test_delete_then_the_identical_row_again_is_three_versions() -> None:
    row = {("x", "yz"): "1"}
    history = capture(NOTHING, row, 1, T0)
    history = pl.concat([history, capture(history, {}, 2, T0)])
    history = pl.concat([history, capture(history, row, 3, T0)])
    assert history[HASH].to_list() == ["1", "1", "1"]
    assert history[IS_DELETED].to_list() == [False, True, False]
    assert history[VALID_FROM].to_list() == [T0, T0 + timedelta(microseconds=1), T0 + timedelta(microseconds=2)]


def test_the_kind_of_each_change() -> None:
    state = newest(capture(NOTHING, {("x", "yz"): "1", ("xy", "z"): "1"}, 1, T0))
    changes = pl.concat(
        [
            changes_of({("x", "yz"): "2", ("é", ","): "1"}),
            changes_of({("xy", "z"): "1", ("", "xyz"): "9"}).with_columns(pl.lit(True).alias(IS_DELETED)),
        ]
    )
    kept = fold(changes, state, KEY, position=1, captured_at=T0)
    assert kept.select(ROW, CHANGE).rows() == [(0, "update"), (1, "insert"), (2, "delete")]
    assert kept[IS_FIRST].to_list() == [False, True, False]
    deleted = state.with_columns(pl.lit(True).alias(IS_DELETED))
    back = fold(changes_of({("x", "yz"): "1"}), deleted, KEY, position=1, captured_at=T0)
    assert back.select(CHANGE, IS_FIRST).rows() == [("insert", False)]


def test_repeated_keys_are_found_column_by_column() -> None:
    keys = pl.DataFrame({"a": ["x", "xy", "x"], "b": ["yz", "z", "yz"]})
    assert repeated(keys).rows() == [("x", "yz")]
    assert repeated(keys.head(2)).is_empty()


@pytest.mark.parametrize(
    ("live_rows", "lost", "refused"), [(100, 50, False), (100, 51, True), (20, 20, False), (30, 21, True)]
)
def test_shrink_guard(live_rows: int, lost: int, refused: bool) -> None:
    if not refused:
        check_shrink("Item", "item", live=live_rows, lost=lost, accepted=())
        return
    with pytest.raises(
        ExtractionError, match=f"{lost} of its {live_rows} rows.*accept_shrink: .Item..*--accept-shrink Item"
    ):
        check_shrink("Item", "item", live=live_rows, lost=lost, accepted=())
    check_shrink("Item", "item", live=live_rows, lost=lost, accepted=["item"])
