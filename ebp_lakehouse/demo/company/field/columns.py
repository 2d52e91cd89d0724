"""Columns that several field tables share: values shown on some rows only, days, coordinates as EBP keeps them."""

from __future__ import annotations

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.primitives import MONEY, Bool, Float, Int


def shown(values: pl.Series, mask: Bool) -> pl.Series:
    """The values where the mask holds, NULL elsewhere."""
    return pl.select(pl.when(pl.Series(mask)).then(values)).to_series()


def dates(days: Int) -> pl.Series:
    """Day numbers as dates."""
    return pl.Series(days.astype(np.int32)).cast(pl.Date)


def coordinate(values: Float, kept: Bool, zero: Bool) -> pl.Series:
    """Degrees with six digits; NULL where not kept or unknown, 0 where somebody left zeros."""
    degrees = np.where(zero, 0.0, np.where(kept, values, np.nan))
    return pl.Series(degrees).fill_nan(None).round(6).cast(MONEY)
