"""The definitions load without network or clock, and the graph equals ``graph.txt`` (rewrite it by running this file)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from ebp_lakehouse.build import build_definitions
from ebp_lakehouse.settings import REPOSITORY_ROOT, Settings
from ebp_lakehouse.silver.manifest import load_manifest

# Some 5 on a quiet machine; twice that where other processes share its cores, and the profile costs some too.
CPU_SECONDS = 20
# Loads the definitions as Dagster does, in a process of its own. Clocks are told by who asks: ours may not, a library's
# own (of its logs) does not matter.
LOAD = """
import json, sys, time
import dagster, dagster_dbt, deltalake, duckdb, pandera.polars, polars
connections, clock = [], []
def audit(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        connections.append(f"{event} {arguments[1:]}")
sys.addaudithook(audit)
def profile(frame, event, called):
    if event == "c_call" and called.__name__ in ("now", "utcnow", "today", "time", "time_ns", "localtime", "gmtime"):
        if frame.f_globals.get("__name__", "").startswith("ebp_lakehouse"):
            clock.append(f"{frame.f_globals['__name__']} {called.__name__}")
sys.setprofile(profile)
from ebp_lakehouse.definitions import defs
assets = len(defs.resolve_asset_graph().get_all_asset_keys())
sys.setprofile(None)
print(json.dumps({"connections": connections, "clock": clock, "assets": assets, "cpu_seconds": time.process_time()}))
"""
SNAPSHOT = Path(__file__).with_name("graph.txt")


def graph_text(definitions: dg.Definitions) -> str:
    """One line per asset: key, group, what it reads, its checks."""
    graph = definitions.resolve_asset_graph()
    checks: dict[str, list[str]] = {}
    for check in graph.asset_check_keys:
        checks.setdefault(check.asset_key.to_user_string(), []).append(check.name)
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda key: key.path):
        node, name = graph.get(key), key.to_user_string()
        parents = " ".join(sorted(parent.to_user_string() for parent in node.parent_keys))
        partitioned = "daily" if node.partitions_def else "unpartitioned"
        lines.append(
            f"{name} | {node.group_name} | {partitioned} | {' '.join(sorted(checks[name]))} | {parents}".rstrip()
        )
    return "\n".join(lines) + "\n"


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return build_definitions(Settings(lake_url="/nowhere"))


def test_the_graph_is_the_one_we_know(definitions: dg.Definitions) -> None:
    assert graph_text(definitions) == SNAPSHOT.read_text()


def test_every_asset_says_what_it_is(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert node.owners, key
        assert node.kinds, key
        assert node.metadata["dagster/column_schema"].columns, key


@pytest.mark.parametrize("schedule", ["hourly", "nightly", "nightly_proof", "nightly_enrichment"])
def test_nothing_runs_unattended_outside_production(definitions: dg.Definitions, schedule: str) -> None:
    assert definitions.resolve_schedule_def(schedule).default_status == dg.DefaultScheduleStatus.STOPPED
    production = build_definitions(Settings(lake_url="/nowhere", environment="production"))
    assert production.resolve_schedule_def(schedule).default_status == dg.DefaultScheduleStatus.RUNNING


def test_an_hour_asks_nobody_outside_of_the_company(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    outside = {key for key in graph.executable_asset_keys if graph.get(key).group_name == "enrichment"}
    assert {key.path[-1] for key in outside} == {"geocoded_addresses", "weather_daily", "economic_index"}
    at = datetime.now(UTC)
    house = definitions.get_repository_def()
    with dg.build_schedule_context(scheduled_execution_time=at, repository_def=house) as context:
        (hourly,) = definitions.resolve_schedule_def("hourly").evaluate_tick(context).run_requests or ()
    assert set(hourly.asset_selection or ()) == graph.executable_asset_keys - outside
    nightly = definitions.resolve_job_def("enrichment").asset_layer.selected_asset_keys
    assert set(nightly) == outside


def test_addresses_that_were_not_found_can_be_asked_again_from_the_launchpad(definitions: dg.Definitions) -> None:
    told = {"ops": {"silver__geocoded_addresses": {"config": {"ask_again": True}}}}  # as docs/enrichment.md says
    assert dg.validate_run_config(definitions.resolve_job_def("enrichment"), told)


def test_silver_waits_for_the_cache_that_it_reads_and_weather_for_silver(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    cache, customers = dg.AssetKey(["silver", "geocoded_addresses"]), dg.AssetKey(["silver", "dim_customer"])
    assert cache in graph.get(customers).parent_keys
    assert customers in graph.get(dg.AssetKey(["silver", "weather_daily"])).parent_keys
    assert graph.get(cache).parent_keys == {dg.AssetKey(["bronze", "customer"])}


def test_the_change_stream_is_checked_only_where_there_is_one(definitions: dg.Definitions) -> None:
    streaming = build_definitions(Settings(lake_url="/nowhere", ingest_mode="cdc")).resolve_asset_graph()
    names = {check.name for check in streaming.asset_check_keys if check.asset_key.path == ["bronze", "sale_document"]}
    others = {check.name for check in definitions.resolve_asset_graph().asset_check_keys}
    assert names - others == {"change_stream"}


def test_loading_opens_no_connection_reads_no_clock_and_is_quick() -> None:
    # Nothing listens on port 9: whoever asked the source or the lake, also past Python's sockets, would fail.
    told = {"EBP_SOURCE_URL": "postgresql://u:p@127.0.0.1:9/ebp", "EBP_LAKE_URL": "s3://lake/x"}
    told |= {"EBP_S3_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": "s"}
    load_manifest(REPOSITORY_ROOT / "dbt_silver")  # parsed once per state of the project
    done = subprocess.run(
        [sys.executable, "-c", LOAD], env=os.environ | told, check=True, capture_output=True, text=True
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["connections"] == []
    assert seen["clock"] == []
    assert seen["assets"] > 30
    assert seen["cpu_seconds"] < CPU_SECONDS


def test_all_tables_of_ebp_are_assets_without_asking_a_source() -> None:
    graph = build_definitions(Settings(lake_url="/nowhere", tables="all")).resolve_asset_graph()
    bronze = [key for key in graph.executable_asset_keys if key.path[0] == "bronze"]
    assert len(bronze) == 319
    assert {graph.get(key).group_name for key in bronze} >= {"bronze_sales", "bronze_other"}
    columns = [column for key in bronze for column in graph.get(key).metadata["dagster/column_schema"].columns]
    assert len(columns) == 9919 - 6, "all of the reference installation's but its six secrets"


if __name__ == "__main__":
    SNAPSHOT.write_text(graph_text(build_definitions(Settings(lake_url="/nowhere"))))
