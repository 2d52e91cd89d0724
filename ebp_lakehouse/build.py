"""The only assembler: settings in, Dagster definitions out. Nothing here touches the network, a database or the clock."""

from __future__ import annotations

from typing import Any

import dagster as dg

from ebp_lakehouse.bronze.assets import bronze_assets
from ebp_lakehouse.gold.assets import gold_assets
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.orchestration.jobs import (
    enrichment_job,
    enrichment_schedule,
    hourly_schedule,
    lakehouse_job,
    maintenance_job,
    nightly_schedule,
    proof_job,
    proof_schedule,
)
from ebp_lakehouse.orchestration.sensors import change_sensor
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.assets import silver_assets
from ebp_lakehouse.silver.contract import contracts, enrichment_contracts
from ebp_lakehouse.silver.enrichment.assets import enrichment_assets
from ebp_lakehouse.silver.manifest import load_manifest


def build_definitions(settings: Settings, **overrides: Any) -> dg.Definitions:
    """Every asset, check, job and schedule for ``settings``.

    Args:
        settings: where the source, the lake and the dbt project are.
        overrides: arguments of ``dg.Definitions`` that replace ours (tests).
    """
    manifest = load_manifest(settings.dbt_project_dir)
    silver = contracts(manifest)
    layers = [
        bronze_assets(settings),
        silver_assets(settings, manifest, silver),
        gold_assets(settings, GOLD_TABLES, silver),
    ]
    inside = sorted((key for layer in layers for key in layer.keys), key=dg.AssetKey.to_user_string)
    arguments: dict[str, Any] = {
        "assets": [*layers, *enrichment_assets(settings, enrichment_contracts(manifest))],
        "jobs": [lakehouse_job(settings), proof_job(settings), maintenance_job(settings), enrichment_job(settings)],
        "schedules": [
            hourly_schedule(settings, inside),
            proof_schedule(settings),
            nightly_schedule(settings),
            enrichment_schedule(settings),
        ],
        "sensors": [change_sensor(settings, inside)] if settings.ingest_mode == "cdc" else [],
        "executor": dg.in_process_executor,
    }
    return dg.Definitions(**(arguments | overrides))
