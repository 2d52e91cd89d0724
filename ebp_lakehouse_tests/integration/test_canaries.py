"""Personal values planted in every table of the source appear in no byte of the lake's shared prefixes.

Every column that the registry calls direct (names, addresses, e-mails, telephones, GPS), every free text and the SIREN of
individuals get a value of their own, in a form that cleaning accepts on one row and refuses on the next. Then everything
outside `private/` and `bronze/` is searched: raw bytes (Delta logs, records, catalogs) and decoded Parquet, whatever the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import duckdb
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.runs import instance_at, materialize
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.reference_schema import ReferenceColumn, reference
from ebp_lakehouse.source.registry import Registry, TableSpec
from ebp_lakehouse_tests.mini_company.company import load_mini_company, source_tables

pytestmark = pytest.mark.timeout(900)  # an ingestion and a build: minutes where the machine is shared

FREE_TEXT = re.compile(r"(Notes|Description|Comment|Commentary|Report)(Clear)?$")
PLACES_OF_THE_COMPANY = {"Storehouse"}  # a depot is nobody's home
SIREN, WRONG_SIREN = "987000007", "987654398"  # by Luhn's check digit
PRIVATE, HISTORY = "private/", "bronze/"


@dataclass(frozen=True)
class Canary:
    """What is planted in one column: in a form that cleaning accepts, in one that it refuses, and how it is found again."""

    accepted: str
    refused: str
    traces: tuple[str, ...]


def canary(column: ReferenceColumn, number: int) -> Canary | None:
    """A value of its own for a column; None where the column cannot hold one."""
    token = f"zq{number:04d}x"
    if column.type in ("numeric", "double precision"):
        degrees = f"47.1{number:04d}7"
        return Canary(degrees, degrees, (degrees,)) if column.name.endswith(("Latitude", "Longitude")) else None
    if column.width is None and column.type != "text":
        return None
    width = column.width or 1000
    if re.search(r"(Phone|Fax)$", column.name) and width >= len("0699000000"):
        digits = f"6990{number:05d}"
        return Canary(f"0{digits}", token[:width], (digits, token))
    if re.search(r"Mail$", column.name, re.IGNORECASE) and width >= len(f"{token}@canari.fr"):
        return Canary(f"{token}@canari.fr", f"{token} canari.fr"[:width], (token,))
    return Canary(token.upper(), token.upper(), (token,)) if width >= len(token) else None


def luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def planted(spec: TableSpec) -> Iterator[ReferenceColumn]:
    """The columns of a table that hold personal values."""
    for column in reference()[spec.name].columns:
        personal = spec.personal_class(column.name)
        direct = personal == "direct" and spec.name not in PLACES_OF_THE_COMPANY
        if (
            (direct or FREE_TEXT.search(column.name))
            and column.name not in spec.key
            and not spec.is_secret(column.name)
        ):
            yield column


def plant(url: str) -> dict[str, str]:
    """Plant in every table that has rows; trace → table and column."""
    traces: dict[str, str] = {}
    tables = {spec.name: spec for spec in Registry.load() if spec.name in source_tables()}
    with psycopg.connect(url) as connection:
        for name, spec in tables.items():
            values: dict[str, Canary] = {}
            for column in planted(spec):
                value = canary(column, len(traces))
                if value is not None:
                    values[column.name] = value
                    traces |= dict.fromkeys(value.traces, f"{name}.{column.name}")
            if values:
                assignments = sql.SQL(", ").join(
                    sql.SQL("{} = CASE WHEN ((ctid::text::point)[1])::int % 2 = 1 THEN {} ELSE {} END").format(
                        sql.Identifier(column),
                        *(literal(name, column, text) for text in (value.accepted, value.refused)),
                    )
                    for column, value in values.items()
                )
                connection.execute(sql.SQL("UPDATE {} SET {}").format(sql.Identifier(name), assignments))
        connection.execute(
            """UPDATE "Customer" SET "NaturalPerson" = true,
                "Siren" = CASE WHEN ((ctid::text::point)[1])::int %% 2 = 1 THEN %s ELSE %s END""",
            [SIREN, WRONG_SIREN],
        )
    return traces | {SIREN: "Customer.Siren", WRONG_SIREN: "Customer.Siren (wrong)"}


def literal(table: str, column: str, text: str) -> sql.Composable:
    kind = next(c.type for c in reference()[table].columns if c.name == column)
    return sql.SQL(text) if kind in ("numeric", "double precision") else sql.Literal(text)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Planted:
    """A lake made from the planted source, and what to look for in it."""

    lake: Lake
    folder: Path
    traces: dict[str, str]

    def found(self, path: str) -> set[str]:
        """The planted columns whose value is in an object: in its bytes as they are, and decoded where it is Parquet."""
        pattern = "|".join(map(re.escape, self.traces))
        text = (self.lake.read(path) or b"").lower().decode("latin-1")
        hits = set(re.findall(pattern, text))
        if path.endswith(".parquet"):
            decoded = duckdb.execute(
                "SELECT DISTINCT unnest(regexp_extract_all(lower(CAST(to_json(t) AS VARCHAR)), $1)) FROM read_parquet($2) AS t",
                [pattern, str(self.folder / path)],
            ).fetchall()
            hits |= {hit for (hit,) in decoded}
        return {self.traces[hit] for hit in hits}


@pytest.fixture(scope="module")
def made(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Planted:
    name = f"canary_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    url = postgres.url_of(name)
    load_mini_company(url)
    traces = plant(url)
    home = tmp_path_factory.mktemp("canary")
    settings = Settings(source_url=SecretStr(url), lake_url=str(home / "lake"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        summary = materialize(settings, instance_at(home / "dagster"), "*")
    assert summary.ok, (summary.failed_checks, summary.error)
    return Planted(Lake.open(settings), home / "lake", traces)


def test_what_is_planted_can_be_found(made: Planted) -> None:
    """The search works: bronze holds what was planted in every table, the private prefix what cleaning accepted."""
    assert luhn(SIREN)
    assert not luhn(WRONG_SIREN)
    paths = [found.path for found in made.lake.listing("")]
    bronze = set().union(*(made.found(path) for path in paths if path.startswith(HISTORY)))
    assert set(made.traces.values()) - bronze == set()
    private = set().union(*(made.found(path) for path in paths if path.startswith(f"{PRIVATE}silver/")))
    assert {
        "Customer.Name", "Customer.MainInvoicingContact_Email", "Customer.MainInvoicingContact_Phone", "Customer.Siren",
        "Customer.MainInvoicingAddress_Address1", "Customer.MainDeliveryAddress_Latitude", "Colleague.Contact_Name",
        "Supplier.Name", "ScheduleEvent.Maintenance_InterventionReportClear", "Activity.NotesClear",
    } <= private  # fmt: skip


def test_no_personal_value_is_in_a_shared_byte(made: Planted) -> None:
    shared = [f.path for f in made.lake.listing("") if not f.path.startswith((PRIVATE, HISTORY))]
    assert {path.split("/")[0] for path in shared} >= {"silver", "gold", "catalog", "catalog.duckdb", "_publications"}
    leaks = {path: sorted(found) for path in shared if (found := made.found(path))}
    assert leaks == {}
