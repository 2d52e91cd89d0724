"""The folder of documentation: all of the contracts is in it, its links lead somewhere, and nothing of anybody else is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ebp_lakehouse.cli import app
from ebp_lakehouse.documentation import DICTIONARY, INDEX, KPIS, LINEAGE, MODELS, PAGES, in_bronze, write
from ebp_lakehouse.errors import DocumentationError
from ebp_lakehouse.gold.company.kpi_catalogue import kpis
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.settings import REPOSITORY_ROOT, S3Options, Settings
from ebp_lakehouse.silver.contract import TableContract, contracts, enrichment_contracts
from ebp_lakehouse.silver.manifest import load_manifest

KEY = "a-key-that-no-page-shows"


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return load_manifest(Settings().dbt_project_dir)


@pytest.fixture(scope="module")
def silver(manifest: dict[str, Any]) -> dict[str, TableContract]:
    return contracts(manifest) | enrichment_contracts(manifest)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Written for a lake that nobody can reach, with a file of the user's that nobody may show."""
    folder = tmp_path_factory.mktemp("docs")
    (folder / "sla.csv").write_text("contract_family\nsecret-family\n")
    settings = Settings(
        lake_url="s3://nowhere/lake",
        s3=S3Options(access_key_id=KEY, secret_access_key=KEY, endpoint_url="http://127.0.0.1:9"),
        user_files=folder,
    )
    index = write(settings, folder / "new" / "pages")
    assert {path.name for path in index.parent.iterdir()} == PAGES
    return {path.name: path.read_text(encoding="utf-8") for path in index.parent.iterdir()}


def sections(page: str) -> dict[str, set[str]]:
    """Heading of the second rank → what its table's first column names."""
    found = {}
    for part in page.split('<h2 id="')[1:]:
        name = part.partition('"')[0]
        found[name] = set(re.findall(r"<tr>\s*<td><code>(.*?)</code>", part))
    return found


def test_the_dictionary_has_every_table_and_column(pages: dict[str, str], silver: dict[str, TableContract]) -> None:
    declared = {f"silver.{table.name}": {c.name for c in table.columns} for table in silver.values()}
    declared |= {f"gold.{table.name}": set(table.columns) for table in GOLD_TABLES}
    assert sections(pages[DICTIONARY]) == declared
    assert "<td>Chiffre d'affaires HT</td>" in unescape(pages[DICTIONARY])


def test_every_kpi_is_listed_with_its_formula(pages: dict[str, str]) -> None:
    text = unescape(pages[KPIS])
    for kpi in kpis(GOLD_TABLES):
        assert f"<code>gold.{kpi['table_name']}</code> <code>{kpi['column_name']}</code>" in text
        assert " ".join(kpi["formula"].split()) in text


def test_every_published_column_and_every_column_of_ebp_has_its_lineage(
    pages: dict[str, str], manifest: dict[str, Any]
) -> None:
    declared = {f"silver.{table.name}": {c.name for c in table.columns} for table in contracts(manifest).values()}
    bronze = [source for source in manifest["sources"].values() if source["source_name"] == "bronze"]
    declared |= {f"bronze.{source['name']}": set(source["columns"]) for source in bronze}
    assert sections(pages[LINEAGE]) == declared


def row(page: str, section: str, column: str) -> str:
    part = page.split(f'<h2 id="{section}">')[1].partition("<h2")[0]
    found = re.search(rf"<tr>\s*<td><code>{column}</code>.*?</tr>", part, re.DOTALL)
    assert found is not None
    return found[0]


def test_a_lineage_goes_down_to_ebp_through_a_dimension_and_back(pages: dict[str, str]) -> None:
    page = pages[LINEAGE]
    assert "RealNetAmountVatExcludedWithDiscount" in row(page, "silver.fact_sales", "net_amount_excl_tax")
    key = row(page, "silver.fact_sales", "customer_key")  # read from silver.dim_customer
    assert "bronze.customer" in key
    assert "silver.dim_customer" not in key
    used = row(page, "bronze.sale_document_line", "RealNetAmountVatExcludedWithDiscount")
    assert "<code>fact_sales.net_amount_excl_tax</code>" in used
    assert "silver.geocoded_addresses" in page  # enrichment is where a lineage ends as well


