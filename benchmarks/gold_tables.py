"""Gold: all tables computed, a table and an ad-hoc query as a notebook reads them; two of them in pandas and in Spark.

    python benchmarks/gold_tables.py [--scale 1.0] [--lake FOLDER] [--environments FOLDER]

A demo company of --scale is brought through bronze and silver; then every gold table is computed, checked and written
twice in a process of its own, and what the second time wrote is published. Where no document is dated today (at a weekend) a
build of silver for the day comes before it (ADR 12), the first time by dbt: told apart, silver has a goal of its own.
Beside it, in the same run, sales_daily_kpi and sales_by_customer from the same silver Parquet: DuckDB with our SQL, pandas by
hand (gold_peers.py), PySpark in local mode with our SQL in its dialect. Each peer lives in an environment of its own, made
below a temporary folder (or in --environments, to keep them). --lake takes a folder lake with gold that is there instead;
then nothing is published.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from environment import child, demo_source

from ebp_lakehouse.silver.manifest import load_manifest

PROJECT = Path(__file__).parents[1] / "dbt_silver"
GOAL_SECONDS, GOAL_TABLE_MS, GOAL_QUERY_MS = 20.0, 100.0, 200.0
PEERS = {"pandas": ["pandas", "pyarrow"], "pyspark": ["pyspark"]}
TABLES = ("sales_daily_kpi", "sales_by_customer")
SILVER = ("fact_sales", "dim_date", "dim_product", "dim_customer")
REPEATS = 7
AD_HOC = """
    SELECT p.family_name, d.year, d.month, sum(f.net_amount_excl_tax), sum(f.margin_amount), count(DISTINCT f.customer_id)
    FROM silver.fact_sales AS f
    JOIN silver.dim_date AS d ON d.date_id = f.date_key
    JOIN silver.dim_product AS p ON p.product_id = f.product_id AND p.is_current
    WHERE f.document_type IN ('Invoice', 'CreditNote')
    GROUP BY ALL ORDER BY ALL
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--environments", type=Path)
    parser.add_argument("--child", choices=["silver", "gold", "read", "work"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps({"silver": silver, "gold": gold, "read": read, "work": work}[options.child]()))
        return
    with tempfile.TemporaryDirectory(prefix="ebp_benchmark_") as folder:
        with lake(options, Path(folder)) as environment:
            computed = child(__file__, ["--child", "gold"], environment)
            reading = child(__file__, ["--child", "read"], environment)
            given = child(__file__, ["--child", "work"], environment)
        met = report(computed, reading)
        compare(given, options.environments or Path(folder) / "environments")
    sys.exit(0 if met else 1)


@contextmanager
def lake(options: argparse.Namespace, folder: Path) -> Iterator[dict[str, str]]:
    """The EBP_* variables of a lake with silver."""
    project = shutil.copytree(PROJECT, folder / "dbt_silver", ignore=shutil.ignore_patterns("target"))
    load_manifest(project)  # parsed, and no build is kept beside the parse
    environment = os.environ | {"EBP_DBT_PROJECT_DIR": str(project)}
    if options.lake:
        yield environment | {"EBP_LAKE_URL": str(options.lake.absolute()), "EBP_BENCHMARK_PUBLISH": ""}
        return
    with demo_source(folder, options.scale) as url:
        environment |= {
            "EBP_LAKE_URL": str(folder / "lake"),
            "EBP_SOURCE_URL": url,
            "DAGSTER_HOME": str(folder / "dagster"),
            "EBP_BENCHMARK_PUBLISH": "1",
        }
        made = child(__file__, ["--child", "silver"], environment)
        print(f"bronze and silver: {made['seconds']:.1f} s", flush=True)
        yield environment


def report(computed: dict[str, Any], reading: dict[str, Any]) -> bool:
    slowest = sorted(computed["tables"].items(), key=lambda item: -item[1])[:5]
    print(
        f"\n{len(computed['tables'])} gold tables, {computed['rows']:,} rows from {computed['sales']:,} rows of sales"
    )
    first, again = computed["rebuilding"] or (0.0, 0.0)
    seconds = computed["seconds"] - again
    print(f"  all computed, checked, written {seconds:>8.2f} s   goal {GOAL_SECONDS:g} s")
    print(f"    of which {', '.join(f'{name} {taken:.2f} s' for name, taken in slowest)}")
    print(f"  memory at most                 {computed['peak'] / 1e6:>8.0f} MB")
    if again:
        print(f"  before it, silver of a day without documents {again:.2f} s, by dbt the first time {first:.2f} s")
    if not reading["tables"]:
        sys.exit("The lake has no table of gold to read: publish some, or leave --lake out.")
    name, milliseconds = max(reading["tables"].items(), key=lambda item: item[1])
    middle = statistics.median(reading["tables"].values())
    print(f"  connect()                      {reading['connect']:>8.0f} ms")
    print(
        f"  a gold table as a data frame   {middle:>8.0f} ms  slowest {name}: {milliseconds:.0f} ms, goal {GOAL_TABLE_MS:g}"
    )
    print(f"  ad-hoc query over fact_sales   {reading['query']:>8.0f} ms  goal {GOAL_QUERY_MS:g}")
    met = seconds <= GOAL_SECONDS and milliseconds <= GOAL_TABLE_MS and reading["query"] <= GOAL_QUERY_MS
    print(f"goals: {'met' if met else 'NOT met'}", flush=True)
    return met


def compare(given: dict[str, Any], environments: Path) -> None:
    """The two tables by each engine, and whether it found our figures."""
    print(f"\n{' and '.join(TABLES)} from the same Parquet: start, best of three, ratio", flush=True)
    ours = peer(Path(sys.executable), "duckdb", given, given["sql"])
    show("DuckDB, our SQL", ours, ours)
    show("pandas, doubles", peer(environment_of("pandas", environments), "pandas", given, {}), ours)
    if shutil.which("java") is None:
        print("  PySpark: left out, there is no Java on this machine (apt-get install openjdk-17-jre-headless)")
        return
    show("PySpark local[2]", peer(environment_of("pyspark", environments), "pyspark", given, spark(given["sql"])), ours)


def show(name: str, found: dict[str, Any], ours: dict[str, Any]) -> None:
    best, least = min(found["seconds"]), min(ours["seconds"])
    differing = {
        what: (found["figures"][what], value)
        for what, value in ours["figures"].items()
        if abs(found["figures"][what] - value) > 1e-9 * max(1.0, abs(value))
    }
    verdict = "DIFFERS from ours: " + str(differing) if differing else "same figures"
    print(f"  {name:<18} {found['start']:>7.2f} s {best:>8.3f} s {best / least:>7.1f} x  {verdict}", flush=True)


def peer(python: Path, engine: str, given: dict[str, Any], sql: dict[str, str]) -> dict[str, Any]:
    script = Path(__file__).with_name("gold_peers.py")
    done = subprocess.run(
        [python, script, engine], input=json.dumps(given | {"sql": sql}), stdout=subprocess.PIPE, text=True, check=True
    )
    return dict(json.loads(done.stdout.splitlines()[-1]))


def environment_of(engine: str, folder: Path) -> Path:
    """Python of the environment of one engine; made when it is not there."""
    python = folder / engine / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / engine], check=True)
        pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", *PEERS[engine]]
        subprocess.run(pip, check=True)
    return python


