"""What each table must hold: expected/<layer>/<table>.csv, and the comparison of a real table with it.

A cell is written as people write it: NULL is empty, `*` is "not stated", `@name` is the uuid of a readable name, `true`,
`2026-03-31`. Decimals are compared exactly, other numbers at the digits written. Codes and names that a table holds only
behind a surrogate key are looked up in the dimension. Not here: how the tables are made (the tests) and why a figure is
what it is (docs/mini-company.md).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from ebp_lakehouse_tests.mini_company.rows import uid

FOLDER = Path(__file__).parent / "expected"
NOT_STATED = "*"


@dataclass(frozen=True)
class Expected:
    """The stated rows of one table.

    Attributes:
        key: columns that identify a row.
        whole: the table holds these rows and no other; else these are some of its rows.
    """

    layer: str
    name: str
    key: tuple[str, ...]
    whole: bool = True

    @property
    def path(self) -> Path:
        return FOLDER / self.layer / f"{self.name}.csv"

    def rows(self) -> list[dict[str, str]]:
        with self.path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def columns(self) -> list[str]:
        return list(self.rows()[0])

    def keyed_by(self, *key: str) -> Expected:
        return replace(self, key=key)

    def key_of(self, row: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(as_written(row[name]) for name in self.key)


def _silver(name: str, *key: str, whole: bool = True) -> Expected:
    return Expected("silver", name, key, whole)


def _gold(name: str, *key: str, whole: bool = True) -> Expected:
    return Expected("gold", name, key, whole)


TABLES: dict[str, Expected] = {
    f"{table.layer}.{table.name}": table
    for table in (
        _silver("dim_date", "date_id", whole=False),
        _silver("dim_customer", "customer_id", "valid_from"),
        _silver("dim_product", "product_id", "valid_from"),
        _silver("dim_colleague", "colleague_id"),
        _silver("fact_sales", "document_number", "line_number"),
        _gold("sales_daily_kpi", "date_id", whole=False),
    )
}

# Where a code or a name is found when a table holds only the surrogate key: key column → (dimension, its columns).
_LOOKUPS: dict[str, tuple[str, dict[str, str]]] = {
    "customer_key": ("dim_customer", {"customer_id": "customer_id"}),
    "product_key": ("dim_product", {"product_id": "product_id"}),
    "supplier_key": ("dim_supplier", {"supplier_id": "supplier_id"}),
    "colleague_key": ("dim_colleague", {"colleague_id": "colleague_id"}),
    "warehouse_key": ("dim_warehouse", {"warehouse_name": "name"}),
    "location_key": ("dim_location", {"zipcode": "zipcode", "city": "city"}),
}


def actual_rows(connection: duckdb.DuckDBPyConnection, expected: Expected, relation: str) -> list[dict[str, Any]]:
    """The rows of `relation` with the expected columns; those it lacks are looked up by its surrogate keys."""
    present = _columns(connection, relation)
    wanted = expected.columns
    selected, joins = [f"t.{name}" for name in wanted if name in present], []
    found = set(wanted) & set(present)
    for key, (dimension, names) in _LOOKUPS.items():
        needed = [name for name in names if name in wanted and name not in found]
        if needed and key in present:
            joins.append(f"LEFT JOIN silver.{dimension} AS {dimension} ON t.{key} = {dimension}.{key}")
            selected += [f"{dimension}.{names[name]} AS {name}" for name in needed]
            found |= set(needed)
    missing = [name for name in wanted if name not in found]
    assert not missing, f"{expected.name} has no column {', '.join(missing)}, nor a key to look it up by"
    result = connection.execute(f"SELECT {', '.join(selected)} FROM {relation} AS t {' '.join(joins)}")
    names = [column[0] for column in result.description]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def differences(
    expected: Expected, rows: Sequence[Mapping[str, Any]], stated_rows: Sequence[Mapping[str, str]] | None = None
) -> list[str]:
    """What is wrong with the rows of a table, one sentence each; empty when they are what is expected.

    `stated_rows` stands in for the data file where only a part of it can be compared.
    """
    stated = {expected.key_of(row): row for row in (expected.rows() if stated_rows is None else stated_rows)}
    actual: dict[tuple[str, ...], Mapping[str, Any]] = {}
    problems: list[str] = []
    for row in rows:
        key = expected.key_of(row)
        if key in actual:
            problems.append(f"{_named(expected, key)}: twice in the table")
        actual[key] = row
    unexpected = sorted(set(actual) - set(stated)) if expected.whole else []
    problems += [f"{_named(expected, key)}: in the table, not expected" for key in unexpected]
    for key, row in stated.items():
        if key not in actual:
            problems.append(f"{_named(expected, key)}: expected, not in the table")
            continue
        problems += [
            f"{_named(expected, key)}: {name} is {as_written(actual[key][name]) or 'NULL'}, expected {cell or 'NULL'}"
            for name, cell in row.items()
            if not agrees(cell, actual[key][name])
        ]
    return problems


def agrees(cell: str, value: Any) -> bool:
    """Whether a value of a table is what the cell says."""
    if cell == NOT_STATED:
        return True
    if cell == "" or value is None:
        return cell == "" and value is None
    if isinstance(value, bool):
        return cell == as_written(value)
    if isinstance(value, float):
        half_a_digit = Decimal(5).scaleb(Decimal(cell).as_tuple().exponent - 1)  # type: ignore[operator]
        return abs(Decimal(repr(value)) - Decimal(cell)) <= half_a_digit
    if isinstance(value, Decimal | int):
        return Decimal(cell) == value
    return (uid(cell[1:]) if cell.startswith("@") else cell) == as_written(value)


def as_written(value: Any) -> str:
    """A value as a cell would write it; numbers without trailing zeros."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    return uid(text[1:]) if text.startswith("@") else text


def _columns(connection: duckdb.DuckDBPyConnection, relation: str) -> list[str]:
    return [row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()]


def _named(expected: Expected, key: tuple[str, ...]) -> str:
    return f"{expected.name} {' / '.join(key)}"
