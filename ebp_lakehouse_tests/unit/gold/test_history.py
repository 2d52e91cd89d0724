"""Published partitions outlive a change of the contract."""

from __future__ import annotations

from datetime import date

import duckdb
import pandera.polars as pa
from pandera.typing.polars import Series

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.history import History
from ebp_lakehouse.gold.partition import HISTORY
from ebp_lakehouse.lake.publication import Pin, Record


class Wider(pa.DataFrameModel):
    date_id: Series[int] = pa.Field(description="day")
    added: Series[int] = pa.Field(description="declared after the first partitions", nullable=True)
    revenue: Series[int] = pa.Field(description="revenue")


def test_a_column_declared_since_is_null_in_older_partitions() -> None:
    connection = duckdb.connect()
    connection.execute(
        """ATTACH ':memory:' AS lake; CREATE SCHEMA lake.gold;
        CREATE TABLE lake.gold.sales_history AS SELECT 20260101::BIGINT AS date_id, 5::BIGINT AS revenue,
            8::BIGINT AS dropped, TIMESTAMP '2026-01-01' AS _known_at, 'as_known' AS _basis,
            DATE '2026-01-01' AS _gold_partition_date"""
    )
    table = GoldTable("sales", "test", ("date_id",), Wider, (), ())
    pin = Pin(
        version=0,
        position={},
        check_state="passed",
        ingestion_date="2026-01-01",
        published_at="",
        rows=1,
        view={"kind": "gold", "rows": "series", "key": ["date_id"], "newest": "2026-01-01"},
    )
    record = Record(1, "2026-01-01T00:00:00+00:00", pins={"gold/sales": pin})
    history = History.load(connection, record, table, [date(2026, 1, 2)])
    rows = history.partitions.connection.execute(f"SELECT date_id, added, revenue FROM {HISTORY}").fetchall()
    assert rows == [(20260101, None, 5)]
