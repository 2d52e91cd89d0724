"""Dagster is told where the columns of a published silver table come from, with its materialisation."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.assets import silver_assets
from ebp_lakehouse.silver.contract import contracts
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse_tests.integration.changing_bronze import ChangingBronze
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT


def test_a_materialisation_tells_where_columns_come_from(tmp_path: Path) -> None:
    settings = Settings(lake_url=str(tmp_path / "lake"))
    ChangingBronze(settings).load(tmp_path)
    manifest = load_manifest(DBT_PROJECT)
    silver = silver_assets(settings, manifest, contracts(manifest))
    key = dg.AssetKey(["silver", "dim_supplier"])
    result = dg.materialize(
        [silver], selection=[key], partition_key="2026-03-31", instance=dg.DagsterInstance.ephemeral()
    )
    (made,) = result.asset_materializations_for_node("silver")
    assert made.metadata["published"].value
    deps = made.metadata["dagster/column_lineage"].value.deps_by_column
    bronze = dg.AssetKey(["bronze", "supplier"])
    assert dg.TableColumnDep(bronze, "Id") in deps["supplier_id"]
    assert {dep.asset_key for dep in deps["supplier_id"]} == {bronze}
    assert deps.keys() <= {column.name for column in contracts(manifest)["dim_supplier"].columns}
