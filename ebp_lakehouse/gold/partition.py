"""The partition rule (semantics §5), as set algebra over one working copy of a table's history.

Of a **series**, partition D holds the rows whose figures differ from what the partitions before D say, a mark for each
key that the series no longer has, and always D's own row. The current view takes, per key, the row of the greatest
partition. Replacing a past D must therefore also keep what the next partition shows: rows that it used to take from
before D are written into it when D would change them. Of the other kinds, partition D is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import duckdb

from ebp_lakehouse.gold.contract import BASIS, KNOWN_AT, GoldTable
from ebp_lakehouse.lake.session import quote_identifier, quote_literal
from ebp_lakehouse.lake.views import GOLD_DELETED as DELETED
from ebp_lakehouse.lake.views import GOLD_MONTH as MONTH
from ebp_lakehouse.lake.views import GOLD_PARTITION as PARTITION

HISTORY = "gold_history"  # working copy of the partitions
COMPUTED = "gold_computed"  # the table as of D, clocks included, partition column = D


@dataclass
class Partitions:
    """Working history of one gold table; collect changes, then write the ``touched`` partitions.

    The connection must hold a table ``gold_history`` with the columns of the table's Arrow schema.
    """

    connection: duckdb.DuckDBPyConnection
    table: GoldTable
    touched: set[date] = field(default_factory=set)

    def replace(self, day: date, computed: str, known_at: datetime, basis: str) -> int:
        """Bring partition ``day`` to what was computed for it.

        Args:
            day: the partition D.
            computed: relation with the declared columns: the whole table as of D.
            known_at: UTC instant of the knowledge it was computed from.
            basis: ``as_known`` or ``restated``.

        Returns:
            The rows that the partition then holds.
        """
        stamp = f"""TIMESTAMP '{known_at}' AS {KNOWN_AT}, {quote_literal(basis)} AS {BASIS}, {_stamp(day)}"""
        self._execute(
            f"CREATE OR REPLACE TEMP TABLE {COMPUTED} AS SELECT *, {stamp}, false AS {DELETED} FROM {computed}"
        )
        is_series = self.table.kind == "series"
        rows = self._series_rows(day, stamp) if is_series else f"FROM {COMPUTED}"
        self._execute(f"CREATE OR REPLACE TEMP TABLE gold_new AS {rows}")
        if not self._differs("gold_new", f"(FROM {HISTORY} WHERE {PARTITION} = DATE '{day}')"):
            return self._rows(day)
        after = f"SELECT min({PARTITION}) FROM {HISTORY} WHERE {PARTITION} > DATE '{day}'"
        following = self._one(after) if is_series else None
        if following is not None:
            self._keep(following)
        self._execute(f"DELETE FROM {HISTORY} WHERE {PARTITION} = DATE '{day}'")
        self._execute(f"INSERT INTO {HISTORY} BY NAME FROM gold_new")
        self.touched.add(day)
        if following is not None:
            self._restore(following)
        return self._rows(day)

    def live_rows(self) -> int:
        """Rows that readers see of the partitions at hand."""
        if self.table.kind == "series":
            return int(self._one(f"SELECT count(*) FROM ({self._state('true')}) WHERE NOT {DELETED}"))
        where = f"WHERE {PARTITION} = (SELECT max({PARTITION}) FROM {HISTORY})" if self.table.kind == "state" else ""
        return int(self._one(f"SELECT count(*) FROM {HISTORY} {where}"))

    def _series_rows(self, day: date, stamp: str) -> str:
        """SQL: the computed rows that differ from the state before D, marks of the keys that went, and D's own row.

        A series without days keeps its first row instead: a partition that held nothing would not be known to have
        been computed, and a late back-fill of an older day would show through it.
        """
        state = self._state(f"{PARTITION} < DATE '{day}'")
        if "date_id" in self.table.key:
            own = f"c.date_id = {day:%Y%m%d}"
        else:
            own = f"({self._key_of('c')}) = (SELECT ({self._key}) FROM {COMPUTED} ORDER BY ALL LIMIT 1)"
        return f"""
            SELECT c.* FROM {COMPUTED} c
            LEFT JOIN ({state}) s USING ({self._key})
            WHERE s.{PARTITION} IS NULL OR {self._figures_of("c")} IS DISTINCT FROM {self._figures_of("s")} OR {own}
            UNION ALL BY NAME
            SELECT {self._key}, {stamp}, true AS {DELETED} FROM ({state}) s
            ANTI JOIN {COMPUTED} USING ({self._key}) WHERE NOT s.{DELETED}
        """

    def _keep(self, following: date) -> None:
        """Remember what partition ``following`` shows now."""
        state = self._state(f"{PARTITION} <= DATE '{following}'")
        self._execute(f"CREATE OR REPLACE TEMP TABLE gold_kept AS {state}")

    def _restore(self, following: date) -> None:
        """Write into ``following`` the rows that it no longer shows as it did, and marks of those it did not show."""
        state = self._state(f"{PARTITION} <= DATE '{following}'")
        clock = f"SELECT {KNOWN_AT}, {BASIS} FROM {HISTORY} WHERE {PARTITION} = DATE '{following}' LIMIT 1"
        changed = f"""
            SELECT k.* EXCLUDE ({PARTITION}, {MONTH}), {_stamp(following)} FROM gold_kept k
            LEFT JOIN ({state}) s USING ({self._key})
            WHERE s.{PARTITION} IS NULL OR {self._figures_of("k")} IS DISTINCT FROM {self._figures_of("s")}
            UNION ALL BY NAME
            SELECT {self._key}, clock.*, {_stamp(following)}, true AS {DELETED}
            FROM ({state}) s ANTI JOIN gold_kept USING ({self._key}) CROSS JOIN ({clock}) clock
            WHERE NOT s.{DELETED}
        """
        self._execute(f"CREATE OR REPLACE TEMP TABLE gold_restored AS {changed}")
        if self._one("SELECT count(*) FROM gold_restored"):
            self._execute(f"INSERT INTO {HISTORY} BY NAME FROM gold_restored")
            self.touched.add(following)

    def _state(self, where: str) -> str:
        """SQL: per key the row of the greatest of some partitions, marks included."""
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

    def _key_of(self, alias: str) -> str:
        return ", ".join(f"{alias}.{quote_identifier(name)}" for name in self.table.key)

    def _figures(self) -> Sequence[str]:
        return [quote_identifier(name) for name in (*self.table.columns, DELETED)]

    def _figures_of(self, alias: str) -> str:
        return f"row({', '.join(f'{alias}.{column}' for column in self._figures())})"

    def _rows(self, day: date) -> int:
        return int(self._one(f"SELECT count(*) FROM {HISTORY} WHERE {PARTITION} = DATE '{day}'") or 0)

    def _execute(self, sql: str) -> None:
        self.connection.execute(sql)

    def _one(self, sql: str) -> Any:
        row = self.connection.execute(sql).fetchone()
        return row[0] if row else None


def _stamp(day: date) -> str:
    return f"DATE '{day}' AS {PARTITION}, DATE '{day.replace(day=1)}' AS {MONTH}"
