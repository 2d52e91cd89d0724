"""DuckDB sessions as the house opens them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
