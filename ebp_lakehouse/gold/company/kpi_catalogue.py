"""``gold.kpi_catalogue``: every KPI with its formula, unit, grain and owner, derived from the contracts that hold it.

Nothing is declared here: a KPI is declared with its column (columns.Kpi).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import duckdb
import pandera.polars as pa_polars
import polars as pl
import pyarrow as pa
from pandera.typing.polars import Series

from ebp_lakehouse.gold.columns import described
from ebp_lakehouse.gold.contract import GoldTable


class KpiCatalogue(pa_polars.DataFrameModel):
    """One row per column that holds a KPI; a KPI of two measures (a number and a rate) has two."""

    kpi_number: Series[pl.Int32] = described("Number in the list of KPIs (semantics §9).", "Numéro", "", ge=1)
    name: Series[str] = described("English name.", "Nom anglais", "")
    name_fr: Series[str] = described("French name.", "Nom français", "")
    table_name: Series[str] = described("Gold table that holds it.", "Table", "")
    column_name: Series[str] = described("Its column.", "Colonne", "")
    label_fr: Series[str] = described("French label of the column.", "Libellé", "")
    formula: Series[str] = described("How it is computed, in business words.", "Formule", "")
    unit: Series[str] = described("Unit of the figures.", "Unité", "")
    grain: Series[str] = described("Finest grain at which it is true: the key of the table.", "Maille", "")
    owner: Series[str] = described("Who answers for the figure.", "Responsable", "")
    sources: Series[str] = described("Columns that it comes from, as table.column.", "Colonnes sources", "")
    is_personal: Series[bool] = described(
        "The table holds figures of persons: only the privileged catalog shows it.", "Donnée personnelle", ""
    )


def kpi_catalogue(tables: Iterable[GoldTable]) -> GoldTable:
    """The declaration of ``gold.kpi_catalogue`` over ``tables``."""
    rows = kpis(tables)

    def computation(_: duckdb.DuckDBPyConnection, __: Mapping[str, Any]) -> pa.Table:
        return pa.Table.from_pylist(rows)

    return GoldTable(
        name="kpi_catalogue",
        description="Every KPI: what it means in words, where it is, its unit, grain, owner and sources.",
        key=("table_name", "column_name"),
        model=KpiCatalogue,
        silver=(),
        owners=("team:data",),
        kind="state",
        computation=computation,
    )


def kpis(tables: Iterable[GoldTable]) -> list[dict[str, Any]]:
    """The rows of the catalogue, by number, table and column."""
    return sorted(
        (row for table in tables for row in _rows(table)),
        key=lambda row: (row["kpi_number"], row["table_name"], row["column_name"]),
    )


def _rows(table: GoldTable) -> list[dict[str, Any]]:
    return [
        {
            "kpi_number": kpi.number,
            "name": kpi.name,
            "name_fr": kpi.name_fr,
            "table_name": table.name,
            "column_name": name,
            "label_fr": table.metadata(name)["label_fr"],
            "formula": column.description,
            "unit": table.metadata(name)["unit"],
            "grain": ", ".join(table.key),
            "owner": ", ".join(table.owners),
            "sources": ", ".join(kpi.sources),
            "is_personal": table.private,
        }
        for name, column in table.columns.items()
        if (kpi := table.metadata(name).get("kpi"))
    ]
