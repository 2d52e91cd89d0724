"""What an installation is like, measured before its figures are trusted (semantics §11), and what to write where it must be said.

The measuring is the SQL of ``profile_sections`` on a scratch build of the models that already decide (signs, scopes, identities), so
that no rule is written twice. Nothing is published. Not here: how it looks (profile_report.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import duckdb
import yaml

from ebp_lakehouse.errors import LakeError
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.scratch import scratch_folder
from ebp_lakehouse.lake.session import quote_identifier, quote_literal, session
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import build_models, scratch_catalog
from ebp_lakehouse.silver.dbt_run import BuildError
from ebp_lakehouse.silver.manifest import load_manifest

# What the sections read; dbt builds their ancestors with them.
MODELS = (
    "int_sale_header_identities", "int_purchase_header_identities", "int_sale_lines", "int_purchase_lines", "int_stock_stretches",
    "int_stock_pump_scope", "int_day_schedules", "int_events", "fact_customer_activity", "stg_equipment_link", "stg_incident",
    "stg_maintenance_contract", "stg_construction_site", "stg_supplier",
)  # fmt: skip
SELECTORS = ("resource_type:seed", *(f"+{name}" for name in MODELS))
# Columns that only the profile reads, with their types.
OWN_COLUMNS: dict[str, dict[str, str]] = {
    "sale_document": {"DocumentState": "integer"},
    "deal_sale_document": {"DocumentId": "varchar", "GlobalDocumentState": "varchar"},
}
METADATA = {
    "_bronze_valid_from": "timestamp",
    "_bronze_valid_to": "timestamp",
    "_bronze_ingestion_date": "date",
    "_bronze_is_deleted": "boolean",
}
PARAMETERS = "parameters"
MODIFIED = "sysModifiedDate"

_MACROS = """
CREATE OR REPLACE TEMP MACRO proposal(t, l, i := NULL) AS struct_pack(target := t, line := l, instead := i);
CREATE OR REPLACE TEMP MACRO csv_field(x) AS
    CASE WHEN regexp_matches(x, '[",\\n]') THEN '"' || replace(x, '"', '""') || '"' ELSE coalesce(x, '') END;
"""


@dataclass(frozen=True)
class Proposal:
    """A line to paste: ``target`` is a file of dbt_silver/seeds, or PARAMETERS for the file of EBP_PARAMETERS_FILE.

    ``instead`` is the beginning of the line that it replaces; empty for a line to add.
    """

    target: str
    line: str
    instead: str = ""


@dataclass(frozen=True)
class Section:
    """One measured table: ``columns`` and ``rows`` as shown, ``note`` says how to read them."""

    name: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    proposals: tuple[Proposal, ...] = ()


def profile(settings: Settings) -> list[Section]:
    """Every section, from the bronze of the newest publication.

    Raises:
        LakeError: no bronze table is published yet.
        SettingsError: the user's parameters cannot be used.
        BuildError: a model that the profile reads could not be built; dbt's text is in the message.
    """
    lake = Lake.open(settings)
    record = publication.latest(lake)
    if not any(key.startswith("bronze/") for key in record.pins):
        raise LakeError(
            f"Nothing of the source is published in {lake.url} yet, so there is nothing to measure. "
            "Run: ebp-lakehouse materialize 'key:\"bronze/*\"'"
        )
    manifest = load_manifest(settings.dbt_project_dir)
    with scratch_folder("profile") as scratch:
        catalog = scratch / "catalog.duckdb"
        shutil.copyfile(scratch_catalog(settings, record), catalog)
        with session(settings, str(catalog)) as connection:
            missing = fill(connection, needed_columns(manifest))
        built = build_models(settings, catalog, SELECTORS, scratch, excluded=("test", "unit_test"))
        broken = [f"{result.name}: {result.message}" for result in built.results.values() if result.status == "error"]
        if broken:
            raise BuildError("; ".join(broken))
        with built.connect(settings) as connection:
            sections = [missing, *measure(connection, manifest)]
    known = parameters(settings.dbt_project_dir, settings.parameters_file).own
    return [_without_known(section, known) for section in sections]


def needed_columns(manifest: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Bronze table → column → DuckDB type: what silver declares that it reads, and what the profile reads besides."""
    needed = {
        node["name"]: {column["name"]: column["data_type"] for column in node["columns"].values()}
        for node in manifest["sources"].values()
        if node["source_name"] == "bronze"
    }
    return {table: needed.get(table, {}) | OWN_COLUMNS.get(table, {}) for table in needed | OWN_COLUMNS}


def fill(connection: duckdb.DuckDBPyConnection, needed: Mapping[str, Mapping[str, str]]) -> Section:
    """Make the missing tables and columns of an open catalog, empty; the section names them.

    The catalog must be a copy: a profile looks at what is there, where a build refuses what it cannot be right without.
    """
    present = {
        row[0]
        for row in connection.execute("SELECT view_name FROM duckdb_views() WHERE schema_name = 'bronze'").fetchall()
    }
    rows = []
    for table, columns in sorted(needed.items()):
        if table not in present:
            typed = ", ".join(f"{quote_identifier(name)} {kind}" for name, kind in {**columns, **METADATA}.items())
            connection.execute(f"CREATE TABLE bronze.{quote_identifier(table)} ({typed})")
            connection.execute(
                f"CREATE VIEW bronze.{quote_identifier(f'{table}_current')} AS FROM bronze.{quote_identifier(table)}"
            )
            rows.append((table, "the table: taken as empty"))
            continue
        absent: dict[str, str] = {}
        for view in (table, f"{table}_current"):
            described = connection.execute(f"DESCRIBE bronze.{quote_identifier(view)}").fetchall()
            lacking = {name: kind for name, kind in columns.items() if name not in {row[0] for row in described}}
            if lacking:
                _widen(connection, view, lacking)
            absent |= lacking
        if absent:
            rows.append((table, f"columns, taken as NULL: {', '.join(absent)}"))
    note = (
        "Of the tables and columns of EBP that silver reads. What it cannot do without stops a run, with the same name."
    )
    return Section("missing", "What bronze lacks", note, ("table", "missing"), tuple(rows))


