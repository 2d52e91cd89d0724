"""Random companies for the second computation, each brought through silver once. Not here: what is compared on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import polars as pl

from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.gold.compute import Day
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.source.registry import Registry
from ebp_lakehouse_tests.truth.bronze import read_bronze
from ebp_lakehouse_tests.truth.figures import Moment
from ebp_lakehouse_tests.truth.promises import files, no_files, promised
from ebp_lakehouse_tests.truth.variety import (
    Frames,
    mistyped,
    revised_quotes,
    scattered_visits,
    supply_terms,
    unchanged,
)
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, FIRST_LOAD, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import run_silver

GENERATED_ON = date(2026, 3, 1)
CAPTURED_ON = date.fromisoformat(FIRST_LOAD[:10])


@dataclass(frozen=True)
class Company:
    """A company to generate, and the days on which its figures are compared.

    Attributes:
        varied: changes the generated tables.
        files: makes the user's files, from the tables.
    """

    name: str
    scale: float
    seed: int
    options: CompanyOptions
    days: tuple[date, ...]
    varied: Callable[[Frames], Frames] = unchanged
    files: Callable[[Frames], Frames] = no_files


COMPANIES = (
    Company(
        "with incidents", 0.012, 101, CompanyOptions(with_incidents=True),
        (date(2025, 9, 15), GENERATED_ON), scattered_visits,
    ),
    Company(
        "credit notes stored positive, components typed as items", 0.015, 202,
        CompanyOptions(credit_note_sign="positive", component_type=2, with_incidents=True),
        # The first lies between two revisions of a quote, on the last but one some deliveries are half there.
        (date(2018, 4, 20), date(2025, 2, 28), date(2025, 11, 30), CAPTURED_ON),
        promised, files,
    ),
    Company(
        "one storehouse, fiscal year from July", 0.01, 303, CompanyOptions(storehouses=1, fiscal_year_start=7),
        (date(2024, 2, 15), date(2025, 7, 1), CAPTURED_ON), mistyped,  # of the first day the stock is not kept
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """A company in files: ``silver`` is the database that dbt wrote, ``bronze`` EBP's rows and the user's files."""

    company: Company
    silver: Path
    bronze: dict[str, pl.DataFrame]
    known_on: date

    def moment(self, as_of: date) -> Moment:
        return Moment(as_of, self.known_on, CAPTURED_ON)

    def day(self, as_of: date) -> AbstractContextManager[Day]:
        """Gold of a day on this company's silver."""
        return gold_of(self.silver, as_of)


@contextmanager
def gold_of(silver: Path, as_of: date) -> Iterator[Day]:
    """Gold of a day on a database that silver has written."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{silver}' AS company (READ_ONLY); USE company")
        yield Day(connection, {**parameters(DBT_PROJECT, None).values, "as_of": as_of})


def prepare(company: Company, folder: Path) -> Prepared:
    """Generate the company, write it as bronze, run silver on it. Raises ``AssertionError`` where a model or test fails."""
    frames = supply_terms(
        revised_quotes(company.varied(generate(company.scale, company.seed, GENERATED_ON, company.options)))
    )
    tables = {spec.asset: frames[spec.name] for spec in Registry.load() if spec.name in frames}
    catalog = write_catalog(folder / "catalog.duckdb", frames=tables)
    (folder / "files").mkdir()
    for name, file in company.files(frames).items():
        file.write_csv(folder / "files" / name)
    run = run_silver(folder / "run", catalog, user_files=folder / "files")
    assert run.failures() == {}, run.failures()
    ((known_on,),) = run.query("select as_of from intermediate.int_as_of")
    return Prepared(company, run.database, {**read_bronze(catalog), **company.files(frames)}, known_on)
