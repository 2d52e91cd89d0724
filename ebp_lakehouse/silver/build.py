"""Build silver models with dbt, in process, in a scratch DuckDB database beside the pinned bronze.

Nothing here is visible to readers: what was built is compared with what is published and committed in publish.py.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from ebp_lakehouse.lake.catalog import local_catalog
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.session import beside, quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver import dbt_run, prepared
from ebp_lakehouse.silver.contract import TableContract
from ebp_lakehouse.silver.dbt_run import DATABASE, DATABASE_FILE, BuildError, NodeResult


@dataclass(frozen=True)
class Build:
    """A finished scratch build: the database holding schema ``silver``, a file or still open, and what is said of every node."""

    database: Path | duckdb.DuckDBPyConnection
    catalog: Path
    results: Mapping[str, NodeResult]

    @property
    def compiled(self) -> dict[str, str]:
        """Model → its SQL, of the models that were built."""
        return {r.name: r.sql for r in self.results.values() if r.unique_id.startswith("model.") and r.healthy}

    @property
    def failed(self) -> list[NodeResult]:
        """Models that could not be built, and tests that refuse rows. What needs them is not built."""
        return [result for result in self.results.values() if result.failed]

    def accepts(self, table: TableContract) -> bool:
        """Whether the table is there, and no test of it refuses its rows."""
        model, wrong = self.results.get(table.unique_id), {result.unique_id for result in self.failed}
        return model is not None and model.healthy and wrong.isdisjoint(table.tests)

    @contextmanager
    def connect(self, settings: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
        """The built tables as ``silver.*`` and what is published as ``lake.silver.*`` (personal columns included)."""
        if isinstance(self.database, duckdb.DuckDBPyConnection):
            with beside(self.database, DATABASE) as cursor:
                yield cursor
            return
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
    selected = [f"+{name}" for name in names]
    return build_models(settings, catalog, selected, scratch, left=names, known_at=known_at, as_of=as_of)


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
    left: Sequence[str] | None = None,
    known_at: datetime | None = None,
    as_of: date | None = None,
) -> Build:
    """Build what dbt's selectors name on the catalog of a file; ``excluded`` are dbt's kinds of nodes that are left out.

    ``left`` are the models that are read afterwards; others may be gone, to save memory. None: all are there.
    The first build of a kind is run by dbt, those after it from what it ran (prepared.py).
    """
    files = dbt_run.model_files(settings, scratch)
    values = {
        "known_at": known_at.isoformat(sep=" ", timespec="microseconds") if known_at else None,
        "as_of": as_of.isoformat() if as_of else None,
    }
    own = parameters(settings.dbt_project_dir, settings.parameters_file).silver
    kind = [settings.is_s3, own, *selected, "without", *excluded]
    kept = prepared.place(settings, catalog, kind, values, files)
    given = {name: value for name, value in (values | files).items() if value is not None}
    ran = prepared.run(kept, settings, catalog, scratch, given, left)
    if ran is not None:
        return Build(database=ran[0], catalog=catalog, results=ran[1])
    arguments = [
        "--no-write-json", "build",
        "--select", *selected,
        "--indirect-selection", "cautious",
        *(word for kind in excluded for word in ("--exclude-resource-type", kind)),
        *_variables(own, values),
    ]  # fmt: skip
    results = dbt_run.by_node(dbt_run.run(settings, arguments, catalog, scratch).results)
    prepared.keep(kept, scratch / DATABASE_FILE, results)
    return Build(database=scratch / DATABASE_FILE, catalog=catalog, results=results)


def document(settings: Settings, catalog: Path, scratch: Path) -> tuple[Path, dict[str, NodeResult]]:
    """The documentation that dbt makes of its project, as one static page, and what it says of each node it compiled for it.

    Nothing is run: the catalog's tables are only described, so they may be empty.

    Raises:
        SettingsError: the user's parameters cannot be used.
        BuildError: a model does not compile; dbt's text is in the message.
    """
    own = parameters(settings.dbt_project_dir, settings.parameters_file).silver
    arguments = ["docs", "generate", "--static", "--empty-catalog", *_variables(own)]
    ran = dbt_run.run(settings, arguments, catalog, scratch)
    results = dbt_run.by_node(ran._compile_results or ())  # noqa: SLF001  dbt shows them nowhere else
    broken = [f"{result.name}: {result.message}" for result in results.values() if result.status == "error"]
    if broken:
        raise BuildError("; ".join(broken))
    return scratch / "target" / "static_index.html", results


def _variables(own: Mapping[str, Any], values: Mapping[str, str | None] | None = None) -> list[str]:
    """The option of dbt with the user's parameters and what differs from run to run."""
    return ["--vars", json.dumps({**(values or {"known_at": None, "as_of": None}), "parameters": own}, default=str)]
