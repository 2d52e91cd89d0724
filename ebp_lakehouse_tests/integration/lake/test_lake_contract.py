"""What every lake keeps, whatever store it lies on: fenced commits, whole publications, views, errors for people."""

from __future__ import annotations

import multiprocessing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pytest
from pydantic import SecretStr

from ebp_lakehouse.demo.servers import EmbeddedS3
from ebp_lakehouse.errors import ConflictError, LakeError
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import load, open_at_pin
from ebp_lakehouse.lake.publication import Move
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import S3Options, Settings
from ebp_lakehouse_tests.integration.lake import processes
from ebp_lakehouse_tests.integration.lake.processes import append, pin_of, publish_rows, rows_of

SPAWN = multiprocessing.get_context("spawn")
T = "silver/t"


def query(settings: Settings, text: str, **options: Any) -> list[tuple[Any, ...]]:
    with catalog.connect(settings=settings, **options) as connection:
        return connection.execute(text).fetchall()


def publish(
    settings: Settings, key: str, data: pa.Table, view: dict[str, Any], partition_by: list[str] | None = None
) -> None:
    lake = Lake.open(settings)
    writer = open_at_pin(lake, key, publication.latest(lake).pins.get(key))
    commit = writer.overwrite(data, partition_by=partition_by)
    catalog.publish(settings, {key: Move(writer.based_on, pin_of(commit.version, data.num_rows, view))}, "test")


def run(target: Any, *arguments: Any) -> int | None:
    process = SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    process.join(120)
    return process.exitcode


# Delta commits


def test_append_adds_rows_and_new_columns_at_the_end(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, T, 1, 2)
    writer = open_at_pin(lake, T, publication.latest(lake).pins[T])
    wider = rows_of(3).append_column("extra", pa.array(["x"]))
    commit = writer.append(wider, partition_by=[])
    assert (commit.rows, commit.files) == (1, 1)
    catalog.publish(settings, {T: Move(writer.based_on, pin_of(commit.version, 3))}, "test")
    assert query(settings, "FROM silver.t ORDER BY id") == [(1, "n1", None), (2, "n2", None), (3, "n3", "x")]


def test_merge_updates_inserts_and_deletes_in_one_commit(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, T, 1, 2, 3)
    writer = open_at_pin(lake, T, publication.latest(lake).pins[T])
    changes = pa.table({"id": [2, 3, 4], "name": ["two", None, "four"], "_change": ["upsert", "delete", "upsert"]})
    commit = writer.merge(changes, ["id"])
    assert writer.based_on is not None
    assert commit.version == writer.based_on + 1
    catalog.publish(settings, {T: Move(writer.based_on, pin_of(commit.version, 3))}, "test")
    assert query(settings, "FROM silver.t ORDER BY id") == [(1, "n1"), (2, "two"), (4, "four")]


def test_a_predicate_replaces_one_partition_only(settings: Settings, lake: Lake) -> None:
    view = {"kind": "table"}
    publish(settings, "gold/g", pa.table({"day": [1, 1, 2], "v": [10, 11, 20]}), view)
    writer = open_at_pin(lake, "gold/g", publication.latest(lake).pins["gold/g"])
    commit = writer.overwrite(pa.table({"day": [1], "v": [12]}), predicate="day = 1")
    catalog.publish(settings, {"gold/g": Move(writer.based_on, pin_of(commit.version, 2))}, "test")
    assert query(settings, "FROM gold.g ORDER BY day") == [(1, 12), (2, 20)]


def test_two_handles_from_one_version_the_second_is_refused(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, T, 1)
    pin = publication.latest(lake).pins[T]
    first, second = open_at_pin(lake, T, pin), open_at_pin(lake, T, pin)
    first.append(rows_of(2), partition_by=[])
    with pytest.raises(ConflictError, match="silver/t"):
        second.append(rows_of(2), partition_by=[])


def test_an_unpinned_commit_is_invisible_and_undone_by_the_next_writer(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, T, 1)
    append(lake, T, 666)
    assert query(settings, "SELECT id FROM silver.t") == [(1,)]
    publish_rows(settings, T, 2)
    assert query(settings, "SELECT id FROM silver.t ORDER BY id") == [(1,), (2,)]


def test_a_first_version_that_was_never_pinned_is_replaced(settings: Settings, lake: Lake) -> None:
    append(lake, T, 666)
    assert open_at_pin(lake, T, None).files() == []
    publish_rows(settings, T, 1)
    assert query(settings, "SELECT id FROM silver.t") == [(1,)]


# publications


