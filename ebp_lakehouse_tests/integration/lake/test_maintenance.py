"""Compaction and vacuum on a folder and on S3: rows never change, held catalogs go on reading, nothing is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import obstore
import polars as pl
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from ebp_lakehouse.bronze.append import append
from ebp_lakehouse.bronze.versions import Stamp
from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake import catalog, compaction, publication, retention
from ebp_lakehouse.lake.delta import live_files, load, open_at_pin
from ebp_lakehouse.lake.maintenance import compact_tables, maintain, vacuum
from ebp_lakehouse.lake.publication import Move
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.lake.processes import append as append_rows
from ebp_lakehouse_tests.integration.lake.processes import pin_of, publish_rows

B, S = "bronze/t", "silver/t"
VIEW = {"kind": "bronze", "key": ["Id"]}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few commits are many: the rules are the same, on S3 the tests are quick."""
    monkeypatch.setattr(compaction, "OPEN_FILES", 3)
    monkeypatch.setattr(retention, "LOG_SLACK", 5)


def bronze_batch(lake: Lake, day: date, hour: int, ids: Sequence[int], *, publish: bool = True) -> Move:
    """One hourly batch, through bronze's own append; ``publish`` commits the record without rendering a catalog."""
    at = datetime(day.year, day.month, day.day, hour)  # noqa: DTZ001 - the lake stores UTC without a zone
    values = pa.table({"Id": pa.array(ids, pa.int64()), "v": [f"{at:%m%d%H}-{i}" for i in ids]})
    rows = Stamp(at, "T", "batch", f"{at:%Y%m%d%H}", hour).rows(
        values,
        hashes=pa.array([f"{i:032x}" for i in ids]),
        valid_from=pl.Series([at] * len(ids), dtype=pl.Datetime("us")),
        deleted=False,
        ingestion_dates=day,
    )
    writer = open_at_pin(lake, B, publication.latest(lake).pins.get(B))
    commit = append(writer, pa.RecordBatchReader.from_batches(rows.schema, [rows]), description="Table d'essai.")
    move = Move(writer.based_on, pin_of(commit.version, len(ids), VIEW))
    if publish:
        publication.commit(lake, {B: move}, "batch")
    return move


def silver_rows(lake: Lake, numbers: Iterable[int]) -> None:
    """One commit and one record per row, as many publications would; no catalog."""
    for number in numbers:
        publication.commit(lake, {S: append_rows(lake, S, number)[1]}, "test")


def october(settings: Settings, hours: int = 6) -> publication.Record:
    """A closed month of ``hours`` files with two rows each, and a catalog."""
    lake = Lake.open(settings)
    for hour in range(hours - 1):
        bronze_batch(lake, date(2026, 10, 7), hour, [hour, 100])
    move = bronze_batch(lake, date(2026, 10, 7), hours - 1, [hours - 1, 100], publish=False)
    return catalog.publish(settings, {B: move}, "batch")


