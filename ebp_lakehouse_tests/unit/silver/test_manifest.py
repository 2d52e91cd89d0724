"""A parse that is kept: whole, or made again."""

from __future__ import annotations

import shutil
from pathlib import Path

from ebp_lakehouse.silver.manifest import PARSE_SUFFIX, load_manifest, load_parse, manifest_path
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT


def test_a_parse_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    project = shutil.copytree(DBT_PROJECT, tmp_path / "dbt_silver", ignore=shutil.ignore_patterns("target"))
    made = load_manifest(DBT_PROJECT)
    json, parse = manifest_path(project), manifest_path(project).with_suffix(PARSE_SUFFIX)
    json.parent.mkdir()
    shutil.copyfile(manifest_path(DBT_PROJECT), json)
    parse.write_bytes(manifest_path(DBT_PROJECT).with_suffix(PARSE_SUFFIX).read_bytes()[:5000])
    assert set(load_parse(project).nodes) == set(made["nodes"])
    json.write_bytes(json.read_bytes()[:5000])
    assert set(load_manifest(project)["nodes"]) == set(made["nodes"])
