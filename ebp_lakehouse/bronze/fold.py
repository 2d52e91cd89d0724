"""The fold: which captured states are new versions, and from when they are valid.

By position first, by hash second: a change strictly below the position of its key's newest version is dropped; a state
equal to its predecessor is dropped. So replays, overlaps and reloads of unchanged rows add nothing.

Deletes: a deleted row gets one more version with its last known values **and its last hash**, ``_bronze_is_deleted``
true. Two states are equal only when hash *and* deletion mark are, so the same row inserted again is a new version.

Keys are compared column by column, never as one concatenated text. Pure: frames in, frames out; no lake, no source.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from datetime import datetime

import polars as pl

from ebp_lakehouse.errors import ExtractionError

# No source column can have these names: see source/naming.py.
HASH = "_bronze_fold_hash"
IS_DELETED = "_bronze_fold_is_deleted"
VALID_FROM = "_bronze_fold_valid_from"
POSITION = "_bronze_fold_position"
ROW = "_bronze_fold_row"
CHANGE = "_bronze_fold_change"
IS_FIRST = "_bronze_fold_is_first"
INSERT, UPDATE, DELETE = "insert", "update", "delete"

STATE_SCHEMA = {
    HASH: pl.String(),
    VALID_FROM: pl.Datetime("us"),
    IS_DELETED: pl.Boolean(),
    POSITION: pl.Int64(),
}
SHRINK_SHARE = 0.5
SHRINK_ROWS = 20


def fold(
    changes: pl.DataFrame, state: pl.DataFrame, key: Sequence[str], *, position: int, captured_at: datetime
) -> pl.DataFrame:
    """Keep the changes that are new versions.

    Args:
        changes: one row per key: the key columns, ``HASH``, ``IS_DELETED``.
        state: newest version per key: the key columns, then ``STATE_SCHEMA``.
        key: names of the key columns.
        position: position of the capture, one for all its changes.
        captured_at: instant of the capture, UTC without zone.

    Returns:
        ``ROW`` (index in ``changes``, ascending), ``VALID_FROM``, ``CHANGE`` (insert, update or delete),
        ``IS_FIRST`` (the key had no version yet: an insert may also be a deleted row that came back).
        ``VALID_FROM`` is strictly greater than that of the key's previous version, whatever the clocks did.
    """
    # Left join on renamed state columns; "maintain_order" because ROW must stay ascending for the caller's take().
    previous = state.rename({name: f"{name}_before" for name in STATE_SCHEMA})
    joined = changes.with_row_index(ROW).join(
        previous, on=list(key), how="left", maintain_order="left", nulls_equal=True
    )
    was = {name: pl.col(f"{name}_before") for name in STATE_SCHEMA}
    known = was[HASH].is_not_null()
    not_late = ~known | (was[POSITION] <= position)
    differs = ~known | (was[HASH] != pl.col(HASH)) | (was[IS_DELETED] != pl.col(IS_DELETED))
    # What never was, or is gone already, cannot be deleted, whatever its hash.
    possible = ~pl.col(IS_DELETED) | (known & ~was[IS_DELETED])
    return joined.filter(not_late & differs & possible).select(
        ROW,
        pl.max_horizontal(pl.lit(captured_at, pl.Datetime("us")), was[VALID_FROM] + pl.duration(microseconds=1))
        .cast(pl.Datetime("us"))
        .alias(VALID_FROM),
        pl.when(pl.col(IS_DELETED))
        .then(pl.lit(DELETE))
        .when(known & ~was[IS_DELETED])
        .then(pl.lit(UPDATE))
        .otherwise(pl.lit(INSERT))
        .alias(CHANGE),
        (~known).alias(IS_FIRST),
    )


def vanished(state: pl.DataFrame, source_keys: pl.DataFrame, key: Sequence[str]) -> pl.DataFrame:
    """Live rows of ``state`` whose key is not among ``source_keys``: the deleted ones (anti-join)."""
    return state.filter(~pl.col(IS_DELETED)).join(source_keys, on=list(key), how="anti", maintain_order="left")


def repeated(keys: pl.DataFrame) -> pl.DataFrame:
    """The first key that occurs more than once, or no row."""
    return keys.filter(keys.is_duplicated()).head(1)


def check_shrink(table: str, asset: str, *, live: int, lost: int, accepted: Container[str]) -> None:
    """Refuse a table that lost more than max(50 %, 20 rows): copies of EBP are refreshed by TRUNCATE and reload.

    Raises:
        ExtractionError: unless ``accepted`` names the table (or its asset).
    """
    if lost <= max(live * SHRINK_SHARE, SHRINK_ROWS) or table in accepted or asset in accepted:
        return
    raise ExtractionError(
        f'Table "{table}": {lost} of its {live} rows are gone from the source. This looks like a copy being refreshed '
        "(TRUNCATE and reload), so the table was not touched. Run again when the refresh is over; if the rows are "
        f"really deleted, run with accept_shrink: [{table}] (in a terminal: materialize --accept-shrink {table})."
    )
