"""The nightly proof through Dagster: green on a lake that is the source's, red with table and key where it is not."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import psycopg
import pytest
from psycopg import sql

from ebp_lakehouse.bronze import ingest
from ebp_lakehouse.build import build_definitions
from ebp_lakehouse.demo.load import TYPE_DEFAULTS
from ebp_lakehouse.demo.schema import reference, table_ddl
from ebp_lakehouse.orchestration.jobs import PROOF_JOB
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.orchestration.reporting import PROOF
from ebp_lakehouse.orchestration.runs import instance_at, materialize
from ebp_lakehouse.settings import Settings


def proof(settings: Settings, instance: dg.DagsterInstance) -> dg.AssetCheckEvaluation:
    """The check of bronze/country after one run of the job as the schedule starts it."""
    job = build_definitions(settings).resolve_job_def(PROOF_JOB)
    result = job.execute_in_process(instance=instance, partition_key=today().isoformat())
    assert result.success
    (found,) = [check for check in result.get_asset_check_evaluations() if check.check_name == PROOF]
    assert found.asset_key == dg.AssetKey(["bronze", "country"])
    return found


def test_the_proof_is_green_then_red_with_table_and_key_then_green_again(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    settings = Settings.model_validate(
        {"source_url": database, "lake_url": str(tmp_path / "lake"), "tables": "Country"}
    )
    instance = instance_at(tmp_path / "dagster")
    needed = [c for c in reference()["Country"].columns if not c.nullable]
    names = ", ".join(f'"{c.name}"' for c in needed)
    with psycopg.connect(database, autocommit=True) as db:
        db.execute(table_ddl(reference()["Country"]))
        for code in ("FR", "BE"):
            values = ", ".join(f"'{code}'" if c.name == "IsoCode" else TYPE_DEFAULTS.get(c.type, "''") for c in needed)
            db.execute(f'INSERT INTO "Country" ({names}) VALUES ({values})')  # type: ignore[arg-type]
        untouched = proof(settings, instance)
        assert untouched.passed, untouched.metadata

        with monkeypatch.context() as losing:
            losing.setattr(ingest, "changed_since", lambda _: sql.SQL(" WHERE false"))
            db.execute("""UPDATE "Country" SET "sysModifiedUser" = 'EBP' WHERE "IsoCode" = 'BE'""")
            differs = proof(settings, instance)
        assert not differs.passed
        assert differs.severity == dg.AssetCheckSeverity.ERROR
        assert not differs.blocking
        said = differs.description or ""
        assert "1 rows of the source are not in the lake as they are (IsoCode = BE, …)" in said
        assert "1 live rows of the lake are not at the source (IsoCode = BE, …)" in said
        assert "FR" not in said

        assert materialize(settings, instance, 'key:"bronze/*"', full=True).ok
        assert proof(settings, instance).passed
