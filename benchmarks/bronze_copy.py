"""How much slower than PostgreSQL itself: first load of the tables of EBP_TABLES into a lake, against raw binary COPY.

    python benchmarks/bronze_copy.py [--scale 1.0] [--runs 3] [--s3] [--dlt]

Source: EBP_SOURCE_URL, or a demo company of --scale created on an embedded PostgreSQL. Floor and load take turns, each
in a process of its own (so that peak memory is its own); medians are compared. --s3 loads into an embedded S3 store,
--dlt measures dlt's sql_database (pyarrow backend, Parquet files) on the same tables, in a virtual environment
of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from environment import child, demo_source, empty_lake

GOAL_RATIO = 2.5
GOAL_MEGABYTES = 1000
DLT_VENV = Path(tempfile.gettempdir()) / "ebp_lakehouse_benchmark_dlt"
DLT_SCRIPT = """
import json, os, resource, sys, time
import dlt
from dlt.sources.sql_database import sql_database
started = time.perf_counter()
source = sql_database(os.environ["EBP_SOURCE_URL"].replace("postgresql://", "postgresql+psycopg2://"),
                      table_names=json.loads(sys.argv[1]), backend="pyarrow", chunk_size=20_000)
pipeline = dlt.pipeline("bronze", destination=dlt.destinations.filesystem(sys.argv[2]), dataset_name="bronze",
                        pipelines_dir=sys.argv[2] + "/work")
pipeline.run(source, loader_file_format="parquet")
print(json.dumps({"seconds": time.perf_counter() - started,
                  "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--dlt", action="store_true")
    parser.add_argument("--child", choices=["floor", "load", "again"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child]()))
        return
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebp_benchmark_")))
        environment = dict(os.environ)
        if not environment.get("EBP_SOURCE_URL"):
            environment["EBP_SOURCE_URL"] = stack.enter_context(demo_source(home, options.scale))
        environment |= stack.enter_context(empty_lake(home, s3=options.s3))
        measure(options, environment, home)


def measure(options: argparse.Namespace, environment: dict[str, str], home: Path) -> None:
    floors, loads = [], []
    for run in range(options.runs):
        floors.append(child(__file__, ["--child", "floor"], environment))
        environment["EBP_LAKE_URL"] = f"{environment['EBP_LAKE_URL'].rsplit('/', 1)[0]}/run{run}"
        loads.append(child(__file__, ["--child", "load"], environment))
        print(f"run {run + 1}: COPY {floors[-1]['seconds']:.2f} s, load {loads[-1]['seconds']:.2f} s", flush=True)
        if run + 1 < options.runs and not options.s3:
            shutil.rmtree(environment["EBP_LAKE_URL"])
    again = child(__file__, ["--child", "again"], environment)
    floor = statistics.median(f["seconds"] for f in floors)
    load = statistics.median(r["seconds"] for r in loads)
    peak = max(r["megabytes"] for r in loads)
    first = loads[0]
    print(
        f"\n{first['tables']} tables, {first['rows']:,} rows, {floors[0]['bytes'] / 1e6:.0f} MB of COPY binary, ",
        end="",
    )
    print(f"{first['bytes'] / 1e6:.0f} MB of Parquet in {'S3' if options.s3 else 'a folder'}")
    row("raw COPY (binary) to nowhere, one connection", floor, None, None)
    row("first load, two tables at a time", load, load / floor, peak)
    row("the same again, nothing changed", again["seconds"], again["seconds"] / floor, again["megabytes"])
    if options.dlt:
        result = run_dlt(first["names"], environment, home)
        row(
            "dlt sql_database (pyarrow) to Parquet files",
            result["seconds"],
            result["seconds"] / floor,
            result["megabytes"],
        )
    met = load / floor <= GOAL_RATIO and peak <= GOAL_MEGABYTES
    print(f"goal: at most {GOAL_RATIO:g} x COPY and {GOAL_MEGABYTES} MB: {'met' if met else 'NOT met'}")
    sys.exit(0 if met else 1)


def row(what: str, seconds: float, ratio: float | None, megabytes: float | None) -> None:
    print(
        f"  {what:<48} {seconds:7.2f} s  {'' if ratio is None else f'{ratio:5.2f} x COPY':>13}"
        f"  {'' if megabytes is None else f'{megabytes:6.0f} MB peak'}"
    )


def floor() -> dict[str, Any]:
    """Every column of every table, the secrets included: PostgreSQL at its cheapest, thrown away on arrival."""
    from psycopg import sql  # noqa: PLC0415

    from ebp_lakehouse.settings import Settings  # noqa: PLC0415
    from ebp_lakehouse.source.connection import connect  # noqa: PLC0415
    from ebp_lakehouse.source.introspection import introspect  # noqa: PLC0415
    from ebp_lakehouse.source.registry import selected_tables  # noqa: PLC0415

    size = 0
    with connect(os.environ["EBP_SOURCE_URL"]) as connection:
        tables = introspect(connection, selected_tables(Settings.from_environment()))
        started = time.perf_counter()
        for table in tables.values():
            statement = sql.SQL("COPY {} TO STDOUT (FORMAT binary)").format(table.identifier)
            with connection.cursor().copy(statement) as copy:
                for message in copy:
                    size += len(message)
    return {"seconds": time.perf_counter() - started, "bytes": size}


def load() -> dict[str, Any]:
    """A whole run as the house makes it: capture, ingest, contract, reconciliation, publication, catalogs."""
    from ebp_lakehouse.bronze.batch import run_batch  # noqa: PLC0415
    from ebp_lakehouse.orchestration.partitions import today  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415
    from ebp_lakehouse.source.registry import selected_tables  # noqa: PLC0415

    started = time.perf_counter()
    settings = Settings.from_environment()
    result = run_batch(settings, selected_tables(settings), [today()], today())
    outcomes = result.outcomes.values()
    unhealthy = [f"{o.spec.name}: {o.error or o.problems or o.differences}" for o in outcomes if not o.healthy]
    assert not unhealthy, unhealthy
    batches = [outcome.batch for outcome in outcomes if outcome.batch is not None]
    return {
        "seconds": time.perf_counter() - started,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "tables": len(batches),
        "names": [batch.spec.name for batch in batches if batch.rows],
        "rows": sum(batch.rows for batch in batches),
        "bytes": sum(batch.commit.bytes for batch in batches if batch.commit),
    }


CHILDREN = {"floor": floor, "load": load, "again": load}


def run_dlt(names: list[str], environment: dict[str, str], home: Path) -> dict[str, Any]:
    python = DLT_VENV / "bin" / "python"
    if not python.exists():
        print("installing dlt into its own environment …", flush=True)
        venv.create(DLT_VENV, with_pip=True)
        subprocess.run(
            [
                python,
                "-m",
                "pip",
                "install",
                "-q",
                "dlt[filesystem,parquet,sql_database]",
                "sqlalchemy",
                "psycopg2-binary",
            ],
            check=True,
        )
    target = home / "dlt"
    target.mkdir()
    done = subprocess.run(
        [python, "-c", DLT_SCRIPT, json.dumps(names), str(target)],
        # One table after the other: dlt's round robin holds a connection for each, more than the server has.
        env=environment
        | {
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "RUNTIME__LOG_LEVEL": "ERROR",
            "EXTRACT__NEXT_ITEM_MODE": "fifo",
        },
        stdout=subprocess.PIPE, text=True, check=True,
    )  # fmt: skip
    return dict(json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    main()