def spark(sql: dict[str, str]) -> dict[str, str]:
    """Our SQL in Spark's dialect: transpiled, after what no transpiler can know (what is a date) was said."""
    import sqlglot  # noqa: PLC0415

    said = [
        (r"\$as_of - (\w+\.\w+)", r"date_diff('day', \1, $as_of)"),
        (r"document_date - (lag\(document_date\) over \([^)]*\))", r"date_diff('day', \1, document_date)"),
        (r"concat\((s\.\w+), (s\.\w+), (s\.\w+)\)", r"\1::varchar || \2::varchar || \3::varchar"),
        (r"\bsilver\.", ""),
    ]
    made = {}
    for name, text in sql.items():
        for pattern, replacement in said:
            text = re.sub(pattern, replacement, text)  # noqa: PLW2901
        text = re.sub(r"to_months\(([^)]*)\)", r"month_span(\1)", text)  # noqa: PLW2901
        (transpiled,) = sqlglot.transpile(text, read="duckdb", write="spark")
        made[name] = re.sub(r"month_span\(", "make_ym_interval(0, ", transpiled, flags=re.IGNORECASE)
    return made


def silver() -> dict[str, Any]:
    from ebp_lakehouse.orchestration.runs import instance_at, materialize  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415

    started = time.perf_counter()
    selection = 'key:"bronze/*" or key:"silver/*"'
    made = materialize(Settings.from_environment(), instance_at(Path(os.environ["DAGSTER_HOME"])), selection)
    assert made.ok, (made.failed_checks, made.error)
    return {"seconds": time.perf_counter() - started}


