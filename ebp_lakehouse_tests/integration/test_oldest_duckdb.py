"""The catalog file in the oldest DuckDB that we promise, in an environment of its own: it shows what ours shows.

Not here: what the views should show (lake/test_lake_contract.py).
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from ebp_lakehouse.lake import catalog, publication
from ebp_lakehouse.lake.delta import open_at_pin
from ebp_lakehouse.lake.publication import Move
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import REPOSITORY_ROOT, Settings
from ebp_lakehouse_tests.integration.lake.processes import pin_of

pytestmark = pytest.mark.timeout(900)  # the demo lake is made by whichever test asks first

OLDEST = "1.4"
# Runs with nothing but DuckDB: opens the file as a stranger would, and prints what each query gives.
SCRIPT = """
import duckdb, json, sys
queries = json.load(sys.stdin)
with duckdb.connect(sys.argv[1], read_only=True) as connection:
    connection.execute("SET enable_progress_bar = false")
    found = {name: [[str(value) for value in row] for row in connection.execute(sql).fetchall()] for name, sql in queries.items()}
print(json.dumps([duckdb.__version__, found]))
"""
VIEWS = "SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL"


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python of an environment that holds DuckDB's oldest supported version, and nothing of ours."""
    folder = tmp_path_factory.mktemp("oldest")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", f"duckdb=={OLDEST}.*"]
    done = subprocess.run(pip, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"DuckDB {OLDEST} could not be installed from your package index:\n{done.stderr}"
    return python


def answers(python: Path | str, file: Path, queries: dict[str, str]) -> tuple[str, dict[str, Any]]:
    done = subprocess.run(
        [python, "-I", "-c", SCRIPT, str(file)], input=json.dumps(queries), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    version, found = json.loads(done.stdout)
    return version, found


@pytest.mark.parametrize("file", [catalog.CONVENIENCE_COPY, f"private/{catalog.CONVENIENCE_COPY}"])
def test_every_view_shows_the_same(oldest: Path, demo_lake: Settings, file: str) -> None:
    path = Path(demo_lake.lake_url) / file
    _, listed = answers(sys.executable, path, {"views": VIEWS})
    names = [f'"{schema}"."{view}"' for schema, view in listed["views"]]
    assert {"gold", "silver", "bronze"} == {schema for schema, _ in listed["views"]}
    queries = {name: f"SELECT count(*) FROM {name}" for name in names}
    # Gold to the last figure: its views are the ones that choose among partitions.
    queries |= {name: f"SELECT * FROM {name} ORDER BY ALL" for name in names if name.startswith('"gold"')}
    queries["freshness"] = "SELECT * REPLACE (epoch_us(published_at) AS published_at) FROM freshness ORDER BY ALL"
    queries["publication"] = "FROM publication"
    queries["comments"] = "SELECT * FROM (SELECT table_name, column_name, comment FROM duckdb_columns()) ORDER BY ALL"
    queries["comments"] = queries["comments"].replace("duckdb_columns()", "duckdb_columns() WHERE comment IS NOT NULL")
    _, ours = answers(sys.executable, path, queries)
    version, theirs = answers(oldest, path, queries)
    assert version.startswith(f"{OLDEST}.")
    for name, rows in ours.items():
        assert theirs[name] == rows, name
    assert len(ours['"gold"."kpi_catalogue"']) > 50
    assert len(ours["freshness"]) > 50
    assert len(ours["comments"]) > 500


def test_the_questions_of_the_reading_page_are_answered(oldest: Path, demo_lake: Settings) -> None:
    page = (REPOSITORY_ROOT / "docs" / "reading.md").read_text(encoding="utf-8")
    block = page.split("## The first five questions, in SQL")[1].split("```sql")[1].split("```")[0]
    queries = {sql.strip(): sql for sql in block.split(";") if "SELECT" in sql}
    assert len(queries) == 5
    _, found = answers(oldest, Path(demo_lake.lake_url) / catalog.CONVENIENCE_COPY, queries)
    assert all(found.values()), [sql for sql, rows in found.items() if not rows]


def test_series_state_and_daily_choose_the_same_partitions(oldest: Path, tmp_path: Path) -> None:
    """Two partitions. Series: key 1 as of the second, key 2 withdrawn by it. State: the second. Daily: both."""
    settings = Settings(lake_url=str(tmp_path / "lake"))
    first, second = date(2026, 11, 21), date(2026, 11, 22)
    data = pa.table(
        {
            "k": [1, 2, 1, 2],
            "v": [10, 20, 11, None],
            "_gold_partition_date": [first, first, second, second],
            "_gold_is_deleted": [False, False, False, True],
            "_gold_partition_month": [date(2026, 11, 1)] * 4,
        }
    )
    lake, moves = Lake.open(settings), {}
    for kind in ("series", "state", "daily"):
        writer = open_at_pin(lake, f"gold/{kind}", publication.latest(lake).pins.get(f"gold/{kind}"))
        partition = "_gold_partition_date" if kind == "state" else "_gold_partition_month"
        commit = writer.overwrite(data, partition_by=[partition])
        view = {"kind": "gold", "rows": kind, "key": ["k"], "newest": "2026-11-22"}
        moves[f"gold/{kind}"] = Move(writer.based_on, pin_of(commit.version, 4, view))
    catalog.publish(settings, moves, "test")
    queries = {kind: f"SELECT k, v FROM gold.{kind} ORDER BY ALL" for kind in ("series", "state", "daily")}
    queries["history"] = "SELECT k, v FROM gold.series_history ORDER BY ALL"
    _, found = answers(oldest, tmp_path / "lake" / catalog.CONVENIENCE_COPY, queries)
    everything = [["1", "10"], ["1", "11"], ["2", "20"], ["2", "None"]]
    assert found["series"] == [["1", "11"]]
    assert found["state"] == [["1", "11"], ["2", "None"]]
    assert found["daily"] == found["history"] == everything
