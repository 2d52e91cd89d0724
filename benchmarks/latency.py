"""How long after EBP's commit a reader sees it: through the change stream, the sensor, a run, and a publication.

    python benchmarks/latency.py [--scale 0.02] [--times 20] [--busy]

A demo company of --scale is followed with EBP_INGEST_MODE=cdc by a Dagster daemon as in production. One invoice is
changed (its header and its lines, one transaction) at a random moment of the sensor's cycle; the clock starts at the
commit and stops when ``connect()`` shows the new version in bronze. By default the run before has ended, so what is
measured is one change in a quiet hour; with --busy the next commit comes at once, while silver and gold of the run
before are still being computed.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from environment import demo_source, p95

from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.jobs import JOB
from ebp_lakehouse.orchestration.runs import instance_at
from ebp_lakehouse.orchestration.sensors import TICK_SECONDS, UNFINISHED
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.source.dba_script import render
from ebp_lakehouse.source.registry import selected_tables

GOAL_SECONDS = 20.0
PATIENCE_SECONDS = 180.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=0.02)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--busy", action="store_true")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # else the daemon would outlive us
    with tempfile.TemporaryDirectory(prefix="ebp_benchmark_") as folder:
        home = Path(folder)
        with demo_source(home, options.scale) as url, psycopg.connect(url, autocommit=True) as db:
            environment = {
                "EBP_SOURCE_URL": url,
                "EBP_LAKE_URL": str(home / "lake"),
                "EBP_INGEST_MODE": "cdc",
                "EBP_ENVIRONMENT": "production",
                "DAGSTER_HOME": str(home / "dagster"),
            }
            os.environ.update(environment)
            settings = Settings.from_environment()
            db.execute(render(selected_tables(settings)))
            instance_at(home / "dagster").dispose()
            with daemon():
                sys.exit(0 if measure(options, db, settings) else 1)


@contextmanager
def daemon() -> Iterator[None]:
    """Dagster's daemon on our definitions: it turns the sensor and starts the runs."""
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "ebp_lakehouse.definitions"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # and the run that it had started
        process.wait()


def measure(options: argparse.Namespace, db: psycopg.Connection[Any], settings: Settings) -> bool:
    print("first load, by the sensor …", flush=True)
    lake = Lake.open(settings)
    with dg.DagsterInstance.get() as instance:
        until(lambda: publication.latest(lake).pins.get("gold/sales_daily_kpi") is not None, "the first load")
        quiet(instance)
        found = db.execute(
            """SELECT d."Id" FROM "SaleDocument" d WHERE d."DocumentType" = 2 ORDER BY d."Id" LIMIT 1"""
        ).fetchone()
        assert found
        chance, seconds = random.Random(1), []  # noqa: S311  a moment of the sensor's cycle, not a secret
        for number in range(options.times):
            if not options.busy:
                quiet(instance)
            time.sleep(chance.uniform(0, TICK_SECONDS))
            committed = time.time()
            seconds.append(once(db, settings, lake, str(found[0]), number))
            print(f"  {number + 1:>3}: {seconds[-1]:4.1f} s  {stages(instance, committed)}", flush=True)
        quiet(instance)  # its run must not write into a home that is being removed
    slow = p95(seconds)
    print(
        f"from a commit to a reader, {len(seconds)} times: median {statistics.median(seconds):.1f} s, p95 {slow:.1f} s"
    )
    print(f"goal: p95 {GOAL_SECONDS:g} s: {'met' if slow <= GOAL_SECONDS else 'NOT met'}")
    return slow <= GOAL_SECONDS


def once(db: psycopg.Connection[Any], settings: Settings, lake: Lake, document: str, number: int) -> float:
    note = f"latency {number}"
    before = publication.latest_number(lake)
    with db.transaction():
        db.execute("""UPDATE "SaleDocument" SET "NotesClear" = %s WHERE "Id" = %s""", (note, document))
        db.execute(
            """UPDATE "SaleDocumentLine" SET "sysModifiedDate" = now()::timestamp WHERE "DocumentId" = %s""",
            (document,),
        )
    started = time.perf_counter()

    def seen() -> bool:
        if publication.latest_number(lake) == before:
            return False
        with connect(settings=settings) as reader:
            rows = reader.execute(
                """SELECT "NotesClear" FROM bronze.sale_document_current WHERE "Id" = ?""", [document]
            ).fetchall()
        return bool(rows == [(note,)])

    until(seen, "the change")
    return time.perf_counter() - started


def stages(instance: dg.DagsterInstance, committed: float) -> str:
    """Where the time went: until the sensor asked for a run, until the run's process was there, the rest is its step."""
    run = instance.get_run_records(dg.RunsFilter(job_name=JOB), limit=1)[0]
    asked, started = run.create_timestamp.timestamp(), run.start_time or 0.0
    return f"(run asked for after {asked - committed:.1f} s, started after {started - committed:.1f} s)"


def until(done: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not done():
        if time.monotonic() > deadline:
            sys.exit(f"{what} did not come within {PATIENCE_SECONDS:g} s")
        time.sleep(0.1)


def quiet(instance: dg.DagsterInstance) -> None:
    """Wait until no run is queued or running."""
    until(
        lambda: not instance.get_run_records(dg.RunsFilter(job_name=JOB, statuses=UNFINISHED), limit=1),
        "the end of a run",
    )


if __name__ == "__main__":
    main()