def test_two_processes_publishing_different_tables_lose_nothing(settings: Settings, lake: Lake) -> None:
    workers = [
        SPAWN.Process(target=processes.publish_many, args=(settings, f"silver/{n}", 10), daemon=True)
        for n in ("a", "b")
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(200)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert publication.latest(lake).number == 20
    for name in ("a", "b"):
        assert query(settings, f"SELECT id FROM silver.{name} ORDER BY id") == [(number,) for number in range(10)]


def test_publishing_a_table_twice_from_one_base_conflicts(settings: Settings, lake: Lake) -> None:
    record = publish_rows(settings, T, 1)
    based_on, results = record.pins[T].version, SPAWN.Queue()
    workers = [
        SPAWN.Process(
            target=processes.publish_same_base, args=(settings, T, based_on + n, based_on, results), daemon=True
        )
        for n in (1, 2)
    ]
    for worker in workers:
        worker.start()
    assert sorted(results.get(timeout=100) for _ in workers) == ["conflict", "published"]
    for worker in workers:
        worker.join(60)
    assert publication.latest(lake).number == 2


def test_killed_between_delta_commit_and_record(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, T, 1)
    assert run(processes.die_after_delta_commit, settings, T) == -9
    newest = load(lake, T)
    assert newest is not None
    assert newest.version() > publication.latest(lake).pins[T].version
    assert query(settings, "SELECT id FROM silver.t") == [(1,)]
    publish_rows(settings, T, 2)
    assert query(settings, "SELECT id FROM silver.t ORDER BY id") == [(1,), (2,)]


def test_killed_between_record_and_catalog(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, T, 1)
    assert run(processes.die_after_record, settings, T) == 137
    assert query(settings, "SELECT id FROM silver.t ORDER BY id") == [(1,), (99,)]
    assert query(settings, "SELECT id FROM silver.t", record_number=1) == [(1,)]
    publish_rows(settings, T, 2)
    assert query(settings, "SELECT id FROM silver.t ORDER BY id") == [(1,), (2,), (99,)]
    assert publication.latest(lake).number == 3


def test_an_overtaken_publisher_leaves_the_newer_convenience_copy(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def overtaken(name: str) -> None:
        if name == "record-created":
            monkeypatch.undo()
            publish_rows(settings, "silver/other", 1)

    monkeypatch.setattr(catalog, "failpoint", overtaken)
    assert publish_rows(settings, T, 1).number == 1
    content = lake.read(catalog.CONVENIENCE_COPY)
    assert (
        content == lake.read(catalog.object_name(2, private=False)) != lake.read(catalog.object_name(1, private=False))
    )


def test_the_probe_passes_and_leaves_nothing(lake: Lake) -> None:
    lake.check_writable()
    assert lake.names("_probe") == []


def test_the_probe_refuses_a_store_that_lets_everybody_win(tmp_path: Path) -> None:
    class Careless(Lake):
        def create(self, path: str, content: bytes) -> bool:
            self.replace(path, content)
            return True

    with pytest.raises(LakeError, match=r"8 of 8 races .*simultaneous"):
        Careless(str(tmp_path)).check_conditional_put()


def test_a_handle_is_used_for_the_views_only_at_the_version_that_is_pinned(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, T, 1)
    writer = open_at_pin(lake, T, publication.latest(lake).pins[T])
    commit = writer.append(rows_of(2), partition_by=[])
    first = load(lake, T, 0)  # a handle of before, as a careless caller might pass
    assert first is not None
    catalog.publish(settings, {T: Move(writer.based_on, pin_of(commit.version, 2), opened=first)}, "test")
    assert query(settings, "FROM silver.t ORDER BY id") == [(1, "n1"), (2, "n2")]


# views: rows worked out by hand


def test_bronze_views_close_intervals_and_hide_the_deleted(settings: Settings) -> None:
    def version(key: str, value: str, hour: int, *, deleted: bool = False) -> dict[str, Any]:
        at = datetime(2026, 11, 23, hour)  # noqa: DTZ001 - the lake stores UTC without a zone
        meta = {
            "_bronze_ingestion_timestamp": at, "_bronze_ingestion_date": date(2026, 11, 23),
            "_bronze_source_system": "EBP_PG", "_bronze_source_table": "T", "_bronze_file_name": "batch/1",
            "_bronze_record_hash": value, "_bronze_is_deleted": deleted, "_bronze_valid_from": at,
            "_bronze_position": hour,
        }  # fmt: skip
        return meta | {"Id": key, "v": value, "_bronze_ingestion_month": "2026-11"}

    versions = [version("a", "a1", 8), version("b", "b1", 8), version("c", "c1", 8), version("a", "a2", 9)]
    versions += [version("b", "b1", 10, deleted=True), version("a", "a3", 11)]
    publish(settings, "bronze/t", pa.Table.from_pylist(versions), {"kind": "bronze", "key": ["Id"]})
    closed = "SELECT v, hour(_bronze_valid_from), hour(_bronze_valid_to) FROM bronze.t WHERE \"Id\" = 'a' ORDER BY 2"
    assert query(settings, closed) == [("a1", 8, 9), ("a2", 9, 11), ("a3", 11, None)]
    assert query(settings, 'SELECT "Id", v FROM bronze.t_current ORDER BY 1') == [("a", "a3"), ("c", "c1")]
    assert query(settings, "SELECT count(*), count(_bronze_valid_to) FROM bronze.t") == [(6, 3)]


def test_gold_views_show_the_greatest_partition_and_all_history(settings: Settings) -> None:
    days = [date(2026, 11, 21), date(2026, 11, 22), date(2026, 11, 22)]
    months = [date(2026, 11, 1)] * 3
    data = pa.table(
        {
            "k": [1, 1, 2],
            "v": [10, 11, None],
            "_gold_partition_date": days,
            "_gold_is_deleted": [False, False, True],
            "_gold_partition_month": months,
        }
    )
    publish(settings, "gold/g", data, {"kind": "gold", "rows": "series", "key": ["k"], "newest": "2026-11-22"})
    assert query(settings, "SELECT k, v FROM gold.g ORDER BY k") == [(1, 11)]  # the second day withdrew the key 2
    assert query(settings, "SELECT k, v FROM gold.g_history ORDER BY k, v") == [(1, 10), (1, 11), (2, None)]
    publish(settings, "gold/d", data, {"kind": "gold", "rows": "daily", "key": ["k"], "newest": "2026-11-22"})
    assert query(settings, "SELECT count(*) FROM gold.d") == [(3,)]


@pytest.mark.parametrize(("newest", "shown"), [("2026-11-22", [(3, 30)]), ("2026-11-23", [])])
def test_a_state_is_its_newest_partition_and_may_be_empty(settings: Settings, newest: str, shown: list[object]) -> None:
    days = [date(2026, 11, 21), date(2026, 11, 22)]
    data = pa.table({"k": [1, 3], "v": [10, 30], "_gold_partition_date": days})
    view = {"kind": "gold", "rows": "state", "key": ["k"], "newest": newest}
    publish(settings, "gold/s", data, view, partition_by=["_gold_partition_date"])
    assert query(settings, "SELECT k, v FROM gold.s") == shown
    assert query(settings, "SELECT k FROM gold.s_history ORDER BY k") == [(1,), (3,)]


def test_a_table_of_persons_is_shown_to_the_privileged_only(settings: Settings) -> None:
    publish(settings, "private/silver/p", rows_of(1, 2), {"kind": "table"})
    publish(settings, "silver/q", rows_of(1), {"kind": "table"})
    assert query(settings, "SELECT count(*) FROM silver.p", private=True) == [(2,)]
    with pytest.raises(duckdb.CatalogException, match="p does not exist"):
        query(settings, "SELECT count(*) FROM silver.p")
    told = "SELECT layer, table_name, row_count, check_state FROM freshness ORDER BY 2"
    assert query(settings, told) == [("silver", "q", 1, "passed")]
    assert query(settings, told, private=True) == [("silver", "p", 2, "passed"), ("silver", "q", 1, "passed")]


def test_personal_columns_are_joined_for_the_privileged_only(settings: Settings) -> None:
    view = {"kind": "table", "key": ["id"]}
    publish(settings, T, rows_of(1, 2), view)
    publish(settings, f"private/{T}", pa.table({"id": [1, 2], "phone": ["01", "02"]}), view)
    privileged = query(settings, "SELECT id, name, phone FROM silver.t ORDER BY id", private=True)
    assert privileged == [(1, "n1", "01"), (2, "n2", "02")]
    with pytest.raises(duckdb.BinderException, match="phone"):
        query(settings, "SELECT phone FROM silver.t")


# the readers' cache


def test_an_earlier_record_is_read_whatever_else_was_read_since(
    settings: Settings, lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "JUST_USED", timedelta(0))
    for number in range(8):
        publish(settings, T, rows_of(*range(number + 1)), {"kind": "table"})
        assert query(settings, "SELECT count(*) FROM silver.t") == [(number + 1,)]
    for _ in range(2):
        assert query(settings, "SELECT count(*) FROM silver.t", record_number=2) == [(2,)]
    cached = catalog.local_catalog(settings, lake, publication.latest(lake), private=False)
    assert len(list(cached.parent.iterdir())) <= catalog.KEPT_LOCALLY


def test_a_catalog_whose_path_was_just_given_is_not_tidied_away(settings: Settings, lake: Lake) -> None:
    publish(settings, T, rows_of(1), {"kind": "table"})
    given = catalog.local_catalog(settings, lake, publication.latest(lake), private=False)
    for number in range(8):
        publish(settings, T, rows_of(*range(number)), {"kind": "table"})
    with duckdb.connect(str(given), read_only=True) as connection:
        assert connection.execute("SELECT number FROM publication").fetchall() == [(1,)]


def test_a_folder_that_was_moved_is_read_where_it_lies_now(tmp_path: Path) -> None:
    before, now = (Settings(lake_url=str(tmp_path / name)) for name in ("before", "now"))
    publish_rows(before, T, 1)
    publish(before, "silver/u", rows_of(1, 2), {"kind": "table"})
    (tmp_path / "before").rename(tmp_path / "now")
    assert query(now, "SELECT count(*) FROM silver.t") == [(1,)]
    publish(now, "silver/u", rows_of(1, 2, 3), {"kind": "table"})
    assert query(now, "SELECT (SELECT count(*) FROM silver.t), (SELECT count(*) FROM silver.u)") == [(1, 3)]


def test_a_record_that_was_written_but_not_answered_is_ours(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Lake.create

    def unheard(self: Lake, path: str, content: bytes) -> bool:
        honest(self, path, content)
        return False  # the store answered 5xx, and the client's second try found the object

    monkeypatch.setattr(Lake, "create", unheard)
    record = publication.commit(lake, {T: Move(None, pin_of(0, 1))}, "test")
    assert record.number == 1
    assert publication.latest(lake).pins.keys() == {T}


# errors for people


def test_digits_in_the_name_of_an_object_are_no_refusal(tmp_path: Path) -> None:
    lake = Lake.open(Settings(lake_url=str(tmp_path / "lake")))
    down = OSError("GET s3://lake/cd6500b52d4940349ef97aea43d8652c/_publications: connection refused")
    assert "does not answer" in str(lake.explain(down, "listing"))
    refused = OSError("GET s3://lake/x: status 403 Forbidden")
    assert "not writable" in str(lake.explain(refused, "listing"))  # of a folder; of a bucket it is the keys


SECRET = "wrong-secret-never-shown"


@pytest.mark.parametrize("wrong", ["secret", "bucket", "server"])
def test_a_store_that_cannot_be_used_says_what_to_do(s3_settings: Settings, wrong: str) -> None:
    assert s3_settings.s3 is not None
    options = s3_settings.s3.model_dump()
    url, advice = s3_settings.lake_url, {"secret": "keys", "bucket": "bucket", "server": "does not answer"}[wrong]
    if wrong == "secret":
        options["secret_access_key"] = SecretStr(SECRET)
    elif wrong == "bucket":
        url = "s3://no-such-bucket-here/x"
    else:
        options["endpoint_url"] = "http://127.0.0.1:9"
    broken = Settings(lake_url=url, s3=S3Options(**options))
    for attempt in (lambda: Lake.open(broken).check_writable(), lambda: publication.latest(Lake.open(broken))):
        with pytest.raises(LakeError, match=advice) as caught:
            attempt()
        text = str(caught.value)
        assert url in text
        assert SECRET not in text
        assert options["secret_access_key"].get_secret_value() not in text


def test_an_empty_lake_says_how_to_fill_it(settings: Settings) -> None:
    with pytest.raises(LakeError, match="Nothing is published"):
        catalog.connect(settings=settings)


# every dialect of the S3 options reaches the same store


def test_boto3_lists_what_delta_wrote_and_duckdb_reads_it(s3: EmbeddedS3, s3_settings: Settings) -> None:
    assert s3_settings.s3 is not None
    publish_rows(s3_settings, T, 1, 2)
    client = boto3.client("s3", **s3_settings.s3.boto3_client())
    prefix = s3_settings.lake_url.removeprefix(f"s3://{s3.bucket}/")
    listed = client.list_objects_v2(Bucket=s3.bucket, Prefix=prefix)
    names = {item["Key"].removeprefix(f"{prefix}/").split("/")[0] for item in listed["Contents"]}
    client.close()
    assert {"_publications", "catalog", "silver"} <= names
    assert query(s3_settings, "SELECT count(*) FROM silver.t") == [(2,)]
