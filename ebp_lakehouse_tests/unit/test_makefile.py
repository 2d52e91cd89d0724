"""``make clean`` removes what this checkout's demo keeps elsewhere, and nothing of anybody else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from ebp_lakehouse.settings import REPOSITORY_ROOT


@pytest.mark.parametrize("owner", ["ours", "others"])
def test_clean_removes_the_cluster_outside_the_home_only_when_it_is_ours(tmp_path: Path, owner: str) -> None:
    checkout, outside = tmp_path / "checkout", tmp_path / "shared" / "0123"
    home = checkout / ".demo" / "postgres"
    home.mkdir(parents=True)
    (outside / "data").mkdir(parents=True)
    (outside / "home").write_text(str(home if owner == "ours" else tmp_path / "elsewhere"))
    (home / "data").symlink_to(outside / "data")
    shutil.copy(REPOSITORY_ROOT / "Makefile", checkout)
    subprocess.run(["make", "clean"], cwd=checkout, check=True, capture_output=True)
    assert not (checkout / ".demo").exists()
    assert outside.exists() == (owner == "others")
