"""The words in which gold's models declare their columns: formula, French label, unit, and which KPI it is.

Not here: the models themselves (one file per table).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import pandera.polars as pa
import polars as pl

Money = Annotated[pl.Decimal, 18, 2]
Quantity = Annotated[pl.Decimal, 18, 3]


@dataclass(frozen=True)
class Kpi:
    """A KPI of semantics §9 that a column holds; the column gives its formula, unit and grain.

    Attributes:
        number: its number in the list.
        name: English name.
        name_fr: French name.
        sources: the silver (or gold) columns it comes from, as ``table.column``.
    """

    number: int
    name: str
    name_fr: str
    sources: Sequence[str]


def described(formula: str, label_fr: str, unit: str, *, kpi: Kpi | None = None, **rules: Any) -> Any:
    """A column: its formula in business words, its French label and its unit."""
    metadata: dict[str, Any] = {"label_fr": label_fr, "unit": unit} | ({"kpi": kpi} if kpi else {})
    return pa.Field(description=formula, metadata=metadata, **rules)


def optional(formula: str, label_fr: str, unit: str, *, kpi: Kpi | None = None, **rules: Any) -> Any:
    """A column that is NULL when its formula has no denominator, or nothing is known."""
    return described(formula, label_fr, unit, kpi=kpi, nullable=True, **rules)
