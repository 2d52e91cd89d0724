"""The page of docs is what the contracts say, and people find each column under a French label with a definition."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ebp_lakehouse.cli import app
from ebp_lakehouse.dictionary import markdown
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import TableContract, contracts, enrichment_contracts
from ebp_lakehouse.silver.manifest import load_manifest

PAGE = Path(__file__).parents[2] / "docs" / "data-dictionary.md"


@pytest.fixture(scope="module")
def silver() -> dict[str, TableContract]:
    manifest = load_manifest(Settings.from_environment().dbt_project_dir)
    return contracts(manifest) | enrichment_contracts(manifest)


def test_the_page_is_what_the_contracts_say(silver: dict[str, TableContract]) -> None:
    told = CliRunner().invoke(app, ["dictionary"])
    assert told.exit_code == 0
    assert told.stdout == markdown(silver.values(), GOLD_TABLES)
    assert PAGE.read_text(encoding="utf-8") == told.stdout, (
        "write it anew: ebp-lakehouse dictionary > docs/data-dictionary.md"
    )


def test_every_column_has_a_french_label_and_a_definition(silver: dict[str, TableContract]) -> None:
    unnamed = [
        f"{table.name}.{column.name}"
        for table in silver.values()
        for column in table.columns
        if not column.label_fr.strip() or not column.description.strip()
    ]
    unnamed += [
        f"{table.name}.{name}"
        for table in GOLD_TABLES
        for name, column in table.columns.items()
        if not table.metadata(name).get("label_fr") or not column.description
    ]
    assert unnamed == []


def test_a_personal_column_is_marked_and_a_bar_does_not_break_the_table(silver: dict[str, TableContract]) -> None:
    page = markdown([silver["dim_customer"]], [])
    assert "| `email` 🔒 | E-mail |" in page
    assert "separated by \\|" in page  # former_ids
    columns = [line for line in page.splitlines() if line.startswith("| `")]
    assert len(columns) == len(silver["dim_customer"].columns)
