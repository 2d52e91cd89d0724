"""A back-fill as the UI's dialog launches it: GraphQL to a real webserver, taken up by a real daemon, ended as one run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from dagster import AssetKey, DagsterInstance
from pydantic import SecretStr

from ebp_lakehouse.demo.create import create_company
from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.orchestration.partitions import today
from ebp_lakehouse.settings import Settings

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]
WAIT_SECONDS = 240  # the daemon looks for back-fills every 30 s
ASSETS = ("sale_document", "vat")
LAUNCH = """mutation LaunchPartitionBackfill($backfillParams: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $backfillParams) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  } }"""
STATUS = """query Status($id: String!) {
  partitionBackfillOrError(backfillId: $id) {
    __typename ... on PartitionBackfill { status numPartitions error { message } }
  } }"""
RUNS = """query Runs($id: String!) {
  runsOrError(filter: {tags: [{key: "dagster/backfill", value: $id}]}) {
    ... on Runs { results { runId status tags { key value } } }
  } }"""


@contextmanager
def ui(environment: dict[str, str]) -> Iterator[str]:
    """The UI as the command starts it: webserver and daemon."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EBP_", "AWS_"))}
    process = subprocess.Popen(
        [sys.executable, "-m", "ebp_lakehouse.cli", "ui", "--port", str(port)],
        env=kept | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + WAIT_SECONDS
        while not answers(address):
            assert process.poll() is None, "the UI stopped while starting"
            assert time.monotonic() < deadline, "the UI did not answer"
            time.sleep(0.5)
        yield address
    finally:
        process.terminate()
        process.wait(60)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=2):  # noqa: S310  our own address
            return True
    except OSError:
        return False


def ask(address: str, query: str, **variables: Any) -> Any:
    """The only answer in ``data`` of a GraphQL query."""
    request = urllib.request.Request(  # noqa: S310  our own address
        f"{address}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        answer = json.load(response)
    assert "errors" not in answer, answer["errors"]
    (found,) = answer["data"].values()
    return found


def test_a_back_fill_from_the_dialog_ends_as_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, last = today() - timedelta(days=30), today() - timedelta(days=1)
    days = [(first + timedelta(days=n)).isoformat() for n in range(30)]
    with EmbeddedPostgres(tmp_path / "source") as server:
        create_company(server.url, 0.01, seed=7, as_of=today())
        with psycopg.connect(server.url) as source:
            expected = source.execute(
                'SELECT "Id"::text FROM "SaleDocument" WHERE "sysCreatedDate"::date BETWEEN %s AND %s'
                ' OR "sysModifiedDate"::date BETWEEN %s AND %s ORDER BY 1', [first, last, first, last],
            ).fetchall()  # fmt: skip
        assert expected
        settings = Settings(
            source_url=SecretStr(server.url), lake_url=str(tmp_path / "lake"), tables="SaleDocument,Vat"
        )
        home = tmp_path / "dagster"
        with ui(settings.to_environment() | {"DAGSTER_HOME": str(home)}) as address:
            # What the dialog "Launch runs to materialize" sends for a range of partitions of some assets.
            launched = ask(
                address, LAUNCH,
                backfillParams={
                    "assetSelection": [{"path": ["bronze", asset]} for asset in ASSETS], "partitionNames": days,
                    "fromFailure": False, "tags": [],
                },
            )  # fmt: skip
            assert launched["__typename"] == "LaunchBackfillSuccess", launched
            deadline = time.monotonic() + WAIT_SECONDS
            while (seen := ask(address, STATUS, id=launched["backfillId"]))["status"] == "REQUESTED":
                assert time.monotonic() < deadline, ask(address, RUNS, id=launched["backfillId"])
                time.sleep(1)
            assert (seen["status"], seen["numPartitions"], seen["error"]) == ("COMPLETED_SUCCESS", 30, None)
            runs = ask(address, RUNS, id=launched["backfillId"])["results"]
        (run,) = runs
        tags = {tag["key"]: tag["value"] for tag in run["tags"]}
        assert run["status"] == "SUCCESS"
        assert tags["dagster/asset_partition_range_start"] == days[0]
        assert tags["dagster/asset_partition_range_end"] == days[-1]
        monkeypatch.setenv("DAGSTER_HOME", str(home))  # as every process of Dagster has it
        with DagsterInstance.get() as instance:
            for asset in ASSETS:
                assert instance.get_materialized_partitions(AssetKey(["bronze", asset])) == set(days), asset
        with connect(settings=settings) as lake:
            found = lake.execute(
                'SELECT "Id"::VARCHAR, _bronze_ingestion_date BETWEEN ? AND ? FROM bronze.sale_document ORDER BY 1',
                [first, last],
            ).fetchall()
        assert found == [(key, True) for (key,) in expected]
