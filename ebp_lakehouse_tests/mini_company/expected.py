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
        at_d: the figures are those of the company's last day and move with the day on which they are computed.
    """

    layer: str
    name: str
    key: tuple[str, ...]
    whole: bool = True
    at_d: bool = False

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


def _silver(name: str, *key: str, whole: bool = True, at_d: bool = False) -> Expected:
    return Expected("silver", name, key, whole, at_d)


def _gold(name: str, *key: str, whole: bool = True, at_d: bool = True) -> Expected:
    return Expected("gold", name, key, whole, at_d)


TABLES: dict[str, Expected] = {
    f"{table.layer}.{table.name}": table
    for table in (
        _silver("dim_date", "date_id", whole=False),
        _silver("dim_time", "time_key", whole=False),
        _silver("dim_customer", "customer_id", "valid_from"),
        _silver("dim_product", "product_id", "valid_from"),
        _silver("dim_supplier", "supplier_id", whole=False),
        _silver("dim_colleague", "colleague_id"),
        _silver("dim_location", "zipcode", "city", whole=False),
        _silver("dim_warehouse", "name", whole=False),
        _silver("rejects", "source_table", "source_key", "source_column"),
        _silver("dim_equipment", "customer_product_id", whole=False),
        _silver("dim_contract", "contract_id", whole=False, at_d=True),
        _silver("dim_construction_site", "site_id", whole=False),
        _silver("dim_deal", "deal_id", whole=False),
        _silver("fact_deal_costs", "deal_id", "cost_type"),
        _silver("fact_sales", "document_number", "line_number"),
        _silver("fact_purchases", "document_number", "line_number"),
        _silver("fact_payments", "commitment_id", "settlement_date"),
        _silver("fact_settlements", "settlement_id"),
        _silver("fact_inventory", "date_key", "product_id", "warehouse_name", whole=False, at_d=True),
        _silver("fact_stock_movements", "date_key", "product_id", "warehouse_name", whole=False),
        _silver("fact_interventions", "schedule_date_key", "start_time_key"),
        _silver("fact_intervention_technicians", "schedule_date_key", "start_time_key", "colleague_id"),
        _silver("fact_incidents", "creation_date_key", "customer_id"),
        _silver("fact_customer_activity", "date_key", "customer_id", "activity_type"),
        _silver("feature_store", "entity_type", "entity_key", "feature_name", whole=False, at_d=True),
        _silver("reject_counts", "source_table", "source_column", "rule", whole=False),
        _gold("data_quality", "source_table", "source_column", "rule", whole=False),
        _gold("reconciliation", "side", "document_type", "document_year", whole=False, at_d=False),
        _gold("sales_daily_kpi", "date_id", whole=False, at_d=False),
        _gold("sales_by_customer", "customer_id"),
        _gold("sales_by_customer_period", "customer_id", "period_type"),
        _gold("sales_by_product", "product_id"),
        _gold("sales_by_region", "zipcode", "city", "period", whole=False),
        _gold("interventions_daily_kpi", "date_id", whole=False, at_d=False),
        _gold("colleague_performance", "colleague_id", "period_start", whole=False),
        _gold("incidents_funnel", "date_id", whole=False, at_d=False),
        _gold("customer_health_score", "customer_id"),
        _gold("inventory_snapshot_daily", "date_id", "product_id", "warehouse_name"),
        _gold("supplier_performance", "supplier_id", "period_start", whole=False),
        _gold("open_instalments", "commitment_id", whole=False),
        _gold("receivables_ageing", "debtor_id"),
        _gold("vat_due", "period", whole=False),
        _gold("cash_forecast", "week_start", "flow", whole=False),
        _gold("company_position", "date_id"),
        _gold("monthly_kpi", "period", whole=False),
        _gold("revenue_bridge", "comparison", "family_name", whole=False),
        _gold(
            "sales_cube",
            "grouping_name",
            "year_month",
            "product_family",
            "customer_abc",
            "customer_family",
            "region",
            "colleague_id",
            whole=False,
        ),
        _gold("quote_funnel", "document_number"),
        _gold("deal_profitability", "deal_id"),
        _gold("contract_profitability", "contract_id", "fiscal_year", whole=False),
        _gold("equipment_park", "customer_product_id"),
        _gold("purchase_price_trend", "product_id", "supplier_id", "period", whole=False),
        _gold("technician_calendar_load", "colleague_id", "date_id", whole=False),
    )
}

# Where a code or a name is found when a table holds only the surrogate key: key column → (dimension, its columns).
_LOOKUPS: dict[str, tuple[str, dict[str, str]]] = {
    "customer_key": ("dim_customer", {"customer_id": "customer_id"}),
    "product_key": ("dim_product", {"product_id": "product_id"}),
    "supplier_key": ("dim_supplier", {"supplier_id": "supplier_id"}),
    "colleague_key": ("dim_colleague", {"colleague_id": "colleague_id"}),
    "warehouse_key": ("dim_warehouse", {"warehouse_name": "name"}),
    "intervention_key": (
        "fact_interventions",
        {"schedule_date_key": "schedule_date_key", "start_time_key": "start_time_key"},
    ),
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
        digits = len(cell.partition(".")[2])
        allowed = Decimal(5).scaleb(-digits - 1) if digits else Decimal("1e-9")  # a whole number is meant exactly
        return abs(Decimal(repr(value)) - Decimal(cell)) <= allowed
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
