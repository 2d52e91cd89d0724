"""Last values of few rows: found by place in the files, the same as a scan of every column finds, whatever the columns' names."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pytest

from ebp_lakehouse.bronze import state
from ebp_lakehouse.bronze.append import append
from ebp_lakehouse.bronze.fold import HASH, VALID_FROM
from ebp_lakehouse.bronze.state import last_values, reading
from ebp_lakehouse.bronze.versions import Stamp, physical_schema
from ebp_lakehouse.lake.delta import TableWriter, load
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings

FIRST = datetime(2026, 11, 23, 8)  # noqa: DTZ001 - the lake stores UTC without a zone
KEY = "bronze/t"


def write(writer: TableWriter, hours: int, rows: dict[str, list[str | None]]) -> None:
    """One file more: versions of ``rows``, valid ``hours`` after the first."""
    values = pa.table({name: pa.array(column, pa.string()) for name, column in rows.items()})
    stamp = Stamp(ingested_at=FIRST, table="T", route="batch", batch_id=str(hours), position=hours)
    batch = stamp.rows(
        values,
        hashes=pa.array([f"{hours}{i}".ljust(32, "0") for i in range(values.num_rows)]),
        valid_from=pl.Series([FIRST + timedelta(hours=hours)] * values.num_rows, dtype=pl.Datetime("us")),
        deleted=False,
        ingestion_dates=date(2026, 11, 23),
    )
    append(writer, pa.RecordBatchReader.from_batches(physical_schema(values.schema), [batch]), description="")
    writer.based_on = writer.table.version() if writer.table else None


@pytest.mark.parametrize("column", ["v", "filename", "File_Row_Number"])
@pytest.mark.parametrize("many", [0, 10_000])  # every table is large enough to look for places; this one is not
def test_each_row_comes_with_the_values_of_the_version_asked_for(
    column: str, many: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "MANY_ROWS", many)
    lake = Lake.open(Settings.model_validate({"lake_url": str(tmp_path)}))
    writer = TableWriter(lake, KEY, None, None)
    # Row 0 of both files is another key's; a was changed in the second file, where the column is new to the lake.
    write(writer, 0, {"Id": ["a", "b", "c"], column: ["a0", "b0", None]})
    write(writer, 1, {"Id": ["d", "a"], column: ["d1", "a1"], "late": ["x", "y"]})
    table = load(lake, KEY)
    assert table is not None
    wanted = pl.DataFrame(
        {
            "Id": ["a", "b", "c"],
            VALID_FROM: pl.Series([FIRST + timedelta(hours=1), FIRST, FIRST], dtype=pl.Datetime("us")),
        }
    )
    schema = pa.schema([(name, pa.string()) for name in ("Id", column, "late", "added_now")])
    with reading(lake) as connection:
        found = pa.concat_tables(last_values(connection, table, wanted, ["Id"], schema)).sort_by("Id").to_pylist()
    assert found == [
        {"Id": "a", column: "a1", "late": "y", "added_now": None, HASH: "11".ljust(32, "0")},
        {"Id": "b", column: "b0", "late": None, "added_now": None, HASH: "01".ljust(32, "0")},
        {"Id": "c", column: None, "late": None, "added_now": None, HASH: "02".ljust(32, "0")},
    ]