def measure(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> Iterator[Section]:
    """The sections, on a connection that holds the build (staging, intermediate, seeds, silver) and ``lake.bronze``."""
    connection.execute(_MACROS)
    for file in sorted(files("ebp_lakehouse.silver.profile_sections").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".sql"):
            yield _measured(connection, file.name.removesuffix(".sql"), file.read_text("utf-8"))
    yield _modified_dates(connection)
    yield _custom_columns(connection, manifest)


def _measured(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> Section:
    comments = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        comments.append(line.removeprefix("--").strip())
    cursor = connection.execute(sql)
    columns = [column[0] for column in cursor.description or []]
    rows = cursor.fetchall()
    found: dict[Proposal, None] = {}
    if "proposals" in columns:
        at = columns.index("proposals")
        found = {Proposal(p["target"], p["line"], p["instead"] or ""): None for row in rows for p in row[at] or ()}
        rows = [(*row[:at], *row[at + 1 :]) for row in rows]
        columns.pop(at)
    return Section(name[3:], comments[0], " ".join(comments[1:]), tuple(columns), tuple(rows), tuple(found))


def _modified_dates(connection: duckdb.DuckDBPyConnection) -> Section:
    """Rows without a date of modification: what a capture by dates would never see change."""
    counts = " UNION ALL ".join(
        f"SELECT {quote_literal(table)} AS name, count(*) AS rows, count(*) - count({quote_identifier(MODIFIED)}) AS without "
        f"FROM lake.bronze.{quote_identifier(f'{table}_current')}"
        for table in _bronze_tables(connection, MODIFIED)
    )
    rows = connection.execute(
        f"SELECT name, rows, without, round(100 * without / rows, 1) FROM ({counts}) WHERE without > 0 ORDER BY 4 DESC, 1"
        if counts
        else "SELECT NULL WHERE false"
    ).fetchall()
    note = f'Tables that have rows whose "{MODIFIED}" is NULL. The hourly batch does not read it; a capture by dates would.'
    columns = ("table", "rows", "without date", "% without")
    return Section("modified_dates", "Dates of modification", note, columns, tuple(rows))


def _custom_columns(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> Section:
    """The columns that this installation added to EBP (xx_), how many rows fill them, and which of them silver reads."""
    needed = needed_columns(manifest)
    rows = []
    for table, names in _bronze_tables(connection).items():
        custom = sorted(name for name in names if name.lower().startswith("xx_"))
        if not custom:
            continue
        filled = ", ".join(f"count({quote_identifier(name)})" for name in custom)
        counts = connection.execute(
            f"SELECT {filled} FROM lake.bronze.{quote_identifier(f'{table}_current')}"
        ).fetchone()
        rows += [
            (table, name, count, "yes" if name in needed.get(table, {}) else "")
            for name, count in zip(custom, counts or (), strict=True)
        ]
    note = "Columns that this installation added to EBP. Columns of secrets are never read and not listed."
    return Section(
        "custom_columns", "Columns of its own", note, ("table", "column", "filled", "read by silver"), tuple(rows)
    )


def _bronze_tables(connection: duckdb.DuckDBPyConnection, having: str = "") -> dict[str, set[str]]:
    """Bronze table → its columns, of the tables that have the column ``having``."""
    found: dict[str, set[str]] = {}
    rows = connection.execute(
        "SELECT table_name, column_name FROM duckdb_columns() WHERE database_name = 'lake' AND schema_name = 'bronze'"
    ).fetchall()
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    current = {table.removesuffix("_current") for table in found if table.endswith("_current")}
    return {
        table: found[f"{table}_current"]
        for table in sorted(current)
        if not having or having in found[f"{table}_current"]
    }


def _widen(connection: duckdb.DuckDBPyConnection, view: str, columns: Mapping[str, str]) -> None:
    """The same view with NULL columns besides."""
    inner = quote_identifier(f"_{view}_as_published")
    nulls = ", ".join(f"CAST(NULL AS {kind}) AS {quote_identifier(name)}" for name, kind in columns.items())
    connection.execute(f"ALTER VIEW bronze.{quote_identifier(view)} RENAME TO {inner}")
    connection.execute(f"CREATE VIEW bronze.{quote_identifier(view)} AS SELECT *, {nulls} FROM bronze.{inner}")


def _without_known(section: Section, known: Mapping[str, Any]) -> Section:
    """A section without the proposals that the user's file of parameters follows already."""
    kept = tuple(
        proposal
        for proposal in section.proposals
        if proposal.target != PARAMETERS or not yaml.safe_load(proposal.line).items() <= known.items()
    )
    return Section(section.name, section.title, section.note, section.columns, section.rows, kept)
