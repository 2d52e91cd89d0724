"""The partition rule of daily series (semantics §5), as set algebra over one working copy of a table's history.

Partition D holds the rows whose figures differ from what the partitions before D say, and always D's own row. The
current view takes, per key, the row of the greatest partition. Replacing a past D must therefore also keep what the
next partition shows: rows that it used to take from before D are written into it when D would change them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from ebp_lakehouse.gold.contract import PARTITION, GoldTable
from ebp_lakehouse.lake.session import quote_identifier

HISTORY = "gold_history"  # working copy of every partition
COMPUTED = "gold_computed"  # the series as of D, clocks included, partition column = D


@dataclass
class DailySeries:
    """Working history of one daily series in a DuckDB connection; collect changes, then write ``touched`` partitions.

    The connection must hold a table ``gold_history`` with the table's declared columns, the clocks and the partition.
    """

    connection: duckdb.DuckDBPyConnection
    table: GoldTable
    touched: set[date] = field(default_factory=set)

    def replace(self, day: date, own_key: int) -> int:
        """Bring partition ``day`` to the state in ``gold_computed``; the rows it then holds.

        Args:
            day: the partition D.
            own_key: key of D's own row, which the partition holds even when nothing changed.
        """
        before = self._rows(day)
        self._execute(f"CREATE OR REPLACE TEMP TABLE gold_new AS {self._partition_rows(day, own_key)}")
        if not self._differs("gold_new", f"(FROM {HISTORY} WHERE {PARTITION} = DATE '{day}')"):
            return before
        following = self._one(f"SELECT min({PARTITION}) FROM {HISTORY} WHERE {PARTITION} > DATE '{day}'")
        if following is not None:
            self._keep(following)
        self._execute(f"DELETE FROM {HISTORY} WHERE {PARTITION} = DATE '{day}'")
        self._execute(f"INSERT INTO {HISTORY} BY NAME FROM gold_new")
        self.touched.add(day)
        if following is not None:
            self._restore(following)
        return self._rows(day)

    def _partition_rows(self, day: date, own_key: int) -> str:
        """SQL: the computed rows that differ from the state before D, and D's own row."""
        state = self._state(f"{PARTITION} < DATE '{day}'")
        figures = self._figures()
        key = self.table.key[0]
        return f"""
            SELECT c.* FROM {COMPUTED} c
            LEFT JOIN ({state}) s USING ({self._key})
            WHERE s.{PARTITION} IS NULL OR {_row("c", figures)} IS DISTINCT FROM {_row("s", figures)}
               OR c.{quote_identifier(key)} = {own_key}
        """

    def _keep(self, following: date) -> None:
        """Remember what partition ``following`` shows now."""
        state = self._state(f"{PARTITION} <= DATE '{following}'")
        self._execute(f"CREATE OR REPLACE TEMP TABLE gold_kept AS {state}")

    def _restore(self, following: date) -> None:
        """Write into ``following`` the rows that it no longer shows as it did."""
        state = self._state(f"{PARTITION} <= DATE '{following}'")
        figures = self._figures()
        changed = f"""
            SELECT k.* REPLACE (DATE '{following}' AS {PARTITION}) FROM gold_kept k
            LEFT JOIN ({state}) s USING ({self._key})
            WHERE s.{PARTITION} IS NULL OR {_row("k", figures)} IS DISTINCT FROM {_row("s", figures)}
        """
        self._execute(f"CREATE OR REPLACE TEMP TABLE gold_restored AS {changed}")
        if self._one("SELECT count(*) FROM gold_restored"):
            self._execute(f"INSERT INTO {HISTORY} BY NAME FROM gold_restored")
            self.touched.add(following)

    def _state(self, where: str) -> str:
        return (
            f"FROM {HISTORY} WHERE {where} "
            f"QUALIFY row_number() OVER (PARTITION BY {self._key} ORDER BY {PARTITION} DESC) = 1"
        )

    def _differs(self, left: str, right: str) -> bool:
        """Whether two sets of rows of one partition differ in any figure; the clocks alone are no difference."""
        figures = ", ".join(self._figures())
        return bool(
            self._one(
                f"SELECT count(*) FROM ((SELECT {figures} FROM {left} EXCEPT SELECT {figures} FROM {right}) UNION ALL "
                f"(SELECT {figures} FROM {right} EXCEPT SELECT {figures} FROM {left}))"
            )
        )

    @property
    def _key(self) -> str:
        return ", ".join(quote_identifier(name) for name in self.table.key)

    def _figures(self) -> Sequence[str]:
        return [quote_identifier(name) for name in self.table.columns]

    def _rows(self, day: date) -> int:
        return int(self._one(f"SELECT count(*) FROM {HISTORY} WHERE {PARTITION} = DATE '{day}'") or 0)

    def _execute(self, sql: str) -> None:
        self.connection.execute(sql)

    def _one(self, sql: str) -> Any:
        row = self.connection.execute(sql).fetchone()
        return row[0] if row else None


def _row(alias: str, columns: Sequence[str]) -> str:
    return f"row({', '.join(f'{alias}.{column}' for column in columns)})"
