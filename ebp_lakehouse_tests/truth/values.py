"""How raw values are read: exact amounts, codes as people mean them, days. Not here: any rule about documents."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

Bronze = Mapping[str, pl.DataFrame]

AMOUNT = pl.Decimal(38, 8)
NOTHING = pl.lit(0).cast(AMOUNT)


def amount(column: str | pl.Expr) -> pl.Expr:
    """An amount or quantity, exact; what EBP left empty is nothing."""
    expression = pl.col(column) if isinstance(column, str) else column
    return expression.cast(AMOUNT).fill_null(NOTHING)


def total(expression: pl.Expr) -> pl.Expr:
    """Exact sum; 0 over no rows."""
    return expression.sum().fill_null(NOTHING)


def cents(expression: pl.Expr) -> pl.Expr:
    """To the cent, half away from zero (A13), as float for comparison: exact below 10^13."""
    return expression.cast(AMOUNT).round(2, mode="half_away_from_zero").cast(pl.Float64)


def code(column: str) -> pl.Expr:
    """A business code: trimmed, compared without case (V1); blank is none."""
    text = pl.col(column).cast(pl.String).str.strip_chars().str.to_uppercase()
    return pl.when(text != "").then(text)


def day(column: str) -> pl.Expr:
    """The wall-clock day (V6)."""
    return pl.col(column).cast(pl.Date)


def ratio(part: pl.Expr, whole: pl.Expr, factor: int = 1) -> pl.Expr:
    """part / whole x factor; empty where the whole is not positive (A12)."""
    return pl.when(whole > 0).then(part.cast(pl.Float64) / whole.cast(pl.Float64) * factor)
