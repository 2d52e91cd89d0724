"""The reference installation as packaged: its published totals, and keys that exist."""

from __future__ import annotations

from ebp_lakehouse.demo.schema import table_ddl
from ebp_lakehouse.source.reference_schema import reference


def test_the_totals_are_the_published_ones() -> None:
    tables = reference().values()
    assert len(tables) == 319
    assert sum(len(table.columns) for table in tables) == 9919
    assert sum(table.rows for table in tables) == 670_349
    assert sum(table.rows == 0 for table in tables) == 143
    assert len(reference()["SaleDocument"].columns) == 538
    assert reference()["SaleDocumentLine"].rows == 112_684


def test_keys_are_not_null_columns_of_their_table() -> None:
    for table in reference().values():
        for name in table.key:
            column = table.column(name)
            assert column is not None, (table.name, name)
            assert not column.nullable, (table.name, name)


def test_keys_are_id_or_the_exception() -> None:
    assert reference()["SaleDocument"].key == ("Id",)
    assert reference()["Country"].key == ("IsoCode",)
    assert reference()["StockItem"].key == ("ItemId", "StorehouseId")
    without = sorted(table.name for table in reference().values() if not table.key)
    assert without == [
        "EbpSysAutoTreeCategory",
        "EbpSysExchangeApplication",
        "EbpSysSchemaInformation",
        "EbpSysSchemaSynchronizationLog",
        "EbpSysSynchronizedVersion",
    ]


def test_ddl_keeps_order_type_and_nullability() -> None:
    text = table_ddl(reference()["EbpSysAutoIncrement"]).as_string(None)
    assert text.startswith('CREATE TABLE "EbpSysAutoIncrement" ("incName" varchar(128) NOT NULL, ')
    assert text.endswith('PRIMARY KEY ("incName"));')


def test_width_is_that_of_varchar_only() -> None:
    customer = reference()["Customer"]
    assert customer.column("Id").width == 20  # type: ignore[union-attr]
    assert customer.column("UniqueId").width is None  # type: ignore[union-attr]
    assert customer.column("NoSuch") is None
