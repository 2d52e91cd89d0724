"""Filler rows: right numbers, fitting types, references that resolve, and the same rows whatever the order."""

from __future__ import annotations

from datetime import date, datetime

import polars as pl
import pytest

from ebp_lakehouse.demo.fillers import ALWAYS_WHOLE, Fillers, _target, planned_rows
from ebp_lakehouse.demo.load import key_values
from ebp_lakehouse.demo.plausible import PlausibleRows, generator, uuids
from ebp_lakehouse.source.reference_schema import ReferenceColumn, reference

AS_OF = date(2026, 11, 20)


def wall(*parts: int) -> datetime:
    """A wall-clock time: EBP's have no zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


CUSTOMERS = pl.DataFrame({"Id": ["CLI1", "CLI2", "CLI3"]})


@pytest.fixture(scope="module")
def fillers() -> Fillers:
    return Fillers(0.01, 3, AS_OF, {"Customer": CUSTOMERS})


@pytest.fixture(scope="module")
def frames(fillers: Fillers) -> dict[str, pl.DataFrame]:
    return dict(fillers.frames())


def test_small_tables_stay_whole_large_ones_scale_empty_ones_are_absent() -> None:
    planned = planned_rows(0.001, {"Customer"})
    assert planned["Country"] == 227
    assert planned["SaleDocumentLine"] == 113
    assert planned["EbpSysOptions"] == 1  # 0.499, but never none
    assert "Customer" not in planned
    assert "Incident" not in planned
    assert len(planned) == 319 - 143 - 1


def test_every_frame_has_the_planned_rows(frames: dict[str, pl.DataFrame], fillers: Fillers) -> None:
    assert {name: frame.height for name, frame in frames.items()} == fillers.rows


def test_values_fit_their_columns(frames: dict[str, pl.DataFrame]) -> None:
    for name, frame in frames.items():
        for series in frame:
            column = reference()[name].column(series.name)
            assert column is not None
            assert column.nullable or series.null_count() == 0, (name, series.name)
            if column.width is not None:
                assert (series.str.len_chars().max() or 0) <= column.width, (name, series.name)


def test_single_keys_are_distinct(frames: dict[str, pl.DataFrame]) -> None:
    for name, frame in frames.items():
        key = [column for column in reference()[name].key if column in frame.columns]
        if len(key) == len(reference()[name].key) and key:
            assert frame.select(key).is_unique().all(), name


def test_references_resolve(frames: dict[str, pl.DataFrame]) -> None:
    pairs = [
        ("PurchaseDocumentLine", "DocumentId", frames["PurchaseDocument"]["Id"]),
        ("PurchaseDocument", "SupplierId", frames["Supplier"]["Id"]),
        ("StockItem", "StorehouseId", frames["Storehouse"]["Id"]),
        ("DealCustomer", "ThirdId", CUSTOMERS["Id"]),
        ("PurchaseDocumentEx", "Id", frames["PurchaseDocument"]["Id"]),
    ]
    for table, column, targets in pairs:
        values = frames[table][column].drop_nulls()
        assert len(values) > 0
        assert values.is_in(targets.to_list()).all(), (table, column)


@pytest.mark.parametrize(
    ("table", "column", "expected"),
    [
        ("ScheduleEvent", "CreatorColleagueId", "Colleague"),
        ("PurchaseDocument", "StorehouseId", "Storehouse"),
        ("PurchaseSettlementCommitmentAssociation", "CommitmentId", "PurchaseCommitment"),
        ("DealSaleDocument", "DocumentId", "SaleDocument"),
        ("ActivityAssociatedFiles", "ParentId", "Activity"),
        ("ScheduleEvent", "EventType", "ScheduleEventType"),
        ("ScheduleEvent", "Caption", None),
        ("Item", "Id", None),
    ],
)
def test_targets_are_read_from_names(table: str, column: str, expected: str | None) -> None:
    its = reference()[table].column(column)
    assert its is not None
    assert _target(reference()[table], its) == expected


def test_order_changes_nothing(frames: dict[str, pl.DataFrame]) -> None:
    alone = Fillers(0.01, 3, AS_OF, {"Customer": CUSTOMERS}).frame("ScheduleEvent")
    assert alone.equals(frames["ScheduleEvent"])


def test_another_seed_gives_other_rows_in_the_same_columns(frames: dict[str, pl.DataFrame]) -> None:
    other = Fillers(0.01, 4, AS_OF, {"Customer": CUSTOMERS}).frame("ScheduleEvent")
    assert other.columns == frames["ScheduleEvent"].columns
    assert not other.equals(frames["ScheduleEvent"])


def test_moments_lie_in_the_ten_years_before_and_follow_each_other(frames: dict[str, pl.DataFrame]) -> None:
    event = frames["ScheduleEvent"]
    assert event["StartDateTime"].min() >= wall(2016, 11, 1)
    assert event["StartDateTime"].max() < wall(2026, 11, 21)
    assert (event["EndDateTime"] > event["StartDateTime"]).all()
    assert (event["sysModifiedDate"] >= event["sysCreatedDate"]).all()


def test_amounts_of_a_row_agree(frames: dict[str, pl.DataFrame]) -> None:
    document = frames["PurchaseDocument"]
    excluded, vat, included = (
        document[name].cast(pl.Float64) for name in ("AmountVatExcluded", "VatAmount", "AmountVatIncluded")
    )
    assert ((excluded + vat - included).abs() < 0.02).all()


def test_the_companys_own_columns_and_amounts_are_not_touched() -> None:
    given = pl.DataFrame({"Id": ["CLI1"], "Name": ["X"], "sysCreatedDate": [wall(2020, 1, 2, 3, 4, 5)]})
    enriched = Fillers(1, 3, AS_OF, {"Customer": given}).enriched("Customer", given)
    assert enriched.select(given.columns).equals(given)
    added = [reference()["Customer"].column(name) for name in enriched.columns if name not in given.columns]
    assert added
    assert all(column is not None and column.type != "numeric" for column in added)
    assert enriched["sysModifiedDate"][0] is None or enriched["sysModifiedDate"][0] >= wall(2020, 1, 2)


def test_secrets_are_there_to_be_left_behind(frames: dict[str, pl.DataFrame]) -> None:
    assert frames["EbpSysUser"]["UserPassword"].drop_nulls().str.starts_with("demo-secret-").all()


def test_uuids_are_version_4_and_distinct() -> None:
    made = uuids(generator(1, "t"), 500)
    assert made.is_unique().all()
    assert made.str.contains(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$").all()


def test_rich_text_says_what_its_plain_twin_says() -> None:
    table = reference()["ScheduleEvent"]
    rows = PlausibleRows(table, 50, 1, AS_OF)
    rich, plain = (rows.column(ReferenceColumn(name, "text", nullable=True)) for name in ("Notes", "NotesClear"))
    assert rich is not None
    assert plain is not None
    for one, other in zip(rich, plain, strict=True):
        assert (one is None) == (other is None)
        assert other is None or other in one


@pytest.mark.parametrize(("kind", "first"), [("integer", 1), ("varchar(4)", "0001"), ("varchar(20)", "00000001")])
def test_a_key_nobody_gave_is_numbered(kind: str, first: object) -> None:
    values = key_values(reference()["Unit"], ReferenceColumn("Id", kind, nullable=False), 30)
    assert values[0] == first
    assert values.is_unique().all()


def test_whole_tables_are_those_of_at_most_300_rows() -> None:
    assert ALWAYS_WHOLE == 300