def test_published_tables_are_looked_through() -> None:
    found = {
        "dim": {"k": [("bronze/x", "A"), ("silver/geocoded", "g")], "made": []},
        "mid": {"k2": [("silver/dim", "k"), ("bronze/y", "B")], "none": [("silver/dim", "made")]},
        "fact": {"f": [("silver/mid", "k2"), ("silver/mid", "none")]},
    }
    assert in_bronze(found)["fact"] == {"f": [("bronze/x", "A"), ("bronze/y", "B"), ("silver/geocoded", "g")]}


def embedded_manifest(page: str) -> Mapping[str, Any]:
    """What dbt wrote into its static page."""
    start = page.index('{"metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest')
    decoded: Mapping[str, Any] = json.JSONDecoder().raw_decode(page[start:])[0]
    return decoded


def test_the_page_of_dbt_has_every_model_with_its_sql(pages: dict[str, str], manifest: dict[str, Any]) -> None:
    shown = embedded_manifest(pages[MODELS])
    models = {name for name, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    assert {name for name, node in shown["nodes"].items() if node["resource_type"] == "model"} == models
    assert [name for name in models if not shown["nodes"][name].get("compiled_code")] == []
    assert "MANIFEST.JSON INLINE DATA" not in pages[MODELS]
    assert "CATALOG.JSON INLINE DATA" not in pages[MODELS]


def test_every_link_leads_somewhere(pages: dict[str, str]) -> None:
    ids = {name: set(re.findall(r' id="([^"]+)"', page)) for name, page in pages.items()}
    broken, count = [], 0
    for name in sorted(PAGES - {MODELS}):
        for link in re.findall(r'href="([^"]+)"', pages[name]):
            target, _, anchor = link.partition("#")
            count += 1
            if target and target not in PAGES or anchor and anchor not in ids[target or name]:  # noqa: RUF021
                broken.append((name, link))
    assert broken == []
    assert count > len(GOLD_TABLES)
    assert PAGES - {INDEX} <= set(re.findall(r'href="([^"]+)"', pages[INDEX]))


def test_no_page_shows_a_key_a_file_of_the_user_or_a_folder_of_this_machine(pages: dict[str, str]) -> None:
    for name, page in pages.items():
        for text in (KEY, "127.0.0.1:9", "secret-family", "ebp_lakehouse_docs_", str(REPOSITORY_ROOT)):
            assert text not in page, (name, text)


def test_files_of_others_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dict.fromkeys(PAGES, "new")
    monkeypatch.setattr("ebp_lakehouse.documentation._pages", lambda _: made)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DocumentationError, match=r"notes\.txt"):
        write(Settings(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    write(Settings(), tmp_path, force=True)
    assert {path.name for path in tmp_path.iterdir()} == {*PAGES, "notes.txt"}
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_folder_of_its_own_is_written_anew_and_an_index_of_others_is_not(
    tmp_path: Path, pages: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ebp_lakehouse.documentation._pages", lambda _: pages)
    index = write(Settings(), tmp_path)
    (tmp_path / LINEAGE).write_text("old")
    write(Settings(), tmp_path)
    assert (tmp_path / LINEAGE).read_text(encoding="utf-8") == pages[LINEAGE]
    index.write_text("<title>my own site</title>")
    with pytest.raises(DocumentationError, match=r"index\.html"):
        write(Settings(), tmp_path)


def test_where_no_folder_can_be_the_command_says_so_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for target in (tmp_path / "file", tmp_path / "file" / "docs"):
        told = CliRunner().invoke(app, ["docs", str(target)])
        assert told.exit_code == 1
        assert f"error: {target} cannot be written" in told.stderr
    assert (tmp_path / "file").read_text() == ""


def test_everything_of_the_dbt_project_is_described(manifest: dict[str, Any]) -> None:
    """Models, seeds and sources, and the columns that they declare; a seed declares all of its file's."""
    nodes = [n for n in manifest["nodes"].values() if n["resource_type"] in ("model", "seed")]
    nodes += manifest["sources"].values()
    bare = [n["unique_id"] for n in nodes if not n["description"].strip()]
    bare += [
        f"{node['unique_id']}.{column['name']}"
        for node in nodes
        for column in node["columns"].values()
        if not column["description"].strip()
    ]
    assert bare == []
    for node in nodes:
        if node["resource_type"] == "seed":
            path = Settings().dbt_project_dir / node["original_file_path"]
            header = path.read_text(encoding="utf-8").partition("\n")[0]
            assert list(node["columns"]) == header.strip().split(","), node["name"]
        elif node["resource_type"] == "source" or node["config"]["contract"]["enforced"]:
            assert node["columns"], node["unique_id"]
