"""Build silver models with dbt, in process, in a scratch DuckDB database beside the pinned bronze.

Nothing here is visible to readers: what was built is compared with what is published and committed in publish.py.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import duckdb

from ebp_lakehouse.errors import LakehouseError
from ebp_lakehouse.lake.catalog import local_catalog
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.session import extension_directory, quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.calendar import write_holidays
from ebp_lakehouse.silver.contract import TableContract
from ebp_lakehouse.silver.manifest import load_parse

DATABASE = "scratch.duckdb"

# Optional CSV files of semantics §1.7 that the models of today read.
USER_FILES = ("colleague_extra", "commune_area", "incident_extra", "market_size", "satisfaction", "sla")


class BuildError(LakehouseError):
    """dbt could not build a model; the message holds dbt's own text for it."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt says of one node: ``status`` is success, pass, warn, fail, error or skipped.

    ``sql`` is what dbt compiled, of a seed nothing. A test's returns the rows that fail; of a test there are also its
    ``column``, and in words what those rows are (``description``); empty where it has none.
    """

    unique_id: str
    status: str
    seconds: float
    failures: int
    message: str
    sql: str = ""
    column: str = ""
    description: str = ""

    @property
    def name(self) -> str:
        return self.unique_id.split(".")[2]

    @property
    def healthy(self) -> bool:
        return self.status in ("success", "pass", "warn")


@dataclass(frozen=True)
class Build:
    """A finished scratch build: the database holding schema ``silver``, and dbt's word on every node."""

    database: Path
    catalog: Path
    results: Mapping[str, NodeResult]

    @property
    def compiled(self) -> dict[str, str]:
        """Model → its SQL, of the models that were built."""
        return {r.name: r.sql for r in self.results.values() if r.unique_id.startswith("model.") and r.healthy}

    @contextmanager
    def connect(self, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
        """The built tables as ``silver.*`` and what is published as ``lake.silver.*`` (personal columns included)."""
        with session(settings, str(self.database)) as connection:
            connection.execute(f"ATTACH {quote_literal(str(self.catalog))} AS lake (READ_ONLY)")
            yield connection


def build(
    settings: Settings,
    record: Record,
    tables: Sequence[TableContract],
    scratch: Path,
    *,
    models: Sequence[str] = (),
    known_at: datetime | None = None,
    as_of: date | None = None,
) -> Build:
    """Build and test ``tables`` and whatever they need.

    Args:
        settings: where the lake and the dbt project are.
        record: the publication whose bronze is read.
        tables: published models wanted; their ancestors are built too.
        scratch: an empty folder for the database and dbt's files.
        models: further models wanted, by name, with their ancestors.
        known_at: read bronze as it was known at this UTC instant; None = everything the record holds.
        as_of: day of the computed attributes; None = decided by the data (semantics V4).

    Raises:
        SettingsError: the user's parameters cannot be used.
        BuildError: dbt itself failed. A model or a test that failed does not raise: it is in the results.
    """
    catalog = scratch / "catalog.duckdb"
    shutil.copyfile(scratch_catalog(settings, record), catalog)
    names = [*(name for table in tables for name in (table.name, *table.shown)), *models]
    return build_models(settings, catalog, [f"+{name}" for name in names], scratch, known_at=known_at, as_of=as_of)


def scratch_catalog(settings: Settings, record: Record) -> Path:
    """The catalog of a record that a build reads, personal columns included; to be copied, not changed."""
    return local_catalog(settings, Lake.open(settings), record, private=True)


def build_models(
    settings: Settings,
    catalog: Path,
    selected: Sequence[str],
    scratch: Path,
    *,
    excluded: Sequence[str] = ("unit_test",),
    known_at: datetime | None = None,
    as_of: date | None = None,
) -> Build:
    """Build what dbt's selectors name on the catalog of a file; ``excluded`` are dbt's kinds of nodes that are left out."""
    arguments = [
        "--no-write-json", "build",
        "--select", *selected,
        "--indirect-selection", "cautious",
        *(word for kind in excluded for word in ("--exclude-resource-type", kind)),
        *_variables(settings, known_at=known_at, as_of=as_of),
    ]  # fmt: skip
    ran = _run(settings, arguments, catalog, scratch)
    return Build(database=scratch / DATABASE, catalog=catalog, results=_by_node(ran.results))


def document(settings: Settings, catalog: Path, scratch: Path) -> tuple[Path, dict[str, NodeResult]]:
    """The documentation that dbt makes of its project, as one static page, and what it says of each node it compiled for it.

    Nothing is run: the catalog's tables are only described, so they may be empty.

    Raises:
        SettingsError: the user's parameters cannot be used.
        BuildError: a model does not compile; dbt's text is in the message.
    """
    arguments = ["docs", "generate", "--static", "--empty-catalog", *_variables(settings)]
    ran = _run(settings, arguments, catalog, scratch)
    results = _by_node(ran._compile_results or ())  # noqa: SLF001  dbt shows them nowhere else
    broken = [f"{result.name}: {result.message}" for result in results.values() if result.status == "error"]
    if broken:
        raise BuildError("; ".join(broken))
    return scratch / "target" / "static_index.html", results


def _variables(settings: Settings, *, known_at: datetime | None = None, as_of: date | None = None) -> list[str]:
    variables = {
        "known_at": known_at.isoformat(sep=" ", timespec="microseconds") if known_at else None,
        "as_of": as_of.isoformat() if as_of else None,
        "parameters": parameters(settings.dbt_project_dir, settings.parameters_file).silver,
    }
    return ["--vars", json.dumps(variables, default=str)]


def _run(settings: Settings, arguments: Sequence[str], catalog: Path, scratch: Path) -> Any:
    """What dbt's command gives; its files are in ``scratch``."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415  dbt takes a second to import
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    parsed = load_parse(settings.dbt_project_dir)
    places = [
        "--project-dir", str(settings.dbt_project_dir), "--profiles-dir", str(settings.dbt_project_dir),
        "--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs"),
    ]  # fmt: skip
    with _environment(settings, scratch, scratch / DATABASE, catalog):
        try:
            outcome = dbtRunner(manifest=parsed).invoke(["--quiet", "--log-level-file", "none", *arguments, *places])
        finally:
            DuckDBConnectionManager.close_all_connections()  # else the scratch file stays open with dbt's options
    if outcome.result is None:
        raise BuildError(f"dbt could not run: {outcome.exception}")
    return outcome.result


def _by_node(results: Iterable[Any]) -> dict[str, NodeResult]:
    return {result.node.unique_id: _node_result(result) for result in results}


def _node_result(result: Any) -> NodeResult:
    return NodeResult(
        unique_id=result.node.unique_id,
        status=str(result.status),
        seconds=result.execution_time,
        failures=result.failures or 0,
        message=(result.message or "").strip(),
        sql=getattr(result.node, "compiled_code", None) or "",
        column=getattr(result.node, "column_name", None) or "",
        description=" ".join((result.node.description or "").split()),
    )


@contextmanager
def _environment(settings: Settings, scratch: Path, database: Path, catalog: Path) -> Iterator[None]:
    """The environment variables that dbt's profile reads; they are set for the run and put back after it."""
    reference = files("ebp_lakehouse.silver") / "reference"
    variables = {
        "EBP_DBT_TARGET": "s3" if settings.is_s3 else "folder",
        "EBP_DBT_DATABASE": str(database),
        "EBP_DBT_CATALOG": str(catalog),
        "EBP_DBT_THREADS": str(settings.threads),
        "EBP_DBT_MEMORY_LIMIT": settings.memory_limit,
        "EBP_DBT_HOLIDAYS": str(write_holidays(scratch / "holidays.csv")),
        "EBP_DBT_COMMUNES": str(reference / "communes.csv"),
        "EBP_DBT_EXTENSION_DIRECTORY": str(extension_directory(scratch / "extensions")) if settings.is_s3 else "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    for name in USER_FILES:
        path = settings.user_files / f"{name}.csv" if settings.user_files else None
        variables[f"EBP_DBT_{name.upper()}"] = str(path) if path and path.is_file() else ""
    if settings.s3 is not None:
        secret = settings.s3.duckdb_secret()
        variables |= {
            "DBT_ENV_SECRET_S3_KEY_ID": secret["key_id"],
            "DBT_ENV_SECRET_S3_SECRET": secret["secret"],
            "DBT_ENV_SECRET_S3_SESSION_TOKEN": secret.get("session_token", ""),
            "DBT_ENV_SECRET_S3_REGION": secret["region"],
            "DBT_ENV_SECRET_S3_ENDPOINT": secret.get("endpoint", "s3.amazonaws.com"),
            "DBT_ENV_SECRET_S3_USE_SSL": secret.get("use_ssl", "true"),
        }
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
