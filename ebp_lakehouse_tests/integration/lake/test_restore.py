"""Going back to an older publication: a new record, no rewriting, refused where files may be gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import live_files, load
from ebp_lakehouse.lake.maintenance import vacuum
from ebp_lakehouse.lake.restore import history, restore
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.lake.processes import publish_rows

A, B = "silver/a", "silver/b"


def ids(settings: Settings, table: str) -> list[tuple[Any, ...]]:
    with catalog.connect(settings=settings) as connection:
        return connection.execute(f"SELECT id FROM silver.{table} ORDER BY id").fetchall()


def test_an_older_publication_is_published_again_and_work_goes_on(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, A, 1)
    publish_rows(settings, B, 1)
    publish_rows(settings, A, 666)
    publish_rows(settings, B, 2)
    record = restore(settings, 2)
    assert record.number == 5
    assert (ids(settings, "a"), ids(settings, "b")) == ([(1,)], [(1,)])
    entries = [(entry.number, entry.moved) for entry in history(lake)]
    assert entries == [(5, (A, B)), (4, (B,)), (3, (A,)), (2, (B,)), (1, (A,))]
    publish_rows(settings, A, 3)
    assert ids(settings, "a") == [(1,), (3,)]
    restore(settings, 4, [B])
    assert (ids(settings, "a"), ids(settings, "b")) == ([(1,), (3,)], [(1,), (2,)])
    assert restore(settings, 7).number == 7, "what is shown already is not published again"


def test_what_may_be_vacuumed_is_refused(settings: Settings, lake: Lake) -> None:
    first, last = publish_rows(settings, A, 1), publish_rows(settings, A, 2)
    week = datetime.fromisoformat(last.published_at) + timedelta(days=7)
    with pytest.raises(LakeError, match=r"Publication 1 .* retention of 7 days.* oldest that can be restored is 2"):
        restore(settings, 1, now=week - timedelta(minutes=30))
    assert publication.latest(lake).number == 2
    table = load(lake, A, first.pins[A].version)
    assert table is not None
    lake.delete(f"{A}/{live_files(table)[0].path}")
    with pytest.raises(LakeError, match=r"1 files of .*silver/a at version 0 are gone"):
        restore(settings, 1)
    with pytest.raises(LakeError, match="no table silver/nowhere"):
        restore(settings, 1, ["silver/nowhere"])
    with pytest.raises(LakeError, match=r"Publication 77 .* does not exist"):
        restore(settings, 77)
    assert publication.latest(lake).number == 2


def test_a_restored_version_outlives_the_record_it_came_from(settings: Settings, lake: Lake) -> None:
    publish_rows(settings, A, 1)
    publish_rows(settings, A, 2)
    restore(settings, 1)
    vacuum(settings, now=datetime.now(UTC) + timedelta(days=8))
    assert publication.numbers(lake) == [3]
    assert ids(settings, "a") == [(1,)]
    publish_rows(settings, A, 3)
    assert ids(settings, "a") == [(1,), (3,)]