def gold() -> dict[str, Any]:
    from ebp_lakehouse.gold import compute as gold_compute  # noqa: PLC0415
    from ebp_lakehouse.gold.tables import GOLD_TABLES  # noqa: PLC0415
    from ebp_lakehouse.lake import catalog, publication  # noqa: PLC0415
    from ebp_lakehouse.lake.store import Lake  # noqa: PLC0415
    from ebp_lakehouse.orchestration.partitions import today  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415
    from ebp_lakehouse.silver.contract import contracts  # noqa: PLC0415
    from ebp_lakehouse.silver.manifest import load_manifest  # noqa: PLC0415

    settings = Settings.from_environment()
    silver_contracts = contracts(load_manifest(settings.dbt_project_dir))
    record = publication.latest(Lake.open(settings))
    build, rebuilding = gold_compute.build, []

    def timed_build(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        built = build(*arguments, **options)
        rebuilding.append(time.perf_counter() - started)
        return built

    gold_compute.build = timed_build
    for _ in range(2):
        started = time.perf_counter()
        results = gold_compute.compute(settings, record, GOLD_TABLES, silver_contracts, [today()], today())
        seconds = time.perf_counter() - started
    wrong = {name: result.findings for name, result in results.items() if result.findings}
    assert not wrong, wrong
    if os.environ["EBP_BENCHMARK_PUBLISH"]:
        moves = {key: move for result in results.values() for key, move in result.moves.items()}
        catalog.publish(settings, moves, "benchmark")
    return {
        "seconds": seconds,
        "rebuilding": rebuilding,
        "tables": {name: result.seconds for name, result in results.items()},
        "rows": sum(result.rows for result in results.values()),
        "sales": record.pins["silver/fact_sales"].rows,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


def read() -> dict[str, Any]:
    """What a notebook waits for: connecting (the catalog is in the cache), tables as Polars frames, one query."""
    from ebp_lakehouse.lake.catalog import connect  # noqa: PLC0415

    connect().close()
    started = time.perf_counter()
    with connect() as connection:
        connected = time.perf_counter() - started
        views = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'gold' AND view_name NOT LIKE '%_history'"
        names = [name for (name,) in connection.execute(views).fetchall()]

        def milliseconds(sql: str) -> float:
            taken = []
            for _ in range(REPEATS):
                started = time.perf_counter()
                connection.execute(sql).pl()
                taken.append(time.perf_counter() - started)
            return statistics.median(taken) * 1000

        tables = {name: milliseconds(f"FROM gold.{name}") for name in names}
        return {"connect": connected * 1000, "tables": tables, "query": milliseconds(AD_HOC)}


def work() -> dict[str, Any]:
    """What the peers are given: silver's published files, the day, the parameters, and our SQL."""
    from ebp_lakehouse.gold.tables import GOLD_TABLES  # noqa: PLC0415
    from ebp_lakehouse.lake.catalog import connect  # noqa: PLC0415
    from ebp_lakehouse.orchestration.partitions import today  # noqa: PLC0415
    from ebp_lakehouse.parameters import parameters  # noqa: PLC0415
    from ebp_lakehouse.settings import Settings  # noqa: PLC0415

    settings = Settings.from_environment()
    values = parameters(settings.dbt_project_dir, settings.parameters_file).values
    find = r"SELECT list_distinct(regexp_extract_all(sql, '''([^'']+\.parquet)''', 1)) FROM duckdb_views() WHERE view_name = ?"
    with connect() as connection:
        files = {
            name: connection.execute(f"{find} AND schema_name = 'silver'", [name]).fetchall()[0][0] for name in SILVER
        }
    return {
        "files": files,
        "as_of": today().isoformat(),
        "parameters": {name: value for name, value in values.items() if isinstance(value, (int, float))},
        "sql": {table.name: spelt_out(table.sql) for table in GOLD_TABLES if table.name in TABLES},
    }


def spelt_out(sql: str) -> str:
    """The query with gold's macro ``cents`` written out: the peers have no macros."""
    while (start := sql.find("cents(")) >= 0:
        end = start + len("cents(")
        depth = 1
        while depth:
            depth += {"(": 1, ")": -1}.get(sql[end], 0)
            end += 1
        amount = sql[start + len("cents(") : end - 1]
        sql = f"{sql[:start]}round(({amount})::decimal(28, 8), 2)::decimal(18, 2){sql[end:]}"
    return sql


if __name__ == "__main__":
    main()
