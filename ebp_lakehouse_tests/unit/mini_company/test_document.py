"""The document and the data files say the same, the arithmetic shown is right, and the comparison can fail."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import duckdb
import pytest

from ebp_lakehouse_tests.mini_company.company import source_tables
from ebp_lakehouse_tests.mini_company.document import as_csv, calculations, stated_tables, wrong_calculation
from ebp_lakehouse_tests.mini_company.expected import (
    FOLDER,
    TABLES,
    Expected,
    actual_rows,
    agrees,
    differences,
)
from ebp_lakehouse_tests.mini_company.rows import AS_OF, FINAL, as_held, completed, uid


@pytest.mark.parametrize("name", TABLES)
def test_the_data_is_what_the_document_states(name: str) -> None:
    table = TABLES[name]
    assert table.path.read_text(encoding="utf-8") == as_csv(table), (
        "write it anew: python -m ebp_lakehouse_tests.mini_company.document"
    )


def test_every_table_of_the_document_is_compared_and_every_file_comes_from_it() -> None:
    assert {one.table for one in stated_tables()} == set(TABLES)
    assert {f"{path.parent.name}.{path.stem}" for path in FOLDER.glob("*/*.csv")} == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_stated_once(name: str) -> None:
    table = TABLES[name]
    keys = [table.key_of(row) for row in table.rows()]
    assert len(keys) == len(set(keys))


def test_the_arithmetic_is_right() -> None:
    shown = list(calculations())
    assert len(shown) > 100
    assert [problem for one in shown if (problem := wrong_calculation(one))] == []


@pytest.mark.parametrize("shown", ["6 × 10 = 61", "2 ÷ 3 ≈ 0.66", "2 × (3 + 4) = 15", "1 + 1 = 2 = 3"])
def test_wrong_arithmetic_is_found(shown: str) -> None:
    assert wrong_calculation(shown)


def test_rows_name_columns_of_ebp() -> None:
    tables = source_tables()
    for table, rows in tables.items():
        for row in rows:
            completed(table, row)
    assert len(tables["SaleDocument"]) == 33  # 32 documents, one of them known in two states
    assert len(as_held("SaleDocument", tables["SaleDocument"], FINAL)) == 32
    assert FINAL.startswith(AS_OF)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", None), ("*", 5), ("*", None), ("5", Decimal("5.000")), ("-0.005", Decimal("-0.00500000")), ("7", 7),
        ("0.33", 1 / 3), ("40", 40.0), ("true", True), ("2026-03-31", date(2026, 3, 31)), ("A", "A"), ("@k01", uid("k01")),
    ],
)  # fmt: skip
def test_cells_that_agree(cell: str, value: object) -> None:
    assert agrees(cell, value)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("", 0), ("0", None), ("5", Decimal("5.01")), ("0.34", 1 / 3), ("40", 40.001), ("true", False), ("A", "B"), ("false", None),
        ("2026-03-30", date(2026, 3, 31)), ("@k01", uid("k02")),
    ],
)  # fmt: skip
def test_cells_that_do_not(cell: str, value: object) -> None:
    assert not agrees(cell, value)


def test_a_row_too_many_too_few_twice_or_with_another_figure_is_named() -> None:
    table = TABLES["silver.dim_colleague"]
    rows = [{name: None if cell in ("", "*") else cell for name, cell in row.items()} for row in table.rows()]
    assert differences(table, rows) == []
    (one,) = differences(table, rows[1:])
    assert "expected, not in the table" in one
    assert "twice" in differences(table, [*rows, rows[0]])[0]
    assert "not expected" in differences(table, [*rows, {**rows[0], "colleague_id": "ZZ"}])[0]
    (one,) = differences(table, [{**rows[0], "name": "Durant"}, *rows[1:]])
    assert one == "dim_colleague JD: name is Durant, expected Durand"


def test_a_column_that_is_missing_is_named_and_one_behind_a_key_is_found() -> None:
    table = Expected("gold", "sales_daily_kpi", ("date_id",))
    connection = duckdb.connect()
    connection.execute("CREATE TABLE t AS SELECT 20260331 AS date_id")
    with pytest.raises(AssertionError, match=r"sales_daily_kpi has no column total_orders_count"):
        actual_rows(connection, table, "t")
    connection.execute("CREATE SCHEMA silver")
    connection.execute("CREATE TABLE silver.dim_customer AS SELECT 'k' AS customer_key, 'C001' AS customer_id")
    sales = TABLES["silver.fact_sales"]
    others = ", ".join(f"NULL AS {name}" for name in sales.columns if name != "customer_id")
    connection.execute(f"CREATE TABLE u AS SELECT 'k' AS customer_key, {others}")
    assert actual_rows(connection, sales, "u")[0]["customer_id"] == "C001"
