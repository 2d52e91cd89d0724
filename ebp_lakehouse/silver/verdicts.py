"""What a dbt test says of the built tables, in words for people: its meaning, how many rows, and a few of them.

Not here: running the tests (build.py), and what a verdict does to its table (audit.py).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb

from ebp_lakehouse.silver.dbt_run import NodeResult

EXAMPLES = 5


@dataclass(frozen=True)
class Verdict:
    """One dbt test.

    Attributes:
        text: what is wrong; empty when the test passed.
        is_warning: people are told, and nothing is blocked.
    """

    text: str = ""
    is_warning: bool = False

    @property
    def blocks(self) -> bool:
        return bool(self.text) and not self.is_warning


def verdict(connection: duckdb.DuckDBPyConnection, result: NodeResult, personal: Collection[str] | None) -> Verdict:
    """The verdict of a test that ran, with the first rows that its SQL returns.

    Args:
        connection: the scratch database, with the catalog attached as when dbt ran.
        result: dbt's word on the test.
        personal: columns whose values are not shown; None where that is not known, then no row is.
    """
    if result.status == "pass":
        return Verdict()
    if result.status == "error":
        return Verdict(result.message)
    lines = [f"{result.description or 'Rows that break the rule.'} Found: {result.failures}"]
    if personal is not None and result.column not in personal:
        lines += _examples(connection, result.sql, personal)
    return Verdict("\n".join(lines), is_warning=result.status == "warn")


def _examples(connection: duckdb.DuckDBPyConnection, sql: str, personal: Collection[str]) -> list[str]:
    cursor = connection.execute(sql)
    names = [column[0] for column in cursor.description or []]
    return [
        "  "
        + ", ".join(
            f"{name}={_text(value)}"
            for name, value in zip(names, row, strict=True)
            if value is not None and name not in personal
        )
        for row in cursor.fetchmany(EXAMPLES)
    ]


def _text(value: Any) -> str:
    """Amounts are decimal(28, 8): exact, without the zeros at the end."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)
