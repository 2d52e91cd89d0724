"""What a computed gold table must satisfy before it is committed: its contract, and the identities with its sources.

Not here: computing (compute.py), Dagster (assets.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import polars as pl

from ebp_lakehouse.gold.contract import GoldTable, named_in
from ebp_lakehouse.validation import problems_of


@dataclass(frozen=True)
class Findings:
    """What is wrong with a table, in sentences; true when anything is.

    Attributes:
        contract: rules of the model that rows break.
        identities: sums and counts that differ from those of the sources.
        uses: what it uses and is wrong itself: tables of gold, or silver rebuilt for a day.
        error: why its query could not be run.
    """

    contract: list[str] = field(default_factory=list)
    identities: list[str] = field(default_factory=list)
    uses: list[str] = field(default_factory=list)
    error: str = ""

    def __bool__(self) -> bool:
        return bool(self.contract or self.identities or self.uses or self.error)


def findings(
    connection: duckdb.DuckDBPyConnection, table: GoldTable, frame: pl.DataFrame, values: Mapping[str, Any]
) -> Findings:
    """Judge a computed table.

    Args:
        connection: holds the silver tables it was computed from, itself and what it uses as ``computed.<name>``.
        table: its declaration.
        frame: its rows.
        values: the parameters, and ``as_of``.
    """
    broken = [*_key_problems(table, frame), *problems_of(table.schema, frame)]
    if broken or table.identities is None:
        return Findings(contract=broken)
    rows = connection.execute(table.identities, named_in(connection, table.identities, values)).fetchall()
    return Findings(identities=[str(row[0]) for row in rows])


def _key_problems(table: GoldTable, frame: pl.DataFrame) -> list[str]:
    """The key must name every row, once."""
    key = list(table.key)
    empty = frame.select(pl.any_horizontal(pl.col(key).is_null()).sum()).item() if frame.height else 0
    doubled = frame.height - frame.select(key).unique().height
    told = ", ".join(key)
    return [f"{told}: NULL in {empty} rows"] * bool(empty) + [f"{told}: {doubled} rows repeat a key"] * bool(doubled)
