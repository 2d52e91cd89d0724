"""Each variant of the company differs where it says, keeps its identities, and the usual one says nothing of itself."""

from __future__ import annotations

from datetime import date, datetime
from functools import cache

import polars as pl
import pytest

from ebp_lakehouse.demo import variants
from ebp_lakehouse.demo.company.options import USUAL, CompanyOptions
from ebp_lakehouse.demo.create import company_frames
from ebp_lakehouse.demo.schema import reference
from ebp_lakehouse.errors import DemoError

AS_OF = date(2025, 10, 23)
SCALE = 0.01
Frames = dict[str, pl.DataFrame]
c = pl.col


@cache
def made(options: CompanyOptions) -> Frames:
    return company_frames(SCALE, 3, AS_OF, options)


@pytest.mark.parametrize(
    "options",
    [
        CompanyOptions(orders=False),
        CompanyOptions(component_type=2),
        CompanyOptions(storehouses=1),
        CompanyOptions(stock=False),
        CompanyOptions(credit_note_sign="positive", fiscal_year_start=7),
    ],
    ids=str,
)
def test_headers_are_the_sum_of_their_lines_in_every_variant(options: CompanyOptions) -> None:
    frames = made(options)
    for side in ("Sale", "Purchase"):
        lines = frames[f"{side}DocumentLine"].filter(
            c("LineType").is_in([2, 3, 10, 11, 12]) & (c("NomenclatureLevel") == 0) & ~c("NotIncluded")
        )
        sums = lines.group_by(c("DocumentId").alias("Id")).agg(
            c("RealNetAmountVatExcludedWithDiscount").sum().alias("net")
        )
        joined = frames[f"{side}Document"].join(sums, on="Id", how="left")
        assert joined.filter(c("net").is_null() | (c("net") != c("AmountVatExcludedWithDiscount"))).is_empty()


def test_without_orders_the_chain_goes_on() -> None:
    kinds = made(CompanyOptions(orders=False))["SaleDocument"].group_by("DocumentType").len()
    assert set(kinds["DocumentType"]) >= {1, 2, 3, 6}
    assert 8 not in set(kinds["DocumentType"])


def test_components_may_be_typed_as_items() -> None:
    parts = made(CompanyOptions(component_type=2))["SaleDocumentLine"].filter(c("NomenclatureLevel") > 0)
    assert parts.height > 0
    assert set(parts["LineType"]) == {2}


def test_one_storehouse() -> None:
    frames = made(CompanyOptions(storehouses=1))
    (only,) = frames["Storehouse"]["Id"]
    for table in ("StockItem", "StockMovement", "SaleDocument", "Colleague"):
        assert set(frames[table]["StorehouseId"].drop_nulls()) == {only}, table
    assert frames["StockMovement"].filter(c("DocumentSubType") == 6).is_empty()


def test_three_storehouses_one_a_van() -> None:
    frames = made(USUAL)
    assert frames["Storehouse"].height == 3
    van = frames["Storehouse"].filter(c("Caption").str.contains("Camion"))["Id"].item()
    assert frames["Colleague"].filter(c("StorehouseId") == van).height == 1


def test_stock_not_used() -> None:
    frames = made(CompanyOptions(stock=False))
    assert not set(variants.STOCK_TABLES) & set(frames)
    assert not frames["Item"]["ManageStock"].any()
    assert "StorehouseId" not in frames["SaleDocumentLine"].columns


def test_extension_rows_coordinates_and_custom_columns_can_be_missing() -> None:
    options = CompanyOptions(extension_rows=False, gps=False, custom_columns=False, empty=("Unit", "Contact"))
    frames = made(options)
    assert not {"SaleDocumentEx", "PurchaseDocumentEx", "Unit", "Contact"} & set(frames)
    for table, frame in frames.items():
        assert not [n for n in frame.columns if n.startswith("xx_") or n.endswith(("Latitude", "Longitude"))], table
    columns = [column.name for table in variants.tables(options).values() for column in table.columns]
    assert not any(name.startswith("xx_") for name in columns)
    assert len(columns) < sum(len(table.columns) for table in reference().values())
    whole = made(USUAL)
    for table, frame in frames.items():
        assert frame.height == whole[table].height, table


def test_fiscal_year_from_july_after_one_of_18_months() -> None:
    years = made(CompanyOptions(fiscal_year_start=7, credit_note_sign="positive"))["AccountingYear"].sort(
        "StartingDate"
    )
    assert years["EndingDate"].dt.month().unique().to_list() == [6]
    first, *others = (end - start for start, end in years.select("StartingDate", "EndingDate").iter_rows())
    assert first.days > 540
    assert all(364 <= other.days <= 365 for other in others)
    gaps = years["StartingDate"].slice(1) - years["EndingDate"].head(years.height - 1)
    assert set(gaps.dt.total_days()) == {1}
    noon = datetime(2025, 10, 23, 12)  # noqa: DTZ001 - EBP has wall clocks
    assert years.filter("IsCurrent").filter((c("StartingDate") <= noon) & (c("EndingDate") >= noon)).height == 1


@pytest.mark.parametrize(
    "wrong", [{"component_type": 9}, {"storehouses": 2}, {"fiscal_year_start": 13}, {"credit_note_sign": "both"}]
)
def test_impossible_options_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(DemoError, match=next(iter(wrong))):
        CompanyOptions(**wrong)  # type: ignore[arg-type]


def test_an_unknown_table_cannot_be_empty() -> None:
    with pytest.raises(DemoError, match="no table Facture"):
        variants.emptied(CompanyOptions(empty=("Facture",)))


def test_options_survive_the_demos_home() -> None:
    options = CompanyOptions(orders=False, empty=("Unit",), fiscal_year_start=7)
    assert CompanyOptions.from_changed(options.changed()) == options
    assert USUAL.changed() == {}
