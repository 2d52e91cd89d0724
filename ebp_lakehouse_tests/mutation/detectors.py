"""What can notice a mutant: the mini company's stated rows, the second computation, and the table's unit tests.

Not here: which mutants there are. Silver is built once; a mutant then costs the one table.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl
import pytest

from ebp_lakehouse.gold.compute import Day
from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.mini_company.expected import TABLES as STATED
from ebp_lakehouse_tests.mini_company.expected import actual_rows, differences
from ebp_lakehouse_tests.mini_company.rows import AS_OF
from ebp_lakehouse_tests.truth.companies import COMPANIES, Prepared, prepare
from ebp_lakehouse_tests.truth.figures import FIGURES, Figure
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import run_silver

GOLD: dict[str, GoldTable] = {table.name: table for table in GOLD_TABLES}
UNIT_TESTS = Path(__file__).parents[1] / "unit" / "gold"


@contextlib.contextmanager
def queries(changed: Mapping[str, str]) -> Iterator[None]:
    """While it lasts, the queries of these tables are the given ones."""
    original = GoldTable.sql.fget
    assert original is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(GoldTable, "sql", property(lambda table: changed.get(table.name) or original(table)))
        yield


@dataclass(frozen=True)
class Detectors:
    """The companies, through silver, and what the second computation says of each: computed once for all mutants."""

    mini: Path
    prepared: tuple[Prepared, ...]
    truths: dict[tuple[str, date, str], pl.DataFrame]

    @classmethod
    def build(cls, folder: Path) -> Detectors:
        """Silver of the mini company and of the random ones, in ``folder``. Raises where silver fails."""
        rows = catalog_rows(declared_tables())
        (folder / "mini").mkdir(parents=True)
        mini = run_silver(folder / "mini" / "run", write_catalog(folder / "mini" / "catalog.duckdb", rows)).database
        prepared = []
        for number, company in enumerate(COMPANIES):
            (folder / str(number)).mkdir()
            prepared.append(prepare(company, folder / str(number)))
        truths = {
            (one.company.name, as_of, figure.name): figure.truth(one.bronze, one.moment(as_of))
            for one in prepared
            for as_of in one.company.days
            for figure in FIGURES
        }
        return cls(mini, tuple(prepared), truths)

    def noticed(self, table: str) -> tuple[str, str]:
        """Who first notices what is wrong with the table as its query stands, and what it says; empty when nobody does."""
        for name, detect in (("mini company", self._mini), ("second computation", self._truth), ("unit tests", _unit)):
            said = detect(table)
            if said:
                return name, said
        return "", ""

    def _mini(self, table: str) -> str:
        with duckdb.connect() as connection:
            connection.execute(f"ATTACH '{self.mini}' AS mini (READ_ONLY); USE mini")
            values = {**parameters(DBT_PROJECT, None).values, "as_of": date.fromisoformat(AS_OF)}
            frame, findings = Day(connection, values).table(GOLD[table])
            if frame is None or findings:
                return str(findings)
            stated = STATED.get(f"gold.{table}")
            if stated is None:
                return ""
            connection.register("mutated", frame.to_arrow())
            return "; ".join(differences(stated, actual_rows(connection, stated, "mutated"))[:1])

    def _truth(self, table: str) -> str:
        figures = [figure for figure in FIGURES if figure.table == table]
        for one in self.prepared:
            for as_of in one.company.days:
                with one.day(as_of) as day:
                    said = self._day(one, as_of, day, table, figures)
                    if said:
                        return f"{one.company.name} {as_of}: {said}"
        return ""

    def _day(self, one: Prepared, as_of: date, day: Day, table: str, figures: list[Figure]) -> str:
        frame, findings = day.table(GOLD[table])
        if frame is None or findings:
            return str(findings)
        for figure in figures:
            found = figure.differences(self.truths[one.company.name, as_of, figure.name], frame, day.connection)
            if found:
                return f"{figure.name}: {found[0]}"
        return ""


def _unit(table: str) -> str:
    """The table's own unit tests, in this process."""
    file = UNIT_TESTS / f"test_{table}.py"
    if not file.is_file():
        return ""
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
        code = pytest.main(["-q", "-x", "--no-header", "-p", "no:cacheprovider", "-p", "no:xdist", str(file)])
    if code == pytest.ExitCode.OK:
        return ""
    failed = [line for line in output.getvalue().splitlines() if line.startswith(("FAILED", "ERROR"))]
    return failed[0] if failed else f"pytest ended with {code}"
