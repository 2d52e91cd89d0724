"""Comparing what was written with what the source held in the same snapshot: rows, and every sum to the cent.

Pure comparison; the figures come from source/extraction.py and bronze/state.py. It proves, it does not repair.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ebp_lakehouse.source.extraction import SourceFigures


@dataclass(frozen=True)
class Difference:
    """One figure that differs. ``group`` is empty for the whole table; None is a group or sum that is absent."""

    table: str
    figure: str
    group: dict[str, str | None]
    source: Decimal | int | None
    lake: Decimal | int | None

    def __str__(self) -> str:
        where = f" ({', '.join(f'{k} = {v}' for k, v in self.group.items())})" if self.group else ""
        source, lake = _shown(self.source), _shown(self.lake)
        return f"{self.table}{where}: {self.figure} is {source} at the source, {lake} in the lake"


def compare(table: str, source: SourceFigures, lake: SourceFigures) -> list[Difference]:
    """Every difference between two sets of figures of one table; none when the batch looked at a part of it only."""
    if not source.complete:
        return []
    found: list[Difference] = []
    if source.rows != lake.rows:
        found.append(Difference(table, "count", {}, source.rows, lake.rows))
    for values in sorted({*source.sums, *lake.sums}, key=str):
        group = dict(zip(source.by, values, strict=True))
        nothing: tuple[Decimal | None, ...] = (None,) * len(source.measures)
        ours, theirs = lake.sums.get(values, nothing), source.sums.get(values, nothing)
        found += [
            Difference(table, f"sum of {name}", group, theirs[i], ours[i])
            for i, name in enumerate(source.measures)
            if theirs[i] != ours[i]
        ]
    return found


def _shown(value: Decimal | int | None) -> str:
    return "absent" if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
