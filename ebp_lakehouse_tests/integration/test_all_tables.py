"""EBP_TABLES=all through Dagster: every one of EBP's 319 tables, to the end, equal in number of rows to the source.

Dagster's events are kept in memory here: on a busy disk its SQLite takes minutes to note the 13 events of each table.
"""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from ebp_lakehouse.bronze.batch import run_batch
from ebp_lakehouse.demo.create import create_company
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.orchestration.runs import materialize
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.reference_schema import reference
from ebp_lakehouse.source.registry import selected_tables


@pytest.mark.timeout(600)
def test_all_319_tables_through_dagster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with EmbeddedPostgres(tmp_path / "source") as server, dg.DagsterInstance.ephemeral() as instance:
        create_company(server.url, 0.01, seed=7, as_of=today())
        settings = Settings(source_url=SecretStr(server.url), lake_url=str(tmp_path / "lake"), tables="all")
        summary = materialize(settings, instance, 'key:"bronze/*"')
        assert summary.ok, (summary.failed_checks, summary.error)
        assert not summary.warnings
        specs = selected_tables(settings)
        assert {spec.name for spec in specs} == set(reference())
        assert set(summary.layers["bronze"].rows) == {spec.asset for spec in specs}
        with psycopg.connect(server.url) as source, connect(settings=settings) as lake:
            for spec in specs:
                count = source.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(spec.name))).fetchone()
                mine = lake.execute(f"SELECT count(*) FROM bronze.{spec.asset}_current").fetchone()
                assert mine == count == (summary.layers["bronze"].rows[spec.asset],), spec.name
        assert sum(rows > 0 for rows in summary.layers["bronze"].rows.values()) > 150  # the others are empty in EBP too
        before = publication.latest(Lake.open(settings))
        again = run_batch(settings, specs, [today()], today())
        assert all(outcome.healthy and not outcome.published for outcome in again.outcomes.values())
        assert publication.latest(Lake.open(settings)) == before, "nothing changed: nothing is published"
