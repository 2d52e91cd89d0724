"""The profile of the mini company against figures worked out by hand, of variants of it, and what becomes of a pasted line."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from rich.console import Console
from typer.testing import CliRunner

from ebp_lakehouse.cli import app
from ebp_lakehouse.demo.company.generator import generate
from ebp_lakehouse.demo.company.options import CompanyOptions
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.profile_report import show
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import build_models
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse.silver.profile import PARAMETERS, SELECTORS, Section, fill, measure, needed_columns
from ebp_lakehouse.source.registry import Registry
from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.mini_company.rows import AS_OF, Row
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, declared_tables, write_catalog


@dataclass(frozen=True)
class Profiled:
    """The sections by name, and the tests of silver that failed on the way."""

    settings: Settings
    sections: dict[str, Section]
    failures: dict[str, str]

    def rows(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        section = self.sections[name]
        at = [section.columns.index(column) for column in columns] if columns else range(len(section.columns))
        return [tuple(row[i] for i in at) for row in section.rows]

    def lines(self, name: str) -> list[str]:
        return [proposal.line for proposal in self.sections[name].proposals]


def profiled(catalog: Path, project: Path = DBT_PROJECT, **environment: str) -> Profiled:
    """What ``profile()`` does, on a catalog file; the tests of silver are run as well."""
    folder = catalog.parent
    given = {"EBP_LAKE_URL": str(folder / "lake"), "EBP_DBT_PROJECT_DIR": str(project), **environment}
    settings = Settings.from_environment(given)
    manifest = load_manifest(project)
    with duckdb.connect(str(catalog)) as connection:
        missing = fill(connection, needed_columns(manifest))
    built = build_models(settings, catalog, SELECTORS, folder)
    failures = {r.name: r.message for r in built.results.values() if r.failed}
    with built.connect(settings) as connection:
        sections = {section.name: section for section in (missing, *measure(connection, manifest))}
    return Profiled(settings, sections, failures)


def mini(path: Path, **tables: Sequence[Row]) -> Path:
    """The mini company with more rows."""
    rows = catalog_rows(declared_tables())
    return write_catalog(path, {**rows, **{table: [*rows.get(table, []), *more] for table, more in tables.items()}})


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Profiled:
    return profiled(mini(tmp_path_factory.mktemp("profile") / "catalog.duckdb"))


def test_kinds_of_documents(company: Profiled) -> None:
    """Code 2: 14 invoices of the document, the held ticket (999) and the model (77); the largest is FA260004, 950 + 150 + 10."""
    assert company.failures == {}
    found = {(side, code): rest for side, code, *rest in company.rows("document_kinds")}
    assert found["sale", 2] == ["Invoice", "high", 16, "FA", Decimal(2), Decimal(1110)]
    # AV260001 and AV260002 stored positive (20, 15), AV260003 negative.
    assert found["sale", 3] == ["CreditNote", "high", 3, "AV", Decimal(-10), Decimal(20)]
    assert found["sale", 42] == ["Other", "not in seed", 1, "XX", Decimal(10000), Decimal(10000)]
    assert found["purchase", 8][2] == 4
    assert company.lines("document_kinds") == ["42,Other,false,false,low,seen: 1; numbers begin with XX"]


def test_lines_against_headers(company: Profiled) -> None:
    """Sales: 42 counted lines of type 2 and the option; the bundle (50) and its two components (30 and 20) on level 1."""
    columns = ("type", "level", "lines", "counted", "documents", "reached", "reached if counted")
    lines = [row[1:] for row in company.rows("line_types", "side", *columns) if row[0] == "sale"]
    assert lines == [(2, 0, 43, 42, 31, 31, 0), (2, 1, 1, 0, 1, 1, 0), (3, 0, 1, 1, 1, 1, 0), (3, 1, 1, 0, 1, 1, 0), (9, 0, 2, 0, 1, 1, 0)]  # fmt: skip


def test_identities_hold_and_fail(company: Profiled, tmp_path: Path) -> None:
    assert {value for row in company.rows("header_identities") for value in row[3:]} == {0}
    # 101 of lines and nothing else, under a header of 100 that asks for 130 with 20 of VAT: H4 by 10, H8 by -1, H5 holds.
    header = {
        "Id": "n1", "DocumentNumber": "FA260099", "DocumentType": 2, "DocumentDate": "2026-03-02 00:00:00", "CustomerId": "C001",
        "AmountVatExcluded": 100, "AmountVatExcludedWithDiscount": 100, "AmountVatExcludedWithDiscountAndShipping": 100,
        "VatAmount": 20, "AmountVatIncluded": 130, "TotalDueAmount": 130,
    }  # fmt: skip
    line = {
        "Id": "n2",
        "DocumentId": "n1",
        "LineType": 2,
        "LineOrder": 1,
        "Quantity": 1,
        "RealNetAmountVatExcludedWithDiscount": 101,
    }
    made = profiled(mini(tmp_path / "catalog.duckdb", sale_document=[header], sale_document_line=[line]))
    failing = made.rows("header_residuals", "kind", "identity", "failing", "largest", "example", "years")
    assert sorted((identity[:2], *rest) for _, identity, *rest in failing) == [
        ("H4", 1, Decimal(10), "FA260099", "2026: 1"), ("H8", 1, Decimal(1), "FA260099", "2026: 1"),
    ]  # fmt: skip


def test_signs_and_scope_of_stock(company: Profiled) -> None:
    """A1, A2 and E1 in the depot, A1 in the van; two items have a single cost: one issue votes (docs/mini-company.md, stock)."""
    assert company.rows("stock_balance", "storehouse", "pairs", "agree", "differ") == [
        ("Camionnette", 1, 1, 0),
        ("Dépôt", 3, 3, 0),
    ]
    assert company.rows("stock_scope") == [(1, 0, "storehouse", "measured")]
    assert company.lines("stock_scope") == []  # one vote is no reason to write it down
    issues = next(row for row in company.rows("stock_movements") if row[:2] == (1, 4))
    assert issues[4:] == (13, 13, 100.0, 100.0, "as_stored", "measured")
    assert "1,4,as_stored,high,measured on 13 movements" in company.lines("stock_movements")


def test_the_field_service(company: Profiled) -> None:
    """Ten live events: five done, with their time, one of them invoiced; e09 of 2 April is ahead. All have code 0: evidence decides."""
    assert company.rows("event_states") == [(0, "not in seed", None, 10, 5, 0, 5, 1, 1)]
    assert company.lines("event_states") == []
    assert company.rows("schedule_days", "index", "people at work", "read as")[:2] == [
        (0, 0, "Sunday"),
        (1, 3, "Monday"),
    ]
    assert company.lines("schedule_days") == ["monday_index: 1"]
    assert company.rows("clock", "hour", "document dates")[0] == (0, 32)
    assert company.lines("clock") == []


def test_what_is_missing_is_named_and_empty(tmp_path: Path) -> None:
    rows = {
        name: value for name, value in catalog_rows(declared_tables()).items() if name not in ("schedule_event", "vat")
    }
    catalog = write_catalog(
        tmp_path / "catalog.duckdb", rows, without_tables=("schedule_event", "vat"), without_columns=("SettlementDate",)
    )
    made = profiled(catalog)
    missing = dict(made.rows("missing"))
    assert missing["schedule_event"] == missing["vat"] == "the table: taken as empty"
    assert missing["sale_settlement"] == "columns, taken as NULL: SettlementDate"
    assert made.rows("event_states") == []
    assert made.rows("document_kinds", "code")[0] == (1,)


@pytest.mark.parametrize(("sign", "stored", "share"), [(-1, "negative", 100.0), (1, "positive", 0.0)])
def test_the_other_sign_of_credit_notes_shows(tmp_path: Path, sign: int, stored: str, share: float) -> None:
    """Six documents of code 5, all of one sign, are measured; the three of code 3 are too few."""
    notes = [
        {
            "Id": f"cn{n}", "DocumentNumber": f"AV2699{n:02}", "DocumentType": 5, "DocumentDate": "2026-03-02 00:00:00",
            "CustomerId": "C001", "AmountVatExcludedWithDiscountAndShipping": sign * 10, "AmountVatExcludedWithDiscount": sign * 10,
            "AmountVatExcluded": sign * 10, "AmountVatIncluded": sign * 10, "TotalDueAmount": sign * 10,
        }
        for n in range(6)
    ]  # fmt: skip
    made = profiled(mini(tmp_path / "catalog.duckdb", sale_document=notes))
    found = {code: rest for side, code, *rest in made.rows("document_signs") if side == "sale"}
    assert found[5] == ["DepositCreditNote", 6, share, stored, "measured"]
    assert found[3][-2:] == ["per_document", "measured"]
    assert made.lines("document_signs") == [f"5,{stored},high,measured on 6 documents"]


def test_a_shifted_clock_asks_for_the_parameter_until_it_is_set(tmp_path: Path) -> None:
    rows = catalog_rows(declared_tables())
    shifted = [{**row, "DocumentDate": f"{row['DocumentDate'][:10]} 23:00:00"} for row in rows["sale_document"]]
    catalog = write_catalog(tmp_path / "catalog.duckdb", {**rows, "sale_document": shifted})
    assert profiled(catalog).lines("clock") == ["source_clock: utc"]


def paste(made: Profiled, folder: Path) -> tuple[Path, Path]:
    """A copy of the dbt project with every proposed line in its seed, and a file of parameters with the others."""
    project, own_file = folder / "dbt_silver", folder / "parameters.yaml"
    shutil.copytree(DBT_PROJECT, project, ignore=shutil.ignore_patterns("target", "logs"))
    lines = []
    for section in made.sections.values():
        for proposal in section.proposals:
            if proposal.target == PARAMETERS:
                lines.append(proposal.line)
                continue
            seed = project / "seeds" / proposal.target
            kept = [
                line
                for line in seed.read_text("utf-8").splitlines()
                if not (proposal.instead and line.startswith(f"{proposal.instead},"))
            ]
            seed.write_text("\n".join([*kept, proposal.line, ""]), "utf-8")
    own_file.write_text("\n".join(lines), "utf-8")
    return project, own_file


def test_pasted_lines_are_accepted_and_asked_for_no_more(tmp_path: Path) -> None:
    """Codes that no seed knows, everywhere; then the same company with what the profile proposed."""
    more: dict[str, list[Row]] = {
        "sale_document_line": [
            # A type without an amount in a header that does not need it, on a document of the company.
            {"Id": "x1", "DocumentId": "d", "LineType": 77, "LineOrder": 9, "RealNetAmountVatExcludedWithDiscount": 3},
        ],
        "supplier": [{"Id": "F9", "Name": "Neuf", "SupplierType": 9, "MainInvoicingAddress_CountryIsoCode": "XK"}],
        "schedule_event": [
            {
                "Id": f"y{n}", "EventState": 9, "GlobalPercentComplete": 100, "LineType": 4, "DisplayType": 5,
                "StartDateTime": "2026-03-03 08:00:00", "EndDateTime": "2026-03-03 09:00:00", "CustomerId": "C001",
            }
            for n in range(2)
        ],
        "purchase_document": [
            {
                "Id": f"z{n}", "DocumentNumber": f"PA9{n}", "DocumentType": 3, "DocumentDate": "2026-03-02 00:00:00", "SupplierId": "F1",
                "AmountVatExcludedWithDiscountAndShipping": 10, "AmountVatExcluded": 10, "AmountVatExcludedWithDiscount": 10,
                "AmountVatIncluded": 10, "TotalDueAmount": 10,
            }
            for n in range(6)
        ],
    }  # fmt: skip
    more["sale_document_line"][0]["DocumentId"] = next(
        row["Id"] for row in catalog_rows(declared_tables())["sale_document"] if row["DocumentNumber"] == "FA250001"
    )
    (tmp_path / "before").mkdir()
    (tmp_path / "after").mkdir()
    before = profiled(mini(tmp_path / "before" / "catalog.duckdb", **more))
    proposed = {line for name in before.sections for line in before.lines(name)}
    assert {
        "42,Other,false,false,low,seen: 1; numbers begin with XX",
        "77,Text,false,low,1 lines; headers do not need them",
        "9,Fournisseur,low,1 rows",
        "XK,XK,,low,1 rows",
        "event_state,9,Done,low,2 appointments",
        "4,5,true,low,2 rows; 2 with a customer",
        "3,CreditNote,true,positive,high,avoir fournisseur",  # instead of the line without a sign
        "monday_index: 1",
    } <= proposed
    project, own_file = paste(before, tmp_path)
    assert parameters(project, own_file).own == {"monday_index": 1}
    after = profiled(mini(tmp_path / "after" / "catalog.duckdb", **more), project, EBP_PARAMETERS_FILE=str(own_file))
    assert after.failures == {}
    assert {name: after.lines(name) for name in after.sections if after.lines(name) and name != "schedule_days"} == {}
    signs = [row[-2:] for row in after.rows("document_signs") if row[:2] == ("purchase", 3)]
    assert signs == [("positive", "seed")]


def test_the_demo_company(tmp_path: Path) -> None:
    """Every section on generated data; the figures that can be counted apart are."""
    frames = generate(0.02, 11, date.fromisoformat(AS_OF), CompanyOptions(credit_note_sign="positive"))
    tables = {spec.asset: frames[spec.name] for spec in Registry.load() if spec.name in frames}
    made = profiled(write_catalog(tmp_path / "catalog.duckdb", frames=tables))
    assert made.failures == {}
    kinds = frames["SaleDocument"].group_by("DocumentType").len().rows()
    assert {
        (code, count)
        for side, code, count in made.rows("document_kinds", "side", "code", "documents")
        if side == "sale"
    } == set(kinds)
    travel = frames["ScheduleEvent"].filter(pl.col("Maintenance_TravelDuration") > 0).height
    assert made.rows("travel", "appointments", "read as") == [(travel, "hours")]
    credit = next(row for row in made.rows("document_signs") if row[:2] == ("sale", 3))
    assert credit[4] < 50  # stored positive, but for the planted one


def test_the_report_fits_a_terminal_and_keeps_lines_whole(
    company: Profiled, capsys: pytest.CaptureFixture[str]
) -> None:
    show(company.sections.values(), company.settings, Console(width=100))
    shown = capsys.readouterr().out.splitlines()
    tables = [line for line in shown if line.startswith((" ", "─"))]
    assert max(map(len, tables)) <= 100
    assert "42,Other,false,false,low,seen: 1; numbers begin with XX" in shown
    assert any(line.endswith("seeds/document_kind.csv:") for line in shown)


def test_where_nothing_is_published_one_sentence_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", "--profile"], env={"EBP_LAKE_URL": str(tmp_path / "lake")})
    assert result.exit_code == 1
    assert "nothing to measure" in result.stderr
    assert "ebp-lakehouse materialize" in result.stderr
