"""An hourly batch: 0.1 % of the rows changed, then nothing changed; and the same changes on a base ten times larger.

    python benchmarks/hourly_batch.py [--scale 1.0] [--share 0.001] [--s3]

Source: a demo company of --scale (and one of a tenth of it) on an embedded PostgreSQL. In every priority table the share
of rows is updated, and a tenth of that deleted. Floor, in the same run: the scan that PostgreSQL
makes for the same rows (COPY of the rows above the horizon, and the count), through one connection, thrown away on
arrival. "Our share" is what the batch takes beyond it.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from environment import child, demo_source, empty_lake

GOAL_SECONDS, GOAL_IDLE_SECONDS, GOAL_GROWTH = 5.0, 2.0, 1.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--share", type=float, default=0.001)
    parser.add_argument("--s3", action="store_true")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measured(options.child[0], json.loads(options.child[1]))))
        return
    small = run(options.scale / 10, options.share * 10, s3=options.s3)
    large = run(options.scale, options.share, s3=options.s3)
    print(f"\n{'base':>10} {'changed':>9} {'batch':>9} {'scan':>9} {'our share':>10} {'unchanged':>10} {'files':>6}")
    for figures in (small, large):
        print(
            f"{figures['rows']:>10,} {figures['changes']:>9,} {figures['seconds']:>7.2f} s {figures['scan']:>7.2f} s "
            f"{figures['own']:>8.2f} s {figures['idle']:>8.2f} s {figures['idle_files']:>6}"
        )
    growth = large["own"] / small["own"]
    print(
        f"our share grows {growth:.2f} x on a base {large['rows'] / small['rows']:.1f} x larger (goal {GOAL_GROWTH:g})"
    )
    met = large["seconds"] <= GOAL_SECONDS and large["idle"] <= GOAL_IDLE_SECONDS and growth <= GOAL_GROWTH
    met = met and large["idle_files"] == 0
    print(f"goal: batch {GOAL_SECONDS:g} s, unchanged {GOAL_IDLE_SECONDS:g} s, no file: {'met' if met else 'NOT met'}")
    sys.exit(0 if met else 1)


def run(scale: float, share: float, *, s3: bool) -> dict[str, Any]:
    """First load, changes, batch, batch again: each batch in a process of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="ebp_benchmark_") as folder,
        demo_source(Path(folder), scale) as url,
        empty_lake(Path(folder), s3=s3) as lake,
    ):
        environment = os.environ | lake | {"EBP_SOURCE_URL": url}

        def one(what: str, given: Any = None) -> dict[str, Any]:
            return child(__file__, ["--child", what, json.dumps(given)], environment)

        first = one("batch")
        horizon = one("change", share)
        scan = one("scan", horizon["horizon"])
        batch, idle = one("batch"), one("batch")
    return {
        "rows": first["rows"],
        "changes": batch["changes"],
        "seconds": batch["seconds"],
        "scan": scan["seconds"],
        "own": batch["seconds"] - scan["seconds"],
        "idle": idle["seconds"],
        "idle_files": idle["files"],
    }


def measured(what: str, given: Any) -> dict[str, Any]:
    return {"batch": batch, "change": change, "scan": scan}[what](given)


def batch(_: Any) -> dict[str, Any]:
    from ebp_lakehouse.bronze.batch import run_batch  # noqa: PLC0415
    from ebp_lakehouse.orchestration.partitions import today  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415
    from ebp_lakehouse.source.registry import Registry  # noqa: PLC0415

    settings = Settings.from_environment()
    specs = Registry.load().select(settings.tables)
    started = time.perf_counter()
    result = run_batch(settings, specs, [today()], today())
    seconds = time.perf_counter() - started
    assert all(outcome.healthy for outcome in result.outcomes.values())
    batches = [outcome.batch for outcome in result.outcomes.values() if outcome.batch is not None]
    return {
        "seconds": seconds,
        "rows": sum(b.rows for b in batches),
        "changes": sum(b.inserted + b.updated + b.deleted for b in batches),
        "files": sum(b.commit.files for b in batches if b.commit),
    }


def change(share: float) -> dict[str, Any]:
    """Update ``share`` of every table's rows and delete a tenth of that; the horizon before."""
    import psycopg  # noqa: PLC0415
    from psycopg import sql  # noqa: PLC0415

    from ebp_lakehouse.source.introspection import introspect  # noqa: PLC0415
    from ebp_lakehouse.source.registry import Registry  # noqa: PLC0415

    with psycopg.connect(os.environ["EBP_SOURCE_URL"], autocommit=True) as connection:
        row = connection.execute("SELECT pg_snapshot_xmin(pg_current_snapshot())::text").fetchone()
        assert row
        for table in introspect(connection, Registry.load().select("priority")).values():
            free = [c for c in table.columns if c.name not in table.key and c.pg_type.startswith(("text", "character"))]
            dated = [c for c in table.columns if c.pg_type.startswith("timestamp") and c.name not in table.key]
            if not free and not dated:
                continue
            chosen = sql.SQL("ctid IN (SELECT ctid FROM {} ORDER BY ctid LIMIT ceil(%s * {}))").format(
                table.identifier, sql.Literal(table.estimated_rows)
            )
            column, value = (dated[-1], "now()::timestamp") if dated else (free[0], "'x'")
            statement = sql.SQL("UPDATE {} SET {} = {} WHERE {}").format(
                table.identifier, sql.Identifier(column.name), sql.SQL(value), chosen
            )
            connection.execute(statement, [share])
            connection.execute(sql.SQL("DELETE FROM {} WHERE {}").format(table.identifier, chosen), [share / 10])
    return {"horizon": int(row[0])}


def scan(horizon: int) -> dict[str, Any]:
    """What PostgreSQL alone needs: per table the count, and the changed rows sent to nowhere."""
    from psycopg import sql  # noqa: PLC0415

    from ebp_lakehouse.source.connection import connect  # noqa: PLC0415
    from ebp_lakehouse.source.extraction import changed_since  # noqa: PLC0415
    from ebp_lakehouse.source.introspection import introspect  # noqa: PLC0415
    from ebp_lakehouse.source.registry import Registry  # noqa: PLC0415

    size = 0
    with connect(os.environ["EBP_SOURCE_URL"]) as connection:
        tables = introspect(connection, Registry.load().select("priority"))
        started = time.perf_counter()
        for table in tables.values():
            connection.execute(sql.SQL("SELECT count(*) FROM {}").format(table.identifier)).fetchall()
            statement = sql.SQL("COPY (SELECT * FROM {}{}) TO STDOUT (FORMAT csv)")
            with connection.cursor().copy(statement.format(table.identifier, changed_since(horizon))) as copy:
                for message in copy:
                    size += len(message)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "bytes": size}


if __name__ == "__main__":
    main()
