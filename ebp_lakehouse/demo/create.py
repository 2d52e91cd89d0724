"""The demo company in an empty database: schema, rows of all populated tables, statistics.

Lives here: the order of the stages and their summary. Does not live here: any row (company/, fillers.py) or DDL
(schema.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import polars as pl
import psycopg

from ebp_lakehouse.demo import variants
from ebp_lakehouse.demo.company.options import USUAL, CompanyOptions
from ebp_lakehouse.demo.company.truth import GroundTruth
from ebp_lakehouse.demo.fillers import Fillers
from ebp_lakehouse.demo.load import LoadedTable, load
from ebp_lakehouse.demo.schema import create_schema, recreate_database
from ebp_lakehouse.demo.session import DemoHome, DemoState
from ebp_lakehouse.errors import DemoError

SMALLEST, LARGEST = 0.01, 10

# Called with the stage's name and the share of that stage that is done, 0 to 1; from any thread.
Progress = Callable[[str, float], None]


@dataclass(frozen=True)
class CompanySummary:
    """What was created: rows per table (populated tables only) and seconds per stage, in order."""

    rows: dict[str, int]
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def total_rows(self) -> int:
        """Rows of all tables together."""
        return sum(self.rows.values())

    @property
    def total_seconds(self) -> float:
        """Seconds of all stages together."""
        return sum(self.seconds.values())


def company_frames(
    scale: float, seed: int, as_of: date, options: CompanyOptions = USUAL, truth: GroundTruth | None = None
) -> dict[str, pl.DataFrame]:
    """The coherent tables, by table name; what was planted in them is reported to ``truth``."""
    from ebp_lakehouse.demo.company.generator import generate  # noqa: PLC0415 - only a creation needs it

    frames = generate(scale, seed, as_of, options, GroundTruth() if truth is None else truth)
    without = variants.emptied(options)
    return {name: variants.cut(frame, options) for name, frame in frames.items() if name not in without}


def all_frames(
    scale: float, seed: int, as_of: date, options: CompanyOptions = USUAL, truth: GroundTruth | None = None
) -> tuple[dict[str, int], Iterator[tuple[str, pl.DataFrame]]]:
    """Planned rows per table, and the frames of all populated tables, largest first.

    The same scale, seed and as_of give the same rows. Frames are made when asked for and not kept.
    """
    company = company_frames(scale, seed, as_of, options, truth)
    fillers = Fillers(scale, seed, as_of, company)
    without, tables = variants.emptied(options), variants.tables(options)
    rows = fillers.rows | {name: frame.height for name, frame in company.items()}
    planned = {name: count for name, count in rows.items() if name not in without}

    def frames() -> Iterator[tuple[str, pl.DataFrame]]:
        # The largest first, so that the two loading connections end together.
        for name in sorted(planned, key=lambda name: (-planned[name] * len(tables[name].columns), name)):
            frame = fillers.enriched(name, company.pop(name)) if name in company else fillers.frame(name)
            yield name, variants.cut(frame, options)

    return planned, frames()


def create_company(
    dsn: str,
    scale: float,
    seed: int,
    as_of: date,
    progress: Progress | None = None,
    options: CompanyOptions = USUAL,
    truth_file: Path | None = None,
) -> CompanySummary:
    """Create the 319 tables and fill the populated ones.

    `scale` 1.0 is the reference installation's size (670 000 rows); `as_of` is the company's last day of business. What
    is really true of the company (planted cases, true parameters, dirt) is written to `truth_file`, never to the
    database. An existing EBP database is refused (`DemoError`), and so is a scale out of bounds.
    """
    if not SMALLEST <= scale <= LARGEST:
        raise DemoError(
            f"The demo's scale is {scale:g}: give a number from {SMALLEST:g} to {LARGEST:g} (1 = 670 000 rows). "
            "A smaller company has no room for one of each planted case."
        )
    report = progress or (lambda _stage, _done: None)
    seconds: dict[str, float] = {}

    started = time.perf_counter()
    report("schema", 0.0)
    tables = variants.tables(options)
    create_schema(dsn, tables)
    report("schema", 1.0)
    seconds["schema"] = time.perf_counter() - started

    started = time.perf_counter()
    report("company", 0.0)
    truth = GroundTruth()
    planned, frames = all_frames(scale, seed, as_of, options, truth)
    if truth_file is not None:
        what = {"scale": scale, "seed": seed, "as_of": as_of.isoformat(), "options": options.changed()}
        truth.write(truth_file, what)
    report("company", 1.0)
    seconds["company"] = time.perf_counter() - started

    started = time.perf_counter()
    cells = {name: rows * len(tables[name].columns) for name, rows in planned.items()}
    total, done, lock = max(1, sum(cells.values())), 0, threading.Lock()

    def loaded(table: LoadedTable) -> None:
        nonlocal done
        with lock:
            done += cells[table.name]
            report("rows", min(1.0, done / total))

    rows = {table.name: table.rows for table in load(dsn, frames, loaded, tables) if table.rows}
    seconds["rows"] = time.perf_counter() - started

    started = time.perf_counter()
    report("statistics", 0.0)
    with psycopg.connect(dsn, autocommit=True) as connection:
        # 3 000 rows a table tell the planner enough; the default's 30 000 took four times as long as the loading.
        connection.execute("SET default_statistics_target = 10")
        connection.execute("ANALYZE")
    report("statistics", 1.0)
    seconds["statistics"] = time.perf_counter() - started
    return CompanySummary(dict(sorted(rows.items())), seconds)


def create_in(
    home: DemoHome, state: DemoState, dsn: str, progress: Progress | None = None, options: CompanyOptions = USUAL
) -> CompanySummary:
    """The company of ``state`` in the home's database, emptied of what an interrupted creation left; then remembered.

    Raises `DemoError` when another process creates a company in this home, or just did.
    """
    with home.creating():
        recreate_database(dsn)
        company = create_company(dsn, state.scale, state.seed, state.day, progress, options, home.truth)
        home.remember(state)
    return company
