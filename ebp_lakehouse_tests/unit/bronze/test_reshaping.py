"""Which new versions only the table's shape made."""

from __future__ import annotations

import pyarrow as pa

from ebp_lakehouse.bronze.canonical import Layout
from ebp_lakehouse.bronze.reshaping import kept_columns, only_reshaped


def test_columns_that_came_left_or_changed_their_type_are_not_compared() -> None:
    stored = pa.schema([("Id", pa.string()), ("gone", pa.string()), ("n", pa.int32()), ("note", pa.string())])
    now = pa.schema(
        [("Id", pa.string()), ("gone", pa.string()), ("n", pa.int64()), ("note", pa.string()), ("new", pa.string())]
    )
    plan = Layout("T", ("Id",), now, ("Id", None, "n", "note", "new"), added=("new",))
    assert kept_columns(plan, stored) == ["Id", "note"]


def test_the_key_is_compared_even_when_its_type_widened() -> None:
    stored = pa.schema([("Id", pa.int32()), ("note", pa.string())])
    now = pa.schema([("Id", pa.int64()), ("note", pa.string())])
    assert kept_columns(Layout("T", ("Id",), now, ("Id", "note")), stored) == ["Id", "note"]


def test_a_row_is_compared_with_its_own_predecessor_and_null_equals_null() -> None:
    new = pa.table({"Id": ["a", "b", "c", "d"], "note": ["x", None, "y", "z"], "new": ["1", "1", "1", "1"]})
    old = pa.table({"Id": ["a", "b", "c"], "note": ["x", None, "other"]})
    again = pa.table({"Id": ["e"], "note": ["z"]})
    assert only_reshaped(new, [old, again], ["Id", "note"]).to_list() == [True, True, False, False]
