"""Runs dbt in process on a catalog file and reads what came out. Not here: catalogs (mock_bronze.py) and expectations."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

from ebp_lakehouse.silver.calendar import write_holidays
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT

COMMUNES = DBT_PROJECT.parent / "ebp_lakehouse" / "silver" / "reference" / "communes.csv"


@dataclass(frozen=True)
class SilverRun:
    """A finished run: the database it wrote and dbt's status and message per node."""

    database: Path
    statuses: dict[str, str]
    messages: dict[str, str]

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        with duckdb.connect(str(self.database), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def failures(self) -> dict[str, str]:
        return {node: self.messages[node] for node, status in self.statuses.items() if status in ("error", "fail")}


def run_silver(
    folder: Path,
    catalog: Path,
    *,
    command: tuple[str, ...] = ("build", "--exclude-resource-type", "unit_test"),
    known_at: str | None = None,
    parameters: dict[str, Any] | None = None,
) -> SilverRun:
    """Run a dbt command in `folder`; a failing node does not raise."""
    folder.mkdir(parents=True, exist_ok=True)
    database = folder / "scratch.duckdb"
    arguments = [
        "--quiet", *command,
        "--vars", json.dumps({"known_at": known_at, "parameters": parameters or {}}),
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
            outcome = dbtRunner().invoke(arguments)
        finally:
            DuckDBConnectionManager.close_all_connections()
    assert outcome.result is not None, outcome.exception
    return SilverRun(
        database=database,
        statuses={result.node.name: str(result.status) for result in outcome.result.results},
        messages={result.node.name: result.message or "" for result in outcome.result.results},
    )
