"""A silver of a few hand-written sales for the unit tests of gold: dimensions are made from what the sales name.

Not here: the mini company, whose silver comes from dbt (ebp_lakehouse_tests/mini_company).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from datetime import date
from typing import Any

import duckdb
import polars as pl

from ebp_lakehouse.gold.audit import Findings, findings
from ebp_lakehouse.gold.compute import rows_of
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT


@dataclass(frozen=True)
class Sale:
    """One row of fact_sales; of a customer or product the code is its key too."""

    document_id: str
    day: date
    customer_id: str | None
    product_id: str
    net: str
    cost: str = "0"
    quantity: str = "1"
    document_type: str = "Invoice"
    row_origin: str = "line"
    colleague_id: str | None = "JD"
    place: str = "L1"


@dataclass(frozen=True)
class Product:
    """One item as dim_product has it; anything but a header amount is commercial."""

    product_id: str
    family_name: str | None = "Pompes"
    type: str = "Good"
    unit: str = "Pièce"
    is_commercial_product: bool = True
    is_stock_managed: bool = True
    is_active: bool = True


PORT = Product("PORT", None, "Unknown", "", is_commercial_product=False)

_SALES = """CREATE TABLE silver.fact_sales AS
    SELECT document_id, document_type, document_id AS document_number, row_origin, customer_id, product_id, colleague_id,
        strftime(day, '%Y%m%d')::INTEGER AS date_key,
        CASE WHEN customer_id IS NULL THEN '(unknown)' WHEN customer_id LIKE 'GONE%' THEN '(orphan)' ELSE customer_id END
            AS customer_key,
        product_id AS product_key, coalesce(colleague_id, '(unknown)') AS colleague_key, place AS delivery_location_key,
        quantity::DECIMAL(28,8) AS quantity, net::DECIMAL(28,8) AS net_amount_excl_tax,
        (net::DECIMAL(28,8) * 1.2)::DECIMAL(28,8) AS net_amount_incl_tax, cost::DECIMAL(28,8) AS cost_amount,
        0::DECIMAL(28,8) AS discount_amount
    FROM sales_given"""
_CUSTOMERS = """CREATE TABLE silver.dim_customer AS
    SELECT customer_id AS customer_key, customer_id, family AS family_name, 'B' AS segment, true AS is_current
    FROM customers_given"""
_DATES = """CREATE TABLE silver.dim_date AS
    SELECT strftime(d, '%Y%m%d')::INTEGER AS date_id, d::DATE AS date_value,
        year(d)::INTEGER AS fiscal_year, dayofweek(d) BETWEEN 1 AND 5 AS is_business_day
    FROM generate_series(DATE '2022-01-01', DATE '2027-12-31', INTERVAL 1 DAY) t(d)"""


def company(
    sales: Sequence[Sale], products: Sequence[Product] = (), families: Mapping[str, str] | None = None
) -> duckdb.DuckDBPyConnection:
    """A connection whose silver holds the sales, their customers (with ``families``) and products, and an empty rest."""
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA silver; ATTACH ':memory:' AS computed")
    given = {product.product_id: product for product in (PORT, *products)}
    items = [given.get(name, Product(name)) for name in dict.fromkeys([*given, *(sale.product_id for sale in sales)])]
    codes = {sale.customer_id for sale in sales if sale.customer_id and not sale.customer_id.startswith("GONE")}
    people = [(code, (families or {}).get(code)) for code in sorted({*codes, *(families or {})})]
    people += [("(unknown)", None), ("(orphan)", None)]
    _put(connection, "sales_given", [astuple(sale) for sale in sales], [f.name for f in fields(Sale)])
    _put(connection, "customers_given", people, ["customer_id", "family"])
    _put(connection, "silver.dim_product", [astuple(item) for item in items], [f.name for f in fields(Product)])
    connection.execute("ALTER TABLE silver.dim_product ADD COLUMN product_key VARCHAR")
    connection.execute("ALTER TABLE silver.dim_product ADD COLUMN is_current BOOLEAN DEFAULT true")
    connection.execute("UPDATE silver.dim_product SET product_key = product_id")
    for sql in (_SALES, _CUSTOMERS, _DATES):
        connection.execute(sql)
    return connection


def _put(
    connection: duckdb.DuckDBPyConnection, name: str, rows: Sequence[tuple[Any, ...]], names: Sequence[str]
) -> None:
    frame = pl.DataFrame(rows, schema=list(names), orient="row", infer_schema_length=None)
    connection.register("given_rows", frame.with_columns(pl.col(pl.Null).cast(pl.String)))
    connection.execute(f"CREATE TABLE {name} AS FROM given_rows")
    connection.unregister("given_rows")


def values(as_of: date, **changed: Any) -> dict[str, Any]:
    """The parameters by their defaults, some changed, and the day."""
    return {**parameters(DBT_PROJECT, None).values, **changed, "as_of": as_of}


def compute(
    connection: duckdb.DuckDBPyConnection, table: GoldTable, as_of: date, **changed: Any
) -> tuple[pl.DataFrame, Findings]:
    """A table and what is wrong with it; what it uses is computed before it."""
    given = values(as_of, **changed)
    for needed in table.closure():
        frame = rows_of(connection, needed, given)[1]
        connection.register("computed_rows", frame.to_arrow())
        connection.execute(f"CREATE OR REPLACE TABLE computed.{needed.name} AS FROM computed_rows")
        connection.unregister("computed_rows")
    return frame, findings(connection, table, frame, given)


def judge(connection: duckdb.DuckDBPyConnection, table: GoldTable, as_of: date, **changed: Any) -> list[str]:
    """The identities that the computed table, as it stands now, breaks."""
    frame = connection.execute(f"FROM computed.{table.name}").pl()
    return findings(connection, table, frame, values(as_of, **changed)).identities


def by(frame: pl.DataFrame, *key: str) -> dict[Any, dict[str, Any]]:
    """The rows by one column, or by several as a tuple."""
    rows = frame.to_dicts()
    return {row[key[0]] if len(key) == 1 else tuple(row[name] for name in key): row for row in rows}
