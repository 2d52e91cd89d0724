"""Versions that a change of the table's shape made: a column left, came, or took another type, and the row is as it was.

They carry ``schema/<batch>`` as ``_bronze_file_name`` instead of the batch's route, so that nobody takes them for
something that happened in the company. Not here: what changed in the shape (drift.py), what the lake's columns become (canonical.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl
import pyarrow as pa

from ebp_lakehouse.bronze.canonical import Layout
from ebp_lakehouse.bronze.widening import widened

LABEL = "schema"


def kept_columns(plan: Layout, stored: pa.Schema) -> list[str]:
    """The key, and the columns that are what they were: neither new, nor gone from the source, nor of another type."""
    other = {*plan.added, *widened(stored, plan.schema)}
    return [
        name
        for name, selected in zip(plan.schema.names, plan.selected, strict=True)
        if name in plan.key or (selected is not None and name not in other)
    ]


def only_reshaped(values: pa.Table, before: Iterable[pa.Table], columns: Sequence[str]) -> pl.Series:
    """Per row of ``values``, whether its predecessor in ``before`` (same key) is equal in all of ``columns``.

    Args:
        values: new states, one per key.
        before: last known states of (some of) the same keys, in blocks.
        columns: those to compare, the key's among them; NULL equals NULL.
    """
    new = pl.DataFrame(pl.from_arrow(values.select(list(columns)))).with_row_index("row")
    same = [new["row"].clear()]
    for block in before:
        old = pl.DataFrame(pl.from_arrow(block.select(list(columns))))
        same.append(new.join(old, on=list(columns), how="semi", nulls_equal=True)["row"])
    return new["row"].is_in(pl.concat(same).implode())
