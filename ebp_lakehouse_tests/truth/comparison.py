"""How a table of gold is held against the truth. Not here: either of them."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

RELATIVE = 1e-9  # of rates, which are DOUBLE; amounts and counts are exact
SHOWN = 5


def differences(
    truth: pl.DataFrame, gold: pl.DataFrame, key: Sequence[str], columns: Sequence[str] | None = None
) -> list[str]:
    """What differs, a line per missing row and per column with the first examples; nothing when all is equal.

    Args:
        truth: the second computation.
        gold: the published table; it may hold more columns.
        key: columns that identify a row in both.
        columns: what to compare; all other columns of ``truth`` unless told.
    """
    compared = list(columns or [name for name in truth.columns if name not in key])
    gold = gold.select(*key, *(_plain(gold, name) for name in compared))
    truth = truth.select(*key, *(_plain(truth, name) for name in compared))
    found = [f"{len(rows)} rows only in {side}: {rows.head(SHOWN).rows()}" for side, rows in (
        ("truth", truth.join(gold, on=key, how="anti", nulls_equal=True).select(key)),
        ("gold", gold.join(truth, on=key, how="anti", nulls_equal=True).select(key)),
    ) if rows.height]  # fmt: skip
    both = truth.join(gold, on=key, how="inner", suffix="_gold", nulls_equal=True)
    for name in compared:
        wrong = both.filter(_differs(both.schema[name], pl.col(name), pl.col(f"{name}_gold")))
        if wrong.height:
            examples = wrong.select(*key, name, f"{name}_gold").head(SHOWN).rows()
            found.append(f"{name}: {wrong.height} of {both.height} rows differ (key, truth, gold): {examples}")
    return found


def _plain(frame: pl.DataFrame, name: str) -> pl.Expr:
    """Decimals as float: cents below 10^13 are told apart; whole numbers alike, whatever their width."""
    kind = frame.schema[name]
    if isinstance(kind, pl.Decimal) or kind.is_float():
        return pl.col(name).cast(pl.Float64)
    return pl.col(name).cast(pl.Int64) if kind.is_integer() else pl.col(name)


def _differs(kind: pl.DataType, truth: pl.Expr, gold: pl.Expr) -> pl.Expr:
    unequal = truth.ne_missing(gold)
    if not kind.is_float():
        return unequal
    near = (truth - gold).abs() <= RELATIVE * truth.abs().clip(lower_bound=1)
    return unequal & ~near.fill_null(value=False)
