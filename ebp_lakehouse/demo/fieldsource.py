"""Reading and writing the demo's source while days are simulated: rows as dicts, picks by our own chance, audit columns.

No event of a day lives here (simulate.py, fielddays.py, parkdays.py); net counts are the ledger's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import psycopg

from ebp_lakehouse.demo.company.ledger import SIMULATED_USER, Ledger
from ebp_lakehouse.demo.company.primitives import uuids

Row = dict[str, Any]
Event = tuple[str, Callable[[datetime], Any]]  # its name, and what to do at its moment
# Condition of a customer's appointment in ScheduleEvent: neither absence nor team row nor internal.
APPOINTMENT = (
    """ "LineType" = 0 AND NOT "IsScheduleException" AND trim("CustomerId") <> '' AND "ParentEventId" IS NULL """
)


class FieldSource:
    """A connection, a stream of chance and the ledger, for the events of the field."""

    def __init__(self, connection: psycopg.Connection[Any], rng: np.random.Generator, ledger: Ledger) -> None:
        self.connection, self.rng, self.ledger = connection, rng, ledger

    def key(self) -> str:
        """A new uuid."""
        return str(uuids(self.rng, 1)[0])

    def chance(self, probability: float) -> bool:
        """Whether something of that probability happens."""
        return bool(self.rng.random() < probability)

    def one_of(self, choices: Sequence[Any]) -> Any:
        """One of the choices, each as likely."""
        return choices[int(self.rng.integers(0, len(choices)))]

    def insert(self, table: str, row: Row, moment: datetime, connection: psycopg.Connection[Any] | None = None) -> None:
        """One new row, with who typed it and when; on another connection when it is to be committed later."""
        frame = pl.DataFrame([row | self.audit(moment)], infer_schema_length=None)
        self.ledger.insert(connection or self.connection, table, frame)

    @staticmethod
    def audit(moment: datetime) -> Row:
        """The columns EBP fills by itself on a new row."""
        return {
            "sysCreatedDate": moment, "sysCreatedUser": SIMULATED_USER, "sysModifiedDate": moment,
            "sysModifiedUser": SIMULATED_USER,
        }  # fmt: skip

    def update(self, table: str, key: str, values: Row, moment: datetime) -> None:
        """Change one row."""
        self.ledger.update(self.connection, table, key, values, moment)

    def rows(self, statement: str, *values: Any) -> list[Row]:
        """The rows of a query by column name."""
        cursor = self.connection.execute(statement, values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def value(self, statement: str, *values: Any) -> Any:
        """The first column of the only row."""
        return next(iter(self.rows(statement, *values)[0].values()))

    def pick(self, statement: str, *values: Any) -> Row | None:
        """One of the rows, at random but by our generator: the same seed lives the same days."""
        rows = self.rows(statement, *values)
        return self.one_of(rows) if rows else None

    def delete(self, table: str, column: str, value: Any) -> None:
        """Hard delete of the rows whose ``column`` has that value."""
        self.ledger.delete(self.connection, table, column, value)
