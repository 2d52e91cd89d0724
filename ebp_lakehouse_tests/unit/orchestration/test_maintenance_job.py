"""The nightly job and the commands, on a folder lake: they do what lake/maintenance.py does, and say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ebp_lakehouse.cli import app
from ebp_lakehouse.lake import compaction, publication
from ebp_lakehouse.lake.delta import live_files, load
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.jobs import maintenance_job
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.integration.lake.processes import publish_rows

T = "silver/t"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A silver table of three small files, where two are many."""
    monkeypatch.setattr(compaction, "OPEN_FILES", 2)
    monkeypatch.setenv("EBP_LAKE_URL", str(tmp_path / "lake"))
    made = Settings.from_environment()
    for number in range(3):
        publish_rows(made, T, number)
    return made


def files(settings: Settings) -> int:
    lake = Lake.open(settings)
    table = load(lake, T, publication.latest(lake).pins[T].version)
    assert table is not None
    return len(live_files(table))


def test_the_nightly_job_merges(settings: Settings) -> None:
    result = maintenance_job(settings).execute_in_process()
    assert result.success
    done = {event.node_name for event in result.get_step_success_events()}
    assert done == {"vacuum", "logs", "compact_bronze", "compact_silver", "compact_gold"}
    assert (files(settings), publication.latest_number(Lake.open(settings))) == (1, 4)


def test_the_commands_say_what_they_did(settings: Settings) -> None:
    run = CliRunner().invoke
    dry = run(app, ["maintain", "--dry-run"])
    assert (dry.exit_code, files(settings)) == (0, 3), dry.output
    assert "dry run: nothing was changed" in dry.output
    done = run(app, ["maintain"])
    assert done.exit_code == 0, done.output
    row = next(line for line in done.output.splitlines() if T in line)
    assert [cell.strip() for cell in row.strip("│").split("│")][1:3] == ["3", "1"]
    assert "1 tables, publication 4, 0 records" in done.output
    listed = run(app, ["publications"])
    assert [line.split("│")[1].strip() for line in listed.output.splitlines() if "│" in line] == ["4", "3", "2", "1"]
    assert "publication 5" in run(app, ["restore", "2"]).output
    assert files(settings) == 2
    refused = run(app, ["restore", "99"])
    assert (refused.exit_code, "Publication 99" in refused.output) == (1, True)
