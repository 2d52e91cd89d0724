"""What a folder that cannot be written is told as: the first error, in one sentence that says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake.open(Settings(lake_url=str(tmp_path / "lake")))


def test_a_file_system_that_is_mounted_read_only(lake: Lake) -> None:
    told = lake.explain(OSError("Unable to open file: Read-only file system (os error 30)"), "creating _probe/1")
    assert "mounted read only: choose another EBP_LAKE_URL" in str(told)


def test_what_could_not_be_created_is_told_and_not_that_it_cannot_be_deleted(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(doing: str) -> object:
        def fail(*_: object) -> None:
            raise LakeError(f"Failed while {doing}")

        return fail

    monkeypatch.setattr(Lake, "create", fails("creating"))
    monkeypatch.setattr(Lake, "delete_all", fails("deleting"))
    with pytest.raises(LakeError, match="creating"):
        lake.check_conditional_put()
