"""What a source row is here, and its completion to EBP's own columns.

A row names the columns that matter; NOT NULL columns that it leaves out hold what EBP writes where nothing was entered.
Where EBP has a uuid, the row has a readable name (`FA260001`, `DEP`): `uid` turns names into uuids, always the same.
Not here: any figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from ebp_lakehouse.source.reference_schema import ReferenceColumn, reference

Row = dict[str, Any]

EARLY = "2026-02-01 06:00:00"  # first capture: what was known on 1 February
FINAL = "2026-03-31 20:00:00"  # last capture, on the company's last day (capture of every row that does not say when)
AS_OF = "2026-03-31"

CAPTURED = "_bronze_valid_from"
DELETED = "_bronze_is_deleted"

# What a NOT NULL column holds where nothing was entered; a timestamp without a value is not meant to be read.
_BLANKS: dict[str, Any] = {
    "numeric": 0,
    "double precision": 0,
    "smallint": 0,
    "integer": 0,
    "boolean": False,
    "uuid": "00000000-0000-0000-0000-000000000000",
    "timestamp": "1970-01-01 00:00:00",
}


def captured(moment: str, *rows: Row) -> list[Row]:
    """The same rows as they were captured at `moment` (a later row of the same key is its next version)."""
    return [{**row, CAPTURED: moment} for row in rows]


def uid(name: str) -> str:
    """The uuid that stands for a readable name."""
    return str(UUID(hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()))


def completed(table: str, row: Mapping[str, Any]) -> Row:
    """The row with every NOT NULL column filled and names turned into uuids; a column EBP lacks is a mistake here."""
    columns = {column.name: column for column in reference()[table].columns}
    unknown = sorted(name for name in row if name not in columns and not name.startswith("_"))
    assert not unknown, f"{table} has no column {', '.join(unknown)}"
    filled = {
        column.name: _BLANKS.get(column.type, "")
        for column in columns.values()
        if not column.nullable and row.get(column.name) is None
    }
    given = {name: _as_stored(columns[name], value) if name in columns else value for name, value in row.items()}
    return {**given, **filled}


def as_held(table: str, rows: Sequence[Mapping[str, Any]], moment: str) -> list[Row]:
    """The rows as the source held them at `moment`: the newest version of each key, deleted ones left out."""
    key = reference()[table].key
    newest: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    captured_rows = [row for row in rows if row.get(CAPTURED, FINAL) <= moment]
    for row in sorted(captured_rows, key=lambda row: row.get(CAPTURED, FINAL)):
        newest[tuple(row[name] for name in key) if key else (len(newest),)] = row
    live = (row for row in newest.values() if not row.get(DELETED))
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in live]


def money(value: float | str | Decimal) -> Decimal:
    """An amount as written: 37.9 is thirty-seven and nine tenths, exactly."""
    return Decimal(str(value))


def _as_stored(column: ReferenceColumn, value: Any) -> Any:
    if value is None:
        return None
    if column.type == "uuid":
        return value if value == _BLANKS["uuid"] else uid(value)
    return money(value) if isinstance(value, float) else value
