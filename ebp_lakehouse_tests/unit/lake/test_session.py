"""DuckDB sessions as the house opens them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ebp_lakehouse.lake.session import beside, session, shared
from ebp_lakehouse.settings import Settings

# Without the session's own buffer this never ends, and no signal reaches it: so in a process of its own.
TWO_LAST_STEPS = """
import sys
from ebp_lakehouse.lake.session import session
from ebp_lakehouse.settings import Settings

folder = sys.argv[1]
with session(Settings(lake_url=folder), folder + "/scratch.duckdb") as connection:
    connection.execute(
        "CREATE TABLE built AS SELECT md5(range::VARCHAR) AS key, (range * 3)::DECIMAL(28, 8) AS one, "
        "(range * 5)::DECIMAL(28, 8) AS two, (range * 7)::DECIMAL(28, 8) AS three FROM range(900_000)"
    )
    connection.execute(
        "COPY (SELECT key, one + (n % 20 = 0)::INT AS one, two, three FROM (SELECT row_number() OVER () AS n, * FROM built) "
        f"WHERE n % 1000 <> 1) TO '{folder}/published.parquet'"
    )
    connection.execute(f"CREATE VIEW published AS FROM '{folder}/published.parquet'")
    rows = connection.execute(
        "SELECT b.*, p.key IS NULL FROM (FROM built) b LEFT JOIN (FROM published) p USING (key) "
        "WHERE p.key IS NULL OR b IS DISTINCT FROM p "
        "UNION ALL SELECT p.*, false FROM (FROM published) p ANTI JOIN (FROM built) b USING (key)"
    ).fetchall()
print(len(rows))
"""


def test_a_large_result_of_several_last_steps_comes_whole(tmp_path: Path) -> None:
    """duckdb/duckdb#22215, which stopped silver for good when 43 000 rows of one table changed at once."""
    done = subprocess.run(
        [sys.executable, "-c", TWO_LAST_STEPS, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    # every 20th row of 900 000 differs, every 1000th is missing; none is both
    assert done.stdout.split()[-1] == "45900"


def _threads(connection: duckdb.DuckDBPyConnection) -> int:
    return int(connection.execute("SELECT current_setting('threads')").fetchall()[0][0])


@pytest.mark.parametrize(("threads", "at_once", "of_duckdb"), [(1, 1, 1), (2, 2, 1), (3, 2, 2), (4, 2, 3), (8, 4, 5)])
def test_statements_at_once_and_duckdbs_own_threads_are_as_many_as_allowed(
    threads: int, at_once: int, of_duckdb: int
) -> None:
    """DuckDB counts one of its callers' threads as its own: callers + its own - 1 run."""
    with duckdb.connect(config={"threads": threads}) as connection:
        with shared(connection, threads) as given:
            assert (given, _threads(connection)) == (at_once, of_duckdb)
            assert given + of_duckdb - 1 == threads
        assert _threads(connection) == threads


def test_after_an_error_duckdb_has_its_threads_again() -> None:
    def fail() -> None:
        raise OSError("no space left")

    with duckdb.connect(config={"threads": 4}) as connection:
        with pytest.raises(OSError, match="no space left"), shared(connection, 4):
            fail()
        assert _threads(connection) == 4


def test_a_cursor_beside_looks_names_up_where_the_connection_does(tmp_path: Path) -> None:
    with session(Settings(lake_url=str(tmp_path))) as connection:
        connection.execute("ATTACH ':memory:' AS other; USE other; CREATE TABLE here AS SELECT 7 AS number")
        with beside(connection, "other") as cursor:
            assert cursor.execute("SELECT number, current_setting('streaming_buffer_size') FROM here").fetchall() == [
                (7, connection.execute("SELECT current_setting('streaming_buffer_size')").fetchall()[0][0])
            ]
