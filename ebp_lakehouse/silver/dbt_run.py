"""Run dbt in process on a scratch DuckDB database beside the pinned bronze, and read what it says of each node.

Not here: which models (build.py), and running again what dbt ran once (prepared.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from ebp_lakehouse.errors import LakehouseError
from ebp_lakehouse.lake.session import extension_directory
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.calendar import write_holidays
from ebp_lakehouse.silver.manifest import load_parse
from ebp_lakehouse.silver.user_files import user_files

DATABASE = "scratch"  # what dbt builds in; its statements name it
DATABASE_FILE = f"{DATABASE}.duckdb"


class BuildError(LakehouseError):
    """dbt could not build a model; the message holds dbt's own text for it."""


@dataclass(frozen=True)
class NodeResult:
    """What dbt says of one node: ``status`` is success, pass, warn, fail, error or skipped.

    ``sql`` is what dbt compiled, of a seed nothing. A test's returns the rows that fail; of a test there are also
    whether it only ``warns``, its
    ``column``, and in words what those rows are (``description``); empty where it has none. ``statement`` is what dbt ran
    for it in DuckDB, and ``needs`` the nodes it reads: with both it can be run again.
    """

    unique_id: str
    status: str
    seconds: float
    failures: int
    message: str
    sql: str = ""
    column: str = ""
    description: str = ""
    warns: bool = False
    statement: str = ""
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.unique_id.split(".")[2]

    @property
    def healthy(self) -> bool:
        return self.status in ("success", "pass", "warn")

    @property
    def failed(self) -> bool:
        """It went wrong itself: what was skipped because of it did not."""
        return self.status in ("error", "fail")


def run(settings: Settings, arguments: Sequence[str], catalog: Path, scratch: Path) -> Any:
    """What dbt's command gives; its files are in ``scratch``."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager  # noqa: PLC0415  dbt takes a second to import
    from dbt.cli.main import dbtRunner  # noqa: PLC0415

    parsed = load_parse(settings.dbt_project_dir)
    places = [
        "--project-dir", str(settings.dbt_project_dir), "--profiles-dir", str(settings.dbt_project_dir),
        "--target-path", str(scratch / "target"), "--log-path", str(scratch / "logs"),
    ]  # fmt: skip
    with _set(variables(settings, catalog, scratch)):
        try:
            outcome = dbtRunner(manifest=parsed).invoke(["--quiet", "--log-level-file", "none", *arguments, *places])
        finally:
            DuckDBConnectionManager.close_all_connections()  # else the scratch file stays open with dbt's options
    if outcome.result is None:
        raise BuildError(f"dbt could not run: {outcome.exception}")
    return outcome.result


def by_node(results: Iterable[Any]) -> dict[str, NodeResult]:
    return {result.node.unique_id: _node_result(result) for result in results}


def _node_result(result: Any) -> NodeResult:
    ran = getattr(result.node, "build_path", None)
    return NodeResult(
        unique_id=result.node.unique_id,
        status=str(result.status),
        seconds=result.execution_time,
        failures=result.failures or 0,
        message=(result.message or "").strip(),
        sql=getattr(result.node, "compiled_code", None) or "",
        column=getattr(result.node, "column_name", None) or "",
        description=" ".join((result.node.description or "").split()),
        warns=str(getattr(result.node.config, "severity", "")).lower() == "warn",
        statement=Path(ran).read_text(encoding="utf-8") if ran and Path(ran).is_file() else "",
        needs=tuple(getattr(result.node.depends_on, "nodes", ())),
    )


def variables(settings: Settings, catalog: Path, scratch: Path) -> dict[str, str]:
    """The environment variables that dbt's profile and models read; the files that a run makes for them are made."""
    made = {
        "EBP_DBT_TARGET": "s3" if settings.is_s3 else "folder",
        "EBP_DBT_DATABASE": str(scratch / DATABASE_FILE),
        "EBP_DBT_CATALOG": str(catalog),
        "EBP_DBT_THREADS": str(settings.threads),
        "EBP_DBT_MEMORY_LIMIT": settings.memory_limit,
        **model_files(settings, scratch),
        "EBP_DBT_EXTENSION_DIRECTORY": str(extension_directory(scratch / "extensions")) if settings.is_s3 else "",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }
    if settings.s3 is not None:
        secret = settings.s3.duckdb_secret()
        made |= {
            "DBT_ENV_SECRET_S3_KEY_ID": secret["key_id"],
            "DBT_ENV_SECRET_S3_SECRET": secret["secret"],
            "DBT_ENV_SECRET_S3_SESSION_TOKEN": secret.get("session_token", ""),
            "DBT_ENV_SECRET_S3_REGION": secret["region"],
            "DBT_ENV_SECRET_S3_ENDPOINT": secret.get("endpoint", "s3.amazonaws.com"),
            "DBT_ENV_SECRET_S3_USE_SSL": secret.get("use_ssl", "true"),
        }
    return made


def model_files(settings: Settings, scratch: Path) -> dict[str, str]:
    """Variable -> CSV file that models read besides the lake; an optional one that the user has not is an empty name.

    Raises:
        SettingsError: a file of the user's cannot be used.
    """
    reference = files("ebp_lakehouse.silver") / "reference"
    found = {
        "EBP_DBT_HOLIDAYS": str(write_holidays(scratch / "holidays.csv")),
        "EBP_DBT_COMMUNES": str(reference / "communes.csv"),
    }
    return found | {f"EBP_DBT_{name.upper()}": str(path or "") for name, path in user_files(settings).items()}


@contextmanager
def _set(variables: Mapping[str, str]) -> Iterator[None]:
    """The environment with ``variables``, for a run, and as it was after it."""
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
