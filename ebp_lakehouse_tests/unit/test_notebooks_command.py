"""``ebp-lakehouse notebook``: the kernels are told which lake, and whoever lacks JupyterLab is told what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ebp_lakehouse import notebooks
from ebp_lakehouse.errors import SettingsError
from ebp_lakehouse.settings import REPOSITORY_ROOT, Settings


def test_jupyterlab_gets_the_lake_the_first_notebook_and_the_arguments(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "jupyterlab").mkdir()
    (tmp_path / "jupyterlab" / "__init__.py").touch()
    (tmp_path / "jupyterlab" / "__main__.py").write_text(
        "import json, os, pathlib, sys\n"
        "pathlib.Path('told.json').write_text(json.dumps([os.environ['EBP_LAKE_URL'], sys.argv[1:]]))\n"
        "sys.exit(3)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("EBP_LAKE_URL", "another")
    assert notebooks.open_lab(Settings(lake_url=str(tmp_path / "lake")), ["--no-browser"]) == 3
    lake, arguments = json.loads((tmp_path / "told.json").read_text())
    assert lake == str(tmp_path / "lake")
    assert arguments[-1] == "--no-browser"
    assert f"--ServerApp.root_dir={REPOSITORY_ROOT}" in arguments
    assert (REPOSITORY_ROOT / notebooks.FIRST).is_file()


def test_without_jupyterlab_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebooks.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingsError, match=r"make notebook.*\.\[notebooks\].*EBP_LAKE_URL"):
        notebooks.open_lab(Settings(lake_url="lake"), [])
