"""Where a command finds its settings, and that it makes nothing when there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ebp_lakehouse.cli import app
from ebp_lakehouse.demo import session
from ebp_lakehouse.demo.processes import ServerUnavailableError
from ebp_lakehouse.demo.session import DemoHome, DemoState, demo_settings, lake_kind, working_settings
from ebp_lakehouse.settings import Settings


@pytest.fixture(autouse=True)
def _nothing_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("EBP_SOURCE_URL", "EBP_LAKE_URL", "EBP_DEMO_HOME", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("command", [["ui", "--port", "0"], ["query", "SELECT 1"], ["materialize"], ["doctor"]])
def test_without_demo_and_environment_one_sentence_says_how_to_get_one(command: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 1
    assert "make demo" in result.stderr
    assert "EBP_SOURCE_URL" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("lake", ["missing", "file/lake"])
def test_reading_a_lake_that_is_not_there_makes_no_folder(
    lake: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("EBP_LAKE_URL", lake)
    result = CliRunner().invoke(app, ["query", "SELECT 1"])
    assert result.exit_code == 1
    assert f"Nothing is published in {tmp_path / lake} yet" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_demo_does_as_the_environment_says_except_source_and_lake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"EBP_TABLES": "Item", "EBP_THREADS": "3", "EBP_MEMORY_LIMIT": "2GB", "EBP_FIRST_PARTITION": "2026-01-02"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    expected = Settings.from_environment(told | {"EBP_LAKE_URL": str(tmp_path / "home" / "lake")})
    with demo_settings(DemoHome(tmp_path / "home"), "folder", source=False) as settings:
        assert settings == expected
    DemoHome(tmp_path / ".demo").remember(DemoState(0.1, 7, "2026-11-20", "folder"))
    with working_settings(source=False) as (settings, dagster):
        assert (settings.tables, settings.threads) == ("Item", 3)
        assert dagster == tmp_path / ".demo" / "dagster"


def test_the_kind_of_lake_asks_for_the_binary_and_starts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "EmbeddedS3", None)
    assert lake_kind(folder=True) == "folder"
    assert lake_kind(folder=False) == "s3"

    def missing() -> Path:
        raise ServerUnavailableError("no binary")

    monkeypatch.setattr(session, "weed_binary", missing)
    assert lake_kind(folder=False) == "folder"
    assert list(tmp_path.iterdir()) == []
