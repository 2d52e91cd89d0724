"""How fast changes come in: changes per second, and seconds from a commit to its publication.

    python benchmarks/cdc.py [--changes 1000 50000] [--rows 100000] [--single 20] [--s3]

A narrow table of --rows rows (ten columns) on an embedded PostgreSQL is followed into a lake (a folder, or an embedded
S3 store). For each number of --changes, four fifths updates, one tenth inserts and one tenth deletes are committed, a
hundred to a transaction; the clock starts at the last commit and stops when the run has published. Then --single times
one row is committed and brought in by a run of its own. Everything is compared with the source at the end.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from environment import p95
from pydantic import SecretStr

from ebp_lakehouse.bronze.batch import BatchResult, run_batch
from ebp_lakehouse.demo.servers import EmbeddedPostgres, EmbeddedS3
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.settings import S3Options, Settings
from ebp_lakehouse.source.registry import TableSpec

GOAL_CHANGES_A_SECOND = 10_000
GOAL_SINGLE_SECONDS = 5.0
A_TRANSACTION = 100
SPEC = TableSpec(name="Narrow", asset="narrow", domain="sales", description="Table de mesure.")
TABLE = """
CREATE TABLE "Narrow" ("Id" int PRIMARY KEY, code varchar(20), label text, amount numeric, quantity numeric,
  kind smallint, done boolean, made timestamp, owner uuid, note text)
"""
ROW = """
SELECT g, 'C' || g, 'label ' || g, g * 1.01, g %% 7, g %% 5, g %% 2 = 0, timestamp '2026-01-01' + g * interval '1 minute',
  md5(g::text)::uuid, NULL FROM generate_series(%s::int, %s::int) g
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--changes", type=int, nargs="+", default=[1000, 50_000])
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--single", type=int, default=20)
    parser.add_argument("--s3", action="store_true")
    options = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ebp_benchmark_")))
        postgres = EmbeddedPostgres(home / "postgres")
        stack.callback(postgres.remove)
        stack.enter_context(postgres)
        settings = lake(home, stack, s3=options.s3).model_copy(
            update={"source_url": SecretStr(postgres.url), "ingest_mode": "cdc"}
        )
        with psycopg.connect(postgres.url, autocommit=True) as db:
            sys.exit(0 if measure(options, db, settings) else 1)


def measure(options: argparse.Namespace, db: psycopg.Connection[Any], settings: Settings) -> bool:
    db.execute(TABLE)
    db.execute(f'INSERT INTO "Narrow" {ROW}', (1, options.rows))
    db.execute('CREATE PUBLICATION ebp_lakehouse FOR TABLE "Narrow"')
    started = time.perf_counter()
    run(settings)
    print(f"first load of {options.rows:,} rows: {time.perf_counter() - started:.2f} s")
    started = time.perf_counter()
    run(settings)
    print(f"nothing changed: {time.perf_counter() - started:.2f} s")
    met, next_id = True, options.rows + 1
    for count in options.changes:
        next_id = commit(db, count, next_id)
        started, used = time.perf_counter(), time.process_time()
        result = run(settings)
        seconds, used = time.perf_counter() - started, time.process_time() - used
        batch = result.outcomes["narrow"].batch
        assert batch is not None
        assert batch.choice.route == "cdc", batch.choice
        assert batch.scanned_rows == count
        print(
            f"{count:>7,} changes: {seconds:6.2f} s from the last commit to published, {count / seconds:>8,.0f} a second "
            f"({used:.2f} s of our own processor time)"
        )
        if count == max(options.changes):
            met = count / seconds >= GOAL_CHANGES_A_SECOND
    single = []
    for number in range(options.single):
        db.execute('UPDATE "Narrow" SET note = %s WHERE "Id" = %s', (f"single {number}", options.rows - number))
        started = time.perf_counter()
        run(settings)
        single.append(time.perf_counter() - started)
    slow = p95(single)
    print(f"one commit to published, {len(single)} times: median {statistics.median(single):.2f} s, p95 {slow:.2f} s")
    check(db, settings)
    met = met and slow <= GOAL_SINGLE_SECONDS
    print(
        f"goal: {GOAL_CHANGES_A_SECOND:,} changes a second, one commit within {GOAL_SINGLE_SECONDS:g} s: "
        f"{'met' if met else 'NOT met'}"
    )
    return met


def commit(db: psycopg.Connection[Any], count: int, next_id: int) -> int:
    """Commit ``count`` changes; returns the next free key."""
    tenth = A_TRANSACTION // 10
    for _ in range(0, count, A_TRANSACTION):
        with db.transaction():
            db.execute(f'INSERT INTO "Narrow" {ROW}', (next_id, next_id + tenth - 1))
            gone = db.execute(
                'DELETE FROM "Narrow" WHERE "Id" IN (SELECT "Id" FROM "Narrow" WHERE "Id" < %s ORDER BY "Id" LIMIT %s)',
                (next_id, tenth),
            )
            assert gone.rowcount == tenth
            changed = db.execute(
                'UPDATE "Narrow" SET amount = amount + 1 WHERE "Id" IN '
                '(SELECT "Id" FROM "Narrow" WHERE "Id" < %s ORDER BY "Id" DESC LIMIT %s)',
                (next_id, A_TRANSACTION - 2 * tenth),
            )
            assert changed.rowcount == A_TRANSACTION - 2 * tenth
        next_id += tenth
    return next_id


def run(settings: Settings) -> BatchResult:
    today = datetime.now(UTC).date()
    result = run_batch(settings, [SPEC], [today], today)
    outcome = result.outcomes["narrow"]
    assert outcome.healthy, (outcome.error, outcome.problems, outcome.differences)
    return result


def check(db: psycopg.Connection[Any], settings: Settings) -> None:
    """The lake equals the source."""
    query = 'SELECT count(*), sum("Id"), sum(amount), sum(quantity), count(note) FROM '
    theirs = db.execute(query + '"Narrow"').fetchone()
    with connect(settings=settings) as lake_:
        (ours,) = lake_.execute(query + "bronze.narrow_current").fetchall()
    assert theirs == ours, (theirs, ours)


def lake(home: Path, stack: ExitStack, *, s3: bool) -> Settings:
    if not s3:
        return Settings(lake_url=str(home / "lake"))
    store = stack.enter_context(EmbeddedS3(home / "s3"))
    return Settings(
        lake_url=f"s3://{store.bucket}/run",
        s3=S3Options(
            access_key_id=SecretStr(store.access_key_id),
            secret_access_key=SecretStr(store.secret_access_key),
            endpoint_url=store.endpoint_url,
        ),
    )


if __name__ == "__main__":
    main()
