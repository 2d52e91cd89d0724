"""What can notice a mutant: the mini company's stated rows, the second computation, and the table's unit tests.

Not here: which mutants there are. Silver and the right gold are made once; a mutant then costs the one table.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from ebp_lakehouse.gold.audit import findings
from ebp_lakehouse.gold.compute import Day, rows_of
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.mini_company.expected import TABLES as STATED
from ebp_lakehouse_tests.mini_company.expected import Expected, actual_rows, differences
from ebp_lakehouse_tests.mini_company.rows import AS_OF
from ebp_lakehouse_tests.truth.companies import COMPANIES, Prepared, gold_of, prepare
from ebp_lakehouse_tests.truth.figures import FIGURES
from ebp_lakehouse_tests.unit.silver.mock_bronze import declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import run_silver

GOLD: dict[str, GoldTable] = {table.name: table for table in GOLD_TABLES}
MINI, TRUTH, UNIT = "mini company", "second computation", "unit tests"
UNIT_TESTS = Path(__file__).parents[1] / "unit" / "gold"


@contextlib.contextmanager
def queries(changed: Mapping[str, str]) -> Iterator[None]:
    """While it lasts, the queries of these tables are the given ones."""
    original = {name: table.sql for name, table in GOLD.items() if table.computation is None}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GoldTable, "sql", property(lambda table: changed.get(table.name, original.get(table.name))))
        yield


@dataclass(frozen=True)
class Place:
    """One company on one day, with all of gold computed by the right queries, and what it must be held against."""

    name: str
    day: Day
    truths: Mapping[str, pl.DataFrame]
    stated: Mapping[str, Expected]

    def noticed(self, table: GoldTable) -> str:
        """What is wrong with the table as its query stands now; what it uses stays as it was computed first.

        Undone at the end: what a mutant computes must not be read by the tables whose turn comes later.
        """
        connection = self.day.connection
        connection.begin()
        try:
            _, rows = rows_of(connection, table, self.day.values)
            connection.register("mutated", rows.to_arrow())
            connection.execute(f"CREATE OR REPLACE TABLE computed.{table.name} AS FROM mutated")
            wrong = findings(connection, table, rows, self.day.values)
            if wrong:
                return f"{self.name}: {wrong}"
            found = self._stated(table.name) + self._figures(table.name, rows)
            return f"{self.name}: {found[0]}" if found else ""
        except (duckdb.Error, pa.ArrowInvalid) as error:
            return str(error)
        finally:
            connection.rollback()

    def _stated(self, table: str) -> list[str]:
        expected = self.stated.get(f"gold.{table}")
        return differences(expected, actual_rows(self.day.connection, expected, "mutated")) if expected else []

    def _figures(self, table: str, frame: pl.DataFrame) -> list[str]:
        figures = [figure for figure in FIGURES if figure.table == table and figure.name in self.truths]
        return [
            f"{figure.name}: {found}"
            for figure in figures
            for found in figure.differences(self.truths[figure.name], frame, self.day.connection)
        ]


@dataclass(frozen=True)
class Detectors:
    """All that can notice a mutant; made once, by the right queries."""

    mini: Place
    companies: tuple[Place, ...]

    def noticed(self, table: str) -> tuple[str, str]:
        """Who first notices what is wrong with the table as its query stands, and what it says; empty when nobody does."""
        said = self.mini.noticed(GOLD[table])
        if said:
            return MINI, said
        for place in self.companies:
            said = place.noticed(GOLD[table])
            if said:
                return TRUTH, said
        said = _unit(table)
        return (UNIT, said) if said else ("", "")


@contextlib.contextmanager
def detectors(folder: Path) -> Iterator[Detectors]:
    """Silver of the mini company and of the random ones in ``folder``, gold of each day. Raises where silver fails."""
    rows = catalog_rows(declared_tables())
    (folder / "mini").mkdir(parents=True)
    mini = run_silver(folder / "mini" / "run", write_catalog(folder / "mini" / "catalog.duckdb", rows)).database
    prepared = []
    for number, company in enumerate(COMPANIES):
        (folder / str(number)).mkdir()
        prepared.append(prepare(company, folder / str(number)))
    with places(mini, prepared) as found:
        yield found


@contextlib.contextmanager
def places(mini: Path, prepared: Sequence[Prepared]) -> Iterator[Detectors]:
    """The detectors on databases that silver has written already."""
    with contextlib.ExitStack() as stack:
        first = _place(MINI, stack.enter_context(gold_of(mini, date.fromisoformat(AS_OF))), {}, STATED)
        companies = [
            _place(
                f"{one.company.name} on {as_of}",
                stack.enter_context(one.day(as_of)),
                {figure.name: figure.truth(one.bronze, one.moment(as_of)) for figure in FIGURES},
                {},
            )
            for one in prepared
            for as_of in one.company.days
        ]
        yield Detectors(first, tuple(companies))


def _place(name: str, day: Day, truths: Mapping[str, pl.DataFrame], stated: Mapping[str, Expected]) -> Place:
    for table in GOLD_TABLES:
        day.table(table)
    return Place(name, day, truths, stated)


def _unit(table: str) -> str:
    """The unit tests that import the table, in this process."""
    about = re.compile(rf"^from ebp_lakehouse\.gold\.\w+\.{table} import", re.MULTILINE)
    files = [
        str(file) for file in sorted(UNIT_TESTS.glob("test_*.py")) if about.search(file.read_text(encoding="utf-8"))
    ]
    if not files:
        return ""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main(["-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", *files])
    if code == pytest.ExitCode.OK:
        return ""
    failed = [line for line in output.getvalue().splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else f"pytest ended with {code}"
