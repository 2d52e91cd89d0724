"""Build, audit, publish: silver's tables from the pinned bronze, each judged on its own.

Not here: building (build.py), the difference and its commit (publish.py), Dagster (assets.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from time import perf_counter
from typing import Any

import duckdb
import polars as pl

from ebp_lakehouse.bronze.shapes import kept
from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.publication import Record
from ebp_lakehouse.lake.scratch import scratch_folder
from ebp_lakehouse.lake.session import quote_identifier, small_buffer
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import Build, build
from ebp_lakehouse.silver.contract import INGESTION_DATE, TableContract
from ebp_lakehouse.silver.origins import ColumnOrigins, column_origins
from ebp_lakehouse.silver.publish import Difference, stage
from ebp_lakehouse.silver.verdicts import Verdict, verdict
from ebp_lakehouse.validation import problems_of

PREVIEW_ROWS = 5
SHAPES_AT_ONCE = 8  # small objects: the store's answers take the time


@dataclass
class SilverOutcome:
    """What became of one table.

    Attributes:
        error: dbt's own text when the model could not be built; nothing else is then known.
        problems: rules of the contract that the built rows break.
        tests: unique id of every dbt test that ran → its verdict.
        difference: what was written; None when nothing could be.
        shown: the intermediate models that are shown with the table.
    """

    table: TableContract
    error: str | None = None
    problems: list[str] = field(default_factory=list)
    tests: dict[str, Verdict] = field(default_factory=dict)
    difference: Difference | None = None
    preview: pl.DataFrame | None = None
    shown: dict[str, pl.DataFrame] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def healthy(self) -> bool:
        return self.error is None and not self.problems and not any(verdict.blocks for verdict in self.tests.values())


@dataclass
class SilverResult:
    """Outcomes by table, the record that readers now see, and where the columns of the tables that were built come from."""

    record: Record
    outcomes: dict[str, SilverOutcome]
    origins: ColumnOrigins = field(default_factory=dict)


def run_silver(
    settings: Settings, tables: Sequence[TableContract], ingestion_date: date, *, run_id: str = ""
) -> SilverResult:
    """Bring ``tables`` to the state that the pinned bronze gives, and publish the healthy ones in one record.

    Args:
        settings: where the lake and the dbt project are.
        tables: what was selected, in order of dependency; unselected ancestors are built but not published.
        ingestion_date: stamped on the rows that change.
        run_id: named in the publication record.

    Raises:
        BuildError, LakeError, ConflictError: nothing of this run is visible.
    """
    lake = Lake.open(settings)
    record = publication.latest(lake)
    outcomes = {table.name: SilverOutcome(table) for table in tables}
    gone = _columns_gone(lake, record, tables)
    for outcome in outcomes.values():
        outcome.error = _unready(record, outcome.table, gone)
    ready = [outcome for outcome in outcomes.values() if outcome.error is None]
    if not ready:
        return SilverResult(record, outcomes)
    personal = {test: {c.name for c in table.columns if c.personal} for table in tables for test in table.tests}
    with scratch_folder("silver") as scratch:
        built = build(settings, record, [outcome.table for outcome in ready], scratch)
        with built.connect(settings) as connection:
            for outcome in ready:
                started = perf_counter()
                _judge(built, connection, outcome, personal)
                if outcome.error is None:
                    frame = _frame(connection, "silver", outcome.table.name)
                    outcome.problems = problems_of(outcome.table.pandera_schema(), frame)
                    renewed = {other.table.name for other in ready if other.difference is not None}
                    outcome.problems += _dangling(connection, record, outcome.table, renewed)
                    outcome.shown = {
                        name: _frame(connection, "intermediate", name).sort(pl.first()) for name in outcome.table.shown
                    }
                    del frame
                    outcome.preview = _preview(connection, outcome.table)
                if outcome.healthy:
                    outcome.difference = stage(connection, lake, record, outcome.table, ingestion_date)
                model = built.results.get(outcome.table.unique_id)
                outcome.seconds = perf_counter() - started + (model.seconds if model else 0.0)
    moves = {key: move for o in ready if o.difference for key, move in o.difference.moves.items()}
    record = catalog.publish(settings, moves, run_id)
    return SilverResult(record, outcomes, column_origins(built.compiled, [table.name for table in tables]))


def check_names(table: TableContract, manifest: Mapping[str, Any]) -> dict[str, str]:
    """Unique id of each dbt test of ``table`` → a short name, unique within the table and stable between parses."""
    names: dict[str, str] = {}
    for unique_id in table.tests:
        node = manifest["nodes"][unique_id]
        metadata = node.get("test_metadata") or {}
        words = [metadata["name"], node.get("column_name") or ""] if metadata else [node["name"]]
        base = "_".join(word for word in words if word).removesuffix(f"_{table.name}")
        base = "".join(c if c.isalnum() or c == "_" else "_" for c in base)[:60]
        base = "contract_sql" if base == "contract" else base
        name, number = base, 2
        while name in names.values():
            name, number = f"{base}_{number}", number + 1
        names[unique_id] = name
    return names


def _columns_gone(lake: Lake, record: Record, tables: Sequence[TableContract]) -> dict[str, list[str]]:
    """Bronze table → columns that silver needs and the source no longer has.

    Bronze keeps a column that was dropped, empty from then on: with it, models would compute other figures without a word.
    """
    required = {name: columns for table in tables for name, columns in table.required.items()}
    pins = ((name, record.pins.get(f"bronze/{name}")) for name in required)
    fingerprints = {name: pin.position["columns"] for name, pin in pins if pin and "columns" in pin.position}
    with ThreadPoolExecutor(SHAPES_AT_ONCE) as pool:
        shapes = dict(zip(fingerprints, pool.map(lambda f: kept(lake, f), fingerprints.values()), strict=True))
    found = {}
    for name, shape in shapes.items():
        present = {column.name for column in shape.columns} if shape else set(required[name])
        if gone := [column for column in required[name] if column not in present]:
            found[name] = gone
    return found


def _unready(record: Record, table: TableContract, gone: Mapping[str, Sequence[str]]) -> str | None:
    """Why the table cannot be built from what bronze has published; None when it can."""
    missing = [name for name in table.bronze if f"bronze/{name}" not in record.pins]
    if missing:
        return (
            f"{table.name} needs bronze tables that are not published yet: {', '.join(missing)}. "
            "Materialise them first (their checks say why they are not)."
        )
    partial = [name for name in table.bronze if record.pins[f"bronze/{name}"].position["horizon"] is None]
    if partial:
        return (
            f"{table.name} needs {partial[0]}{f' and {len(partial) - 1} more bronze tables' * (len(partial) > 1)}, of "
            "which only past days were read: load today's partition first: ebp-lakehouse materialize"
        )
    lost = [f'"{column}" of bronze/{name}' for name in table.required for column in gone.get(name, ())]
    if lost:
        return (
            f"{table.name} needs {', '.join(lost)}, which EBP no longer has. What is published stays. Check that the copy of "
            "EBP is complete, or declare the column optional in dbt_silver/models/sources/."
        )
    return None


def _judge(
    built: Build,
    connection: duckdb.DuckDBPyConnection,
    outcome: SilverOutcome,
    personal: Mapping[str, Collection[str]],
) -> None:
    """Dbt's word on one table; ``personal`` holds, for each test of the run's tables, the columns not to show."""
    model = built.results.get(outcome.table.unique_id)
    if model is None or not model.healthy:
        reasons = "; ".join(f"{r.name}: {verdict(connection, r, personal.get(r.unique_id)).text}" for r in built.failed)
        own = model.message if model is not None and model.status == "error" else ""
        outcome.error = own or f"not built, because of: {reasons}"
        return
    for unique_id in outcome.table.tests:
        result = built.results.get(unique_id)
        if result is not None and result.status != "skipped":
            outcome.tests[unique_id] = verdict(connection, result, personal[unique_id])


def _dangling(
    connection: duckdb.DuckDBPyConnection, record: Record, table: TableContract, renewed: Collection[str]
) -> list[str]:
    """References to rows that readers would not find: of tables that this run built, or not even that, and does not publish.

    Tables in ``renewed`` are published with this one, and dbt has tested the references to them.
    """
    problems = []
    for column, (referred, field_) in table.references.items():
        if referred in renewed:
            continue
        what = f"{column} refers to silver/{referred}, which is not published"
        if f"silver/{referred}" in record.pins:
            row = connection.execute(
                f"""SELECT count(DISTINCT f.{quote_identifier(column)}) FROM silver.{quote_identifier(table.name)} AS f
                ANTI JOIN lake.silver.{quote_identifier(referred)} AS r
                    ON f.{quote_identifier(column)} = r.{quote_identifier(field_)}
                WHERE f.{quote_identifier(column)} IS NOT NULL"""
            ).fetchone()
            if row is None or row[0] == 0:
                continue
            what = f"{row[0]} values of {column} are not in the published silver/{referred}"
        problems.append(
            f'{what}. Select it too: +key:"silver/{table.name}" (when it was: its own checks say what is wrong)'
        )
    return problems


def _preview(connection: duckdb.DuckDBPyConnection, table: TableContract) -> pl.DataFrame:
    """The first rows, read again: a slice of the whole frame would keep all of it in memory until the run ends."""
    columns = ", ".join(quote_identifier(column.name) for column in table.public_columns())
    return connection.execute(f"SELECT {columns} FROM silver.{quote_identifier(table.name)} LIMIT {PREVIEW_ROWS}").pl()


def _frame(connection: duckdb.DuckDBPyConnection, schema: str, name: str) -> pl.DataFrame:
    relation = f"{schema}.{quote_identifier(name)}"
    names = [row[0] for row in connection.execute(f"DESCRIBE {relation}").fetchall() if row[0] != INGESTION_DATE]
    columns = ", ".join(map(quote_identifier, names))
    with small_buffer(connection) as scan:  # no second copy of the rows
        return pl.DataFrame(pl.from_arrow(scan.execute(f"SELECT {columns} FROM {relation}").to_arrow_table()))
