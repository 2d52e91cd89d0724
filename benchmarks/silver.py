"""All of silver: where the time goes, and how much of it DuckDB would need for the same SQL alone; then an increment.

    python benchmarks/silver.py [--scale 1.0] [--share 0.001] [--s3]

Source: a demo company of --scale on an embedded PostgreSQL, brought through bronze (not measured). Silver is built, tested
and published as a run does it, in a process of its own: whole, by dbt, its start included; whole, in a lake of its own, from
what dbt ran; then --share of the rows of every table change, bronze follows, and silver is built again. Floor, in the same run: the compiled SQL
of the same models in one DuckDB session on the same catalog, nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from environment import child, demo_source, empty_lake

from ebp_lakehouse.silver.manifest import load_manifest

PROJECT = Path(__file__).parents[1] / "dbt_silver"

GOAL_SECONDS, GOAL_INCREMENT_SECONDS, GOAL_BYTES = 30.0, 15.0, 2e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--share", type=float, default=0.001)
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--bare", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(silver()))
        return
    if options.bare:
        print(json.dumps(bare(**json.loads(Path(options.bare).read_text(encoding="utf-8")))))
        return
    bronze = str(Path(__file__).with_name("hourly_batch.py"))
    with (
        tempfile.TemporaryDirectory(prefix="ebp_benchmark_") as folder,
        demo_source(Path(folder), options.scale) as url,
        empty_lake(Path(folder), s3=options.s3) as lake,
    ):
        project = shutil.copytree(PROJECT, Path(folder) / "dbt_silver", ignore=shutil.ignore_patterns("target"))
        environment = os.environ | lake | {"EBP_SOURCE_URL": url, "EBP_DBT_PROJECT_DIR": str(project)}
        load_manifest(project)  # parsed, and no build is kept beside the parse
        child(bronze, ["--child", "batch", "null"], environment)
        of_dbt = child(__file__, ["--child"], environment)
        environment["EBP_LAKE_URL"] += "2"
        child(bronze, ["--child", "batch", "null"], environment)
        whole = child(__file__, ["--child"], environment)
        child(bronze, ["--child", "change", json.dumps(options.share)], environment)
        changed = child(bronze, ["--child", "batch", "null"], environment)["changes"]
        increment = child(__file__, ["--child"], environment)
    print(
        f"\n{whole['tables']} tables, {whole['nodes']} nodes of dbt; {changed:,} rows of bronze changed for the increment"
    )
    columns = {"dbt": of_dbt, "whole": whole, "increment": increment}
    print(f"\n{'':>12}{''.join(f'{name:>12}' for name in columns)}")
    for name in ("parse", "models", "tests", "rest of dbt", "audit", "publish", "all", "bare DuckDB"):
        print(f"{name:>12}{''.join(f'{figures[name]:>10.2f} s' for figures in columns.values())}")
    ratios = [figures["all"] / figures["bare DuckDB"] for figures in columns.values()]
    print(f"{'ratio':>12}{''.join(f'{ratio:>10.2f} x' for ratio in ratios)}")
    peaks = [figures["peak"] for figures in columns.values()]
    print(f"{'peak':>12}{''.join(f'{peak / 1e6:>9.0f} MB' for peak in peaks)}")
    met = of_dbt["all"] <= GOAL_SECONDS and increment["all"] <= GOAL_INCREMENT_SECONDS and max(peaks) <= GOAL_BYTES
    goal = f"whole {GOAL_SECONDS:g} s and {GOAL_BYTES / 1e9:g} GB, increment {GOAL_INCREMENT_SECONDS:g} s"
    print(f"goal: {goal}: {'met' if met else 'NOT met'}")
    sys.exit(0 if met else 1)


def silver() -> dict[str, Any]:
    """One run over all tables; seconds by what they went to. Models and tests overlap on two threads: their sums may."""
    from ebp_lakehouse.orchestration.partitions import today  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415
    from ebp_lakehouse.silver import audit  # noqa: PLC0415
    from ebp_lakehouse.silver.contract import contracts  # noqa: PLC0415
    from ebp_lakehouse.silver.manifest import load_manifest  # noqa: PLC0415

    settings = Settings.from_environment()
    spent: dict[str, float] = {"audit": 0.0, "publish": 0.0, "bare DuckDB": 0.0}
    started = time.perf_counter()
    manifest = load_manifest(settings.dbt_project_dir)
    tables = list(contracts(manifest).values())
    spent["parse"] = time.perf_counter() - started
    build, stage, publish = audit.build, audit.stage, audit.catalog.publish
    seen: dict[str, Any] = {}

    def timed(name: str, work: Any) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            at = time.perf_counter()
            made = work(*arguments, **options)
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - at
            return made

        return call

    def build_and_compare(*arguments: Any, **options: Any) -> Any:
        made = seen["build"] = timed("dbt", build)(*arguments, **options)
        at = time.perf_counter()
        with tempfile.TemporaryDirectory(prefix="ebp_bare_") as folder:
            given = Path(folder) / "bare.json"
            given.write_text(json.dumps(statements(settings, manifest, made, folder)), encoding="utf-8")
            spent["bare DuckDB"] = child(__file__, ["--bare", str(given)], dict(os.environ))["seconds"]
        seen["aside"] = time.perf_counter() - at
        return made

    audit.build = build_and_compare
    audit.stage = timed("publish", stage)
    audit.catalog.publish = timed("publish", publish)
    result = audit.run_silver(settings, tables, today(), run_id="benchmark")
    assert all(outcome.healthy for outcome in result.outcomes.values()), {
        name: (outcome.error, outcome.problems) for name, outcome in result.outcomes.items() if not outcome.healthy
    }
    spent["all"] = time.perf_counter() - started - seen["aside"]
    results = seen["build"].results
    of = {kind: sum(r.seconds for n, r in results.items() if n.startswith(kind)) for kind in ("model.", "test.")}
    spent |= {"models": of["model."], "tests": of["test."]}
    spent["rest of dbt"] = max(0.0, spent["dbt"] - of["model."] - of["test."])
    spent["audit"] = spent["all"] - spent["parse"] - spent["dbt"] - spent["publish"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return spent | {"tables": len(tables), "nodes": len(results), "peak": peak}


def statements(settings: Any, manifest: Any, made: Any, folder: str) -> dict[str, Any]:
    """What ``bare`` needs: the catalog, the seeds, and of each model, in the order they were made, where to make it and how."""
    seeds = [r.name for n, r in made.results.items() if n.startswith("seed.")]
    with made.connect(settings) as connection:
        for seed in seeds:
            connection.execute(f"COPY seeds.{seed} TO '{folder}/{seed}.parquet'")
    nodes = [(manifest["nodes"][n], r.sql) for n, r in made.results.items() if n.startswith("model.")]
    return {
        "catalog": str(made.catalog),
        "seeds": {seed: f"{folder}/{seed}.parquet" for seed in seeds},
        "models": [
            [
                node["schema"],
                node["alias"],
                sql,
            ]
            for node, sql in nodes
        ],
    }


def bare(catalog: str, seeds: dict[str, str], models: list[list[str]]) -> dict[str, float]:
    """Seconds of the compiled SQL of the same models in a database of the same name; in a process with its own memory."""
    from ebp_lakehouse.lake.session import quote_literal, session  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    with (
        tempfile.TemporaryDirectory(prefix="ebp_bare_") as folder,
        session(settings, f"{folder}/scratch.duckdb") as connection,
    ):
        connection.execute(f"ATTACH {quote_literal(catalog)} AS lake (READ_ONLY)")
        for schema in {"seeds", *(schema for schema, *_ in models)}:
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for name, path in seeds.items():
            connection.execute(f"CREATE TABLE seeds.{name} AS FROM {quote_literal(path)}")
        started = time.perf_counter()
        for schema, name, sql in models:
            connection.execute(f"CREATE TABLE {schema}.{name} AS {sql}")
        return {"seconds": time.perf_counter() - started}


if __name__ == "__main__":
    main()
