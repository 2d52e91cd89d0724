"""The data dictionary: every table of silver and gold with its grain, sources, columns and French labels, as Markdown.

Beside it, the page of the KPIs.

Everything is read from the contracts (the yml of a dbt model, the Pandera model of a gold table); nothing is declared here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from ebp_lakehouse.gold.contract import GoldTable
from ebp_lakehouse.silver.contract import TableContract

_HEAD = "| colonne | libellé | type ou unité | définition |\n| --- | --- | --- | --- |"
_PREFACE = """# Dictionnaire des données

Écrit par `ebp-lakehouse dictionary` d'après les contrats des tables : ce sont eux que l'on modifie, pas cette page.
🔒 = donnée personnelle, visible dans le catalogue privé seulement."""
_KPI_HEAD = """# Indicateurs

Chaque indicateur, où il se lit et d'où il vient, d'après les contrats des tables gold (table `gold.kpi_catalogue`).
🔒 = chiffres de personnes, visibles dans le catalogue privé seulement.

| n° | indicateur | colonne | formule | unité | maille | responsable | colonnes sources |
| --- | --- | --- | --- | --- | --- | --- | --- |"""
_LOCK = " 🔒"


def markdown(silver: Iterable[TableContract], gold: Iterable[GoldTable]) -> str:
    """The whole page; tables in the order given, columns in the order of the table."""
    sections = [_PREFACE, *map(_silver, silver), *map(_gold, gold)]
    return "\n\n".join(sections) + "\n"


def kpi_markdown(kpis: Iterable[Mapping[str, Any]], link: Callable[[str], str]) -> str:
    """The page of the KPIs, from the rows of ``gold.kpi_catalogue``.

    Args:
        kpis: the rows, in the order of the page.
        link: address where a source column, ``table.column``, is described.
    """
    lines = [
        f"| {' | '.join(cell(str(part)) for part in row)} |"
        for row in (
            (
                kpi["kpi_number"],
                f"{kpi['name_fr']}{_LOCK if kpi['is_personal'] else ''}",
                f"`gold.{kpi['table_name']}` `{kpi['column_name']}`",
                kpi["formula"],
                kpi["unit"],
                kpi["grain"],
                kpi["owner"],
                ", ".join(f"[`{source}`]({link(source)})" for source in kpi["sources"].split(", ")),
            )
            for kpi in kpis
        )
    ]
    return "\n".join([_KPI_HEAD, *lines]) + "\n"


def _silver(table: TableContract) -> str:
    rows = ((f"`{c.name}`{_LOCK if c.personal else ''}", c.label_fr, c.data_type, c.description) for c in table.columns)
    sources = ", ".join(f"`bronze.{name}`" for name in table.bronze)
    return _section(f"silver.{table.name}", table.description, [table.key], f"EBP : {sources or 'aucune'}.", rows)


def _gold(table: GoldTable) -> str:
    rows = (
        (
            f"`{name}`",
            table.metadata(name).get("label_fr", ""),
            table.metadata(name).get("unit", ""),
            column.description or "",
        )
        for name, column in table.columns.items()
    )
    sources = ", ".join(f"`silver.{name}`" for name in table.silver)
    return _section(f"gold.{table.name}", table.description, table.key, f"Sources : {sources}.", rows)


def _section(
    name: str, description: str, key: Sequence[str], sources: str, rows: Iterable[tuple[str, str, str, str]]
) -> str:
    heading = f"## {name}\n\n{cell(description)}\n\nClé : {', '.join(f'`{k}`' for k in key)}. {sources}\n"
    return "\n".join([heading, _HEAD, *(f"| {' | '.join(map(cell, row))} |" for row in rows)])


def cell(text: str) -> str:
    """Text as one cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")
