"""Scratch folders are gone after their run, and after the next one where their process was killed."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ebp_lakehouse.lake.scratch import scratch_folder

CHILD = """
import os, signal
from ebp_lakehouse.lake.scratch import scratch_folder
with scratch_folder("silver") as folder:
    (folder / "big.duckdb").write_text("x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_folder_goes_with_its_run(temporary: Path) -> None:
    with scratch_folder("gold") as folder, scratch_folder("silver") as other:
        assert list(folder.iterdir()) == list(other.iterdir()) == []
        assert len(list(temporary.iterdir())) == 2
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_still_written_hides_no_error_and_goes_later(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail_while_a_thread_writes() -> None:
        with scratch_folder("silver"):
            patch.setattr("shutil.rmtree", lambda *_, **__: None)
            raise ZeroDivisionError

    with monkeypatch.context() as patch, pytest.raises(ZeroDivisionError):
        fail_while_a_thread_writes()
    assert len(list(temporary.glob("*/scratch"))) == 1
    with scratch_folder("silver"):
        assert len(list(temporary.glob("*/scratch"))) == 1
    assert list(temporary.iterdir()) == []


def test_what_a_killed_process_left_goes_with_the_next_run_and_nothing_else_does(temporary: Path) -> None:
    (temporary / "ebp_lakehouse_mine").mkdir()
    subprocess.run([sys.executable, "-c", CHILD], env=os.environ | {"TMPDIR": str(temporary)}, check=False)
    assert [path.name for path in temporary.glob("*/scratch/*")] == ["big.duckdb"]
    with scratch_folder("silver"):
        assert list(temporary.glob("*/scratch/*")) == []
    assert [path.name for path in temporary.iterdir()] == ["ebp_lakehouse_mine"]
