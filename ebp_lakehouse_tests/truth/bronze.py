"""The rows of EBP that the truth starts from: those of a catalog's bronze tables that stand now. Not here: any rule."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl

from ebp_lakehouse.source.registry import Registry


def read_bronze(catalog: Path) -> dict[str, pl.DataFrame]:
    """EBP table name -> its rows of today with EBP's columns, for every table that the catalog's schema ``bronze`` holds."""
    with duckdb.connect(str(catalog), read_only=True) as connection:
        held = {
            name
            for (name,) in connection.execute(
                "select view_name from duckdb_views() where schema_name = 'bronze'"
            ).fetchall()
        }
        return {
            spec.name: connection.execute(
                f"select columns(c -> not starts_with(c, '_bronze')) from bronze.{spec.asset}_current"
            ).pl()
            for spec in Registry.load()
            if f"{spec.asset}_current" in held
        }
