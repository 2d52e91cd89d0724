"""Bugs of Dagster that others published, each with a test named after it."""

from __future__ import annotations

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import dagster as dg
import pytest

from ebp_lakehouse.build import build_definitions
from ebp_lakehouse.settings import REPOSITORY_ROOT, Settings
from ebp_lakehouse.silver.manifest import load_manifest, manifest_path


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(Settings(lake_url="/nowhere"))


def test_dagster_14332_and_22254_a_range_is_one_run_by_our_own_word(definitions: dg.Definitions) -> None:
    """No IO manager has to write a range, and single-run is declared, not guessed from a time window."""
    graph = definitions.resolve_asset_graph()
    for key in graph.executable_asset_keys:
        assert graph.get(key).backfill_policy == dg.BackfillPolicy.single_run(), key


def test_dagster_24474_and_34094_nothing_is_automated_by_a_condition_nobody_tested(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    assert [key for key in graph.get_all_asset_keys() if graph.get(key).automation_condition] == []


def test_dagster_33993_processes_that_start_together_parse_dbt_side_by_side(tmp_path: Path) -> None:
    project = tmp_path / "dbt"
    shutil.copytree(REPOSITORY_ROOT / "dbt_silver", project, ignore=shutil.ignore_patterns("target", "logs"))
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as pool:
        one, other = pool.map(load_manifest, [project, project])
    assert one["nodes"].keys() == other["nodes"].keys()
    assert [path.name for path in manifest_path(project).parent.glob("*.json")] == [manifest_path(project).name]
