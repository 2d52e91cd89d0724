"""The documentation as a folder of web pages that need neither a network nor a lake: `ebp-lakehouse docs FOLDER`.

The data dictionary, the KPIs, where each silver column comes from, and dbt's own page of the models. Everything is read from
the contracts and from the SQL that dbt compiles on empty tables; nothing is declared here, and no page names a folder of
the machine that wrote it. Not here: the text of the dictionary (dictionary.py) and how lineage is read (silver/lineage.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
from markdown_it import MarkdownIt

from ebp_lakehouse.dictionary import cell, kpi_markdown, markdown
from ebp_lakehouse.errors import DocumentationError
from ebp_lakehouse.gold.company.kpi_catalogue import kpis
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.lake.scratch import scratch_folder
from ebp_lakehouse.lake.session import quote_identifier
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.build import document
from ebp_lakehouse.silver.contract import BRONZE, TableContract, contracts, enrichment_contracts
from ebp_lakehouse.silver.lineage import Origin, lineage
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse.silver.profile import METADATA

INDEX, DICTIONARY, KPIS, LINEAGE, MODELS = "index.html", "dictionary.html", "kpis.html", "lineage.html", "dbt.html"
PAGES = frozenset({INDEX, DICTIONARY, KPIS, LINEAGE, MODELS})
GENERATOR = '<meta name="generator" content="ebp-lakehouse docs">'  # tells our index from anybody else's

Lineages = Mapping[str, Mapping[str, list[Origin]]]

_SHELL = """<!doctype html>
<html lang="fr">
<head>
<meta charset="utf-8">
{generator}
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 100rem; padding: 0 1rem; color: #1c2733; }}
table {{ border-collapse: collapse; width: 100%; font-size: .9rem; }}
th, td {{ border-bottom: 1px solid #d5dde5; padding: .3rem .6rem; text-align: left; vertical-align: top; }}
code {{ background: #eef2f6; border-radius: .2rem; padding: 0 .2rem; white-space: nowrap; }}
h2 {{ margin-top: 3rem; }} a {{ color: #0b5cad; }} nav li {{ display: inline-block; margin-right: 1rem; }}
</style>
</head>
<body>
{navigation}
{body}
</body>
</html>
"""


def write(settings: Settings, folder: Path, *, force: bool = False) -> Path:
    """Write every page into ``folder``, which is made when it is not there; the path of its index.

    The user's parameters and seeds are those of ``settings``; its lake is not asked, nor are its other files.

    Raises:
        DocumentationError: the folder holds files of others (unless ``force``: nothing is deleted then), or refuses files.
        SettingsError, BuildError: the parameters cannot be used; a model does not compile.
    """
    folder = folder.expanduser().absolute()
    try:
        _check(folder, force=force)
        folder.mkdir(parents=True, exist_ok=True)
        pages = _pages(settings)
        for name in sorted(PAGES, key=lambda name: name == INDEX):  # what it links is there when it is
            (folder / name).write_text(pages[name], encoding="utf-8")
    except OSError as error:
        raise DocumentationError(
            f"{folder} cannot be written: {error.strerror or error}. Name a folder that is yours."
        ) from error
    return folder / INDEX


def _check(folder: Path, *, force: bool) -> None:
    if not folder.exists() or force:
        return
    others = sorted(path.name for path in folder.iterdir() if path.name not in PAGES)
    index = folder / INDEX
    if index.exists() and GENERATOR not in index.read_text(encoding="utf-8", errors="replace"):
        others.insert(0, INDEX)
    if others:
        raise DocumentationError(
            f"{folder} holds files that this command did not write: {', '.join(others[:3])}"
            f"{f' and {len(others) - 3} more' if len(others) > 3 else ''}. "  # noqa: PLR2004
            "Name another folder, or add --force to write beside them."
        )


def _pages(settings: Settings) -> dict[str, str]:
    """Name of each page → its HTML."""
    manifest = load_manifest(settings.dbt_project_dir)
    published = contracts(manifest)
    silver = published | enrichment_contracts(manifest)
    models, compiled = _compiled(settings, manifest)
    origins = in_bronze(lineage(compiled, list(published)))
    indicators = kpis(GOLD_TABLES)
    columns = sum(len(table.columns) for table in silver.values()) + sum(len(table.columns) for table in GOLD_TABLES)
    index = f"""# Documentation de l'entrepôt de données EBP

{len(silver)} tables silver et {len(GOLD_TABLES)} tables gold, {columns} colonnes.

- [Dictionnaire des données]({DICTIONARY}) : chaque table et chaque colonne, avec son libellé et sa définition.
- [Indicateurs]({KPIS}) : les {len({row["kpi_number"] for row in indicators})} KPI, leur formule, leur unité, leur maille et leur responsable.
- [Lignage des colonnes]({LINEAGE}) : de quelles colonnes d'EBP vient chaque colonne silver, et à quoi sert chaque colonne d'EBP.
- [Modèles dbt]({MODELS}) (en anglais) : le SQL de chaque modèle, ses tests et le graphe des modèles (bouton en bas à droite).

Ces pages sont écrites par `ebp-lakehouse docs` d'après les contrats des tables et le SQL compilé : elles ne contiennent aucune donnée
et s'ouvrent sans réseau."""
    return {
        INDEX: _html(index, linked=False),
        DICTIONARY: _html(markdown(silver.values(), GOLD_TABLES)),
        KPIS: _html(kpi_markdown(indicators, _page_of)),
        LINEAGE: _html(lineage_markdown(published.values(), origins, manifest)),
        MODELS: models,
    }


def _page_of(column: str) -> str:
    """Where a source of a KPI, ``table.column``, is described: what is no gold table is a silver one."""
    table = column.partition(".")[0]
    gold = table in {gold.name for gold in GOLD_TABLES}
    return f"{DICTIONARY}#gold.{table}" if gold else f"{LINEAGE}#silver.{table}"


def _compiled(settings: Settings, manifest: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    """The page of dbt, and model → compiled SQL, on tables without rows: no lake, no credentials, none of the user's files."""
    with scratch_folder("docs") as scratch:
        catalog = scratch / "catalog.duckdb"
        _write_empty_catalog(catalog, manifest)
        alone = settings.model_copy(update={"lake_url": str(scratch), "s3": None, "user_files": None})
        page, results = document(alone, catalog, scratch)
        html = page.read_text(encoding="utf-8")
        # Longest first: the package may lie in the same folder as the project.
        ours = {
            str(scratch): "scratch",
            str(files("ebp_lakehouse.silver") / "reference"): "ebp_lakehouse/silver/reference",
            str(settings.dbt_project_dir.absolute()): "dbt_silver",
        }
        for path in sorted(ours, key=len, reverse=True):
            html = html.replace(json.dumps(path)[1:-1], ours[path])
    return html, {r.name: r.sql for r in results.values() if r.unique_id.startswith("model.")}


def _write_empty_catalog(path: Path, manifest: Mapping[str, Any]) -> None:
    """A catalog as a build reads it, with every table and column that dbt's sources declare, and no row."""
    with duckdb.connect(str(path)) as connection:
        connection.begin()
        for source in manifest["sources"].values():
            bronze = source["source_name"] == BRONZE
            schema, table = quote_identifier(source["schema"]), quote_identifier(source["name"])
            columns = {column["name"]: column["data_type"] for column in source["columns"].values()}
            typed = (f"{quote_identifier(n)} {kind}" for n, kind in (columns | (METADATA if bronze else {})).items())
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
            connection.execute(f"CREATE TABLE {schema}.{table} ({', '.join(typed)})")
            if bronze:
                current = quote_identifier(f"{source['name']}_current")
                connection.execute(f"CREATE VIEW {schema}.{current} AS FROM {schema}.{table}")
        connection.commit()


def in_bronze(found: Lineages) -> dict[str, dict[str, list[Origin]]]:
    """The same lineages, followed through other published tables: each origin is a column of bronze or of enrichment."""

    def end(asset: str, column: str) -> set[Origin]:
        table = asset.partition("/")[2]
        if not asset.startswith("silver/") or table not in found:
            return {(asset, column)}
        return {origin for above in found[table].get(column, ()) for origin in end(*above)}

    return {
        table: {name: sorted({o for origin in origins for o in end(*origin)}) for name, origins in columns.items()}
        for table, columns in found.items()
    }


def lineage_markdown(tables: Iterable[TableContract], origins: Lineages, manifest: Mapping[str, Any]) -> str:
    """Per silver table its columns and where each comes from, then per bronze table its columns and what each serves."""
    parts = [
        """# Lignage des colonnes

D'abord chaque table silver, et les colonnes d'EBP (bronze) que l'expression de chaque colonne nomme, à travers tous les modèles
qui sont entre les deux ; puis chaque table d'EBP, et les colonnes silver que chaque colonne sert à calculer. Les jointures et les
filtres choisissent des lignes : ils ne sont pas suivis. Une colonne sans origine est calculée (calendrier, constante, code d'un
fichier de paramètres)."""
    ]
    uses: dict[Origin, list[str]] = {}
    for table in tables:
        found = origins.get(table.name, {})
        rows = []
        for column in table.columns:
            sources: dict[str, list[str]] = {}
            for asset, name in found.get(column.name, ()):
                sources.setdefault(asset.replace("/", "."), []).append(name)
                uses.setdefault((asset, name), []).append(f"{table.name}.{column.name}")
            told = " ; ".join(f"`{asset}` : {_codes(names)}" for asset, names in sources.items())
            rows.append((f"`{column.name}`", column.label_fr, told))
        parts.append(_table(f"silver.{table.name}", ("colonne", "libellé", "vient de"), rows))
    for source in sorted(manifest["sources"].values(), key=lambda source: str(source["name"])):
        if source["source_name"] == BRONZE:
            rows = [
                (f"`{c['name']}`", c["description"], _codes(uses.get((f"bronze/{source['name']}", c["name"]), ())))
                for c in source["columns"].values()
            ]
            heading = f"bronze.{source['name']}\n\n{cell(source['description'])}"
            parts.append(_table(heading, ("colonne", "définition", "sert à"), rows))
    return "\n\n".join(parts)


def _codes(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(heading: str, columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (f"| {' | '.join(map(cell, row))} |" for row in rows)
    return "\n".join([f"## {heading}\n", f"| {' | '.join(columns)} |", "|" + " --- |" * len(columns), *lines])


def _html(text: str, *, linked: bool = True) -> str:
    """A page from Markdown. Each heading of the second rank can be linked by its text, and is listed at the top."""
    # What stands in a definition is text: no tags, and no emphasis between the signs of a product.
    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("emphasis")
    tokens = reader.parse(text)
    headings: dict[str, list[str]] = {"h1": [], "h2": []}
    for opening, inline in pairwise(tokens):
        if opening.type == "heading_open":
            opening.attrSet("id", inline.content)
            headings[opening.tag].append(inline.content)
    listed = "\n".join(f"- [{name}](#{name})" for name in headings["h2"])
    navigation = reader.render(f"[Sommaire]({INDEX})\n\n{listed}") if linked else ""
    return _SHELL.format(
        generator=GENERATOR,
        title=headings["h1"][0],
        navigation=navigation and f"<nav>\n{navigation}</nav>",
        body=reader.renderer.render(tokens, reader.options, {}),
    )