def versions(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT * FROM bronze.t ORDER BY ALL").fetchall()


def read(settings: Settings, number: int | None = None) -> list[tuple[Any, ...]]:
    with catalog.connect(number, settings) as connection:
        return versions(connection)


def file_count(lake: Lake, key: str = B) -> int:
    table = load(lake, key, publication.latest(lake).pins[key].version)
    assert table is not None
    return len(live_files(table))


def stored(lake: Lake, key: str = B) -> set[str]:
    return {item.path for item in lake.listing(key) if item.path.endswith(".parquet") and "_delta_log" not in item.path}


def later(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def test_a_closed_month_becomes_one_file_and_no_reader_notices(settings: Settings, lake: Lake) -> None:
    before = october(settings)
    expected = read(settings)
    with catalog.connect(settings=settings) as holding:
        done = maintain(settings)
        assert (done.tables[B].files_before, done.tables[B].files_after, file_count(lake)) == (6, 1, 1)
        assert publication.latest(lake).number == done.publication == before.number + 1
        assert versions(holding) == read(settings) == expected
        # six days later the old files are still there for whoever holds the old catalog …
        assert vacuum(settings, now=later(6)).tables[B].deleted_files == 0
        assert versions(holding) == read(settings, before.number) == expected
    # … and after the retention they are gone, with the records before the last
    assert vacuum(settings, now=later(7.1)).tables[B].deleted_files == 6
    assert publication.numbers(lake) == [done.publication]
    assert len(stored(lake)) == 1
    assert read(settings) == expected
    with pytest.raises(LakeError, match=rf"Publication {before.number} .* retired"):
        read(settings, before.number)
    bronze_batch(lake, date(2026, 11, 2), 1, [7])
    assert len(read(settings)) == len(expected) + 1


def test_a_record_counts_as_long_as_it_was_the_newest_within_retention(settings: Settings, lake: Lake) -> None:
    """A reader may have taken a catalog a minute before its successor came, however old that catalog was."""
    first, second = publish_rows(settings, S, 1), publish_rows(settings, S, 2)
    published = datetime.fromisoformat(second.published_at)
    kept = retention.Retained.at(lake, published + timedelta(days=6.9))
    assert [record.number for record in kept.records] == [first.number, second.number]
    kept = retention.Retained.at(lake, published + timedelta(days=7.1))
    assert ([record.number for record in kept.records], kept.retired) == ([second.number], (first.number,))


def test_uploads_that_no_commit_named_go_when_they_are_old(settings: Settings, lake: Lake) -> None:
    october(settings)
    crashed = [f"{B}/_bronze_ingestion_month=2026-10/part-crashed.parquet", "bronze/never/part-0.parquet", "_probe/x"]
    for path in crashed:
        lake.replace(path, b"rest of a crash")
    vacuum(settings)
    assert all(lake.exists(path) for path in crashed), "a run may be about to commit them"
    done = vacuum(settings, now=later(1.1), dry_run=True)
    assert (done.tables[B].deleted_files, done.tables["bronze/never"].deleted_files, done.leftovers) == (1, 1, 1)
    assert all(lake.exists(path) for path in crashed), "a dry run deletes nothing"
    vacuum(settings, now=later(1.1))
    assert not any(lake.exists(path) for path in crashed)
    assert len(read(settings)) == 12


def test_what_is_not_ours_is_never_touched(settings: Settings, lake: Lake) -> None:
    """A colleague's table beside ours, his files in our folders, and a lake whose records cannot be seen."""
    october(settings)
    theirs = [f"{B}/notes.txt", "gold/exports/june.parquet", "gold/theirs/keep.csv"]
    for path in theirs:
        lake.replace(path, b"theirs")
    write_deltalake(lake.uri("gold/theirs"), pa.table({"x": [1]}), storage_options=lake.storage_options or None)
    before = {item.path for item in lake.listing("gold")}
    vacuum(settings, now=later(30))
    assert {item.path for item in lake.listing("gold")} == before
    assert lake.exists(theirs[0])
    for number in publication.numbers(lake):
        lake.delete(f"{publication.FOLDER}/{publication.object_name(number)}")
    kept = stored(lake)
    assert vacuum(settings, now=later(60)).tables == {}
    assert stored(lake) == kept != set()


def test_an_unfinished_upload_is_given_back(settings: Settings, lake: Lake) -> None:
    october(settings)
    upload = obstore.open_writer(lake.objects, f"{B}/part-x.parquet", buffer_size=5 * 2**20)
    upload.write(b"x" * 6 * 2**20)
    assert lake.drop_unfinished(datetime.now(UTC) - DAY, dry_run=False) == 0
    assert lake.drop_unfinished(later(1), dry_run=True) == 1
    assert lake.drop_unfinished(later(1), dry_run=False) == 1
    assert lake.drop_unfinished(later(1), dry_run=False) == 0


def test_the_log_is_shortened_to_what_records_pin(settings: Settings, lake: Lake) -> None:
    silver_rows(lake, range(8))
    writer = open_at_pin(lake, S, publication.latest(lake).pins[S])
    assert writer.table is not None
    transactions = writer.table.transaction_version("ebp_lakehouse")
    assert maintain(settings).tables[S].log_entries == 0, "every record is within retention"
    pin = publication.latest(lake).pins[S]
    done = maintain(settings, now=later(8))
    assert done.tables[S].log_entries >= 8
    logs = [name for name in lake.names("silver/t/_delta_log") if name.endswith(".json")]
    assert [int(name[:20]) for name in logs] == [pin.version], "a checkpoint, the commit it stands for"
    publish_rows(settings, S, 8)
    newest = load(lake, S)
    assert newest is not None
    assert newest.transaction_version("ebp_lakehouse") == (transactions or 0) + 2, "the fence counts on"
    with catalog.connect(settings=settings) as connection:
        assert connection.execute("SELECT count(*), sum(id) FROM silver.t").fetchall() == [(9, sum(range(9)))]


def test_a_pin_older_than_the_log_retention_of_delta_itself_survives(settings: Settings, lake: Lake) -> None:
    """A table that fails its check for weeks commits every hour and is never pinned; its pin must stay readable."""
    publish_rows(settings, S, 1)
    table = load(lake, S)
    assert table is not None
    assert table.metadata().configuration["delta.enableExpiredLogCleanup"] == "false"
    october(settings, 2)
    table = load(lake, B)
    assert table is not None
    assert table.metadata().configuration["delta.enableExpiredLogCleanup"] == "false"


def test_a_table_that_a_batch_is_writing_is_left_alone(settings: Settings, lake: Lake) -> None:
    october(settings)
    move = bronze_batch(lake, date(2026, 11, 2), 1, [7], publish=False)
    done = maintain(settings)
    assert "has not published yet" in done.tables[B].skipped
    assert file_count(lake) == 6
    catalog.publish(settings, {B: move}, "batch")
    assert len(read(settings)) == 13
    # one that was never published is the rest of a crash, and is undone
    bronze_batch(lake, date(2026, 11, 2), 2, [8], publish=False)
    assert maintain(settings, now=later(0.1)).tables[B].files_after == 2
    assert len(read(settings)) == 13


@pytest.mark.parametrize("moment", ["before the commit", "before the record"])
def test_a_batch_that_is_quicker_wins(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    october(settings)
    silver_rows(lake, range(1 + compaction.OPEN_FILES))

    def batch(name: str, at: str) -> None:
        if name == at and file_count(lake) == 6:
            bronze_batch(lake, date(2026, 11, 2), 1, [7])

    if moment == "before the commit":
        monkeypatch.setattr(compaction, "failpoint", lambda name: batch(name, "files-uploaded"))
    else:
        monkeypatch.setattr(catalog, "failpoint", lambda name: batch(name, "before-record"))
    done = compact_tables(settings)
    assert "by another run" in done.tables[B].skipped
    assert done.tables[B].rewritten_bytes == 0 or moment == "before the commit"
    assert (file_count(lake), len(read(settings))) == (7, 13)
    assert file_count(lake, S) == 1, "other tables of the same maintenance are published"
    monkeypatch.undo()
    assert maintain(settings, now=later(0.1)).tables[B].files_after == 2
    assert len(read(settings)) == 13


def test_a_position_that_a_batch_moved_meanwhile_is_kept(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch that brought no row moves the position alone, on the same version: nothing conflicts."""
    pin = october(settings).pins[B]

    def batch(name: str) -> None:
        if name == "before-record":
            moved = replace(pin, position={"horizon": "77"}, ingestion_date="2026-11-25")
            publication.commit(lake, {B: Move(pin.version, moved)}, "batch")

    monkeypatch.setattr(catalog, "failpoint", batch)
    assert maintain(settings).tables[B].files_after == 1
    after = publication.latest(lake).pins[B]
    assert (after.position, after.ingestion_date, file_count(lake)) == ({"horizon": "77"}, "2026-11-25", 1)


def test_two_maintenances_at_once_lose_nothing(settings: Settings, lake: Lake) -> None:
    october(settings)
    expected, results = read(settings), []
    threads = [threading.Thread(target=lambda: results.append(maintain(settings))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 2
    assert [done.failures for done in results] == [{}, {}]
    assert (file_count(lake), read(settings)) == (1, expected)


def test_a_copy_that_differs_is_never_published(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = october(settings)
    honest = compaction._rows

    def without_the_last(*arguments: Any) -> Iterator[pa.RecordBatch]:
        batches = list(honest(*arguments))
        yield from batches[:-1]
        yield batches[0].slice(0, batches[-1].num_rows)  # as many rows, one of them another

    monkeypatch.setattr(compaction, "_rows", without_the_last)
    done = maintain(settings)
    assert "would have changed it (12 rows before, 12 after, contents different)" in done.failures[B]
    assert publication.latest(lake).number == record.number
    assert (len(read(settings)), file_count(lake)) == (12, 6)


def test_columns_added_later_and_silver_tables_are_merged_too(settings: Settings, lake: Lake) -> None:
    silver_rows(lake, range(compaction.OPEN_FILES))
    assert maintain(settings).tables[S].rewritten_bytes == 0, "few small files of an open table are left"
    writer = open_at_pin(lake, S, publication.latest(lake).pins[S])
    wider = pa.table({"id": [99], "name": ["n"], "at": [datetime(2026, 11, 23, tzinfo=UTC)], "price": [1.5]})
    commit = writer.append(wider, partition_by=[])
    catalog.publish(settings, {S: Move(writer.based_on, pin_of(commit.version, 4))}, "test")
    with catalog.connect(settings=settings) as connection:
        expected = connection.execute("FROM silver.t ORDER BY id").fetchall()
        assert len(expected) == compaction.OPEN_FILES + 1
    assert maintain(settings).tables[S].files_after == 1
    with catalog.connect(settings=settings) as connection:
        assert connection.execute("FROM silver.t ORDER BY id").fetchall() == expected


def test_a_dry_run_tells_and_does_nothing(tmp_path: Path) -> None:
    settings = Settings(lake_url=str(tmp_path / "lake"))
    october(settings)
    before = sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file())
    done = maintain(settings, now=later(8), dry_run=True)
    assert (done.tables[B].files_before, done.tables[B].files_after, done.retired_records) == (6, 1, 5)
    assert sorted((p, p.stat().st_mtime_ns) for p in tmp_path.rglob("*") if p.is_file()) == before


def test_a_full_disk_gets_room_before_anything_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(lake_url=str(tmp_path / "lake"))
    lake = Lake.open(settings)
    october(settings)
    lake.replace(f"{B}/part-crashed.parquet", b"rest of a crash")
    monkeypatch.setattr("ebp_lakehouse.lake.store.MINIMUM_FREE_BYTES", 2**60)
    with pytest.raises(LakeError, match="Free some room"):
        maintain(settings, now=later(1.1))
    assert not lake.exists(f"{B}/part-crashed.parquet")
    assert file_count(lake) == 6
