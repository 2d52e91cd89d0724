"""Runs silver on a catalog file and reads what came out. Not here: catalogs (mock_bronze.py) and expectations."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import build_models
from ebp_lakehouse.silver.calendar import write_holidays
from ebp_lakehouse.silver.dbt_run import DATABASE, DATABASE_FILE, NodeResult, by_node
from ebp_lakehouse.silver.manifest import load_parse
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT

COMMUNES = DBT_PROJECT.parent / "ebp_lakehouse" / "silver" / "reference" / "communes.csv"


@dataclass(frozen=True)
class SilverRun:
    """A finished run: the database it wrote and what is said of each node, by its name."""

    database: Path
    results: Mapping[str, NodeResult]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def failures(self) -> dict[str, str]:
        return {name: result.message for name, result in self.results.items() if result.failed}


def run_silver(
    folder: Path,
    catalog: Path,
    *,
    known_at: datetime | None = None,
    parameters: Mapping[str, Any] | None = None,
    user_files: Path | None = None,
) -> SilverRun:
    """All of silver with its tests, in `folder`, as a run of the house builds it; a failing node does not raise."""
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "parameters.yaml"
    own.write_text(yaml.safe_dump(dict(parameters or {})), encoding="utf-8")
    settings = Settings(lake_url=str(folder), dbt_project_dir=DBT_PROJECT, parameters_file=own, user_files=user_files)
    built = build_models(settings, catalog, ["fqn:*"], folder, known_at=known_at)
    if isinstance(built.database, duckdb.DuckDBPyConnection):  # it was run from what dbt ran before
        with built.database as connection:
            connection.execute(f"ATTACH '{folder / DATABASE_FILE}' AS kept; COPY FROM DATABASE {DATABASE} TO kept")
    return SilverRun(folder / DATABASE_FILE, _by_name(built.results))


def run_dbt(folder: Path, catalog: Path, *command: str) -> SilverRun:
    """A command of dbt in `folder`, with the files that the environment names; a failing node does not raise."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / DATABASE_FILE
    arguments = [
        "--quiet", *command,
        "--vars", json.dumps({"known_at": None, "parameters": {}}),
        "--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT),
        "--target-path", str(folder / "target"), "--log-path", str(folder / "logs"),
    ]  # fmt: skip
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EBP_DBT_TARGET", "folder")
        environment.setenv("EBP_DBT_DATABASE", str(database))
        environment.setenv("EBP_DBT_CATALOG", str(catalog))
        environment.setenv("EBP_DBT_COMMUNES", str(COMMUNES))
        environment.setenv("EBP_DBT_HOLIDAYS", str(write_holidays(folder / "holidays.csv")))
        try:
            outcome = dbtRunner(manifest=load_parse(DBT_PROJECT)).invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()
    assert outcome.result is not None, outcome.exception
    return SilverRun(database, _by_name(by_node(outcome.result.results)))


def _by_name(results: Mapping[str, NodeResult]) -> dict[str, NodeResult]:
    return {result.name: result for result in results.values()}
