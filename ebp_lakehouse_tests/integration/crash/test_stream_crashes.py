"""``kill -9`` at every durable step of a run that follows the change stream: each change is there once afterwards.

The slot is state at the source, so nothing is set back between the kills: one lake lives through all of them.
"""

from __future__ import annotations

from pathlib import Path

import psycopg

from ebp_lakehouse.lake import catalog
from ebp_lakehouse_tests.integration.bronze.conftest import database  # noqa: F401 - a fixture
from ebp_lakehouse_tests.integration.bronze.streaming import drop_slots, stream_settings
from ebp_lakehouse_tests.integration.crash.test_crashes import KILLED, STREAM, start


def test_killed_everywhere(database: str, tmp_path: Path) -> None:  # noqa: F811
    settings = stream_settings(database, str(tmp_path / "lake"))
    with psycopg.connect(database, autocommit=True) as db:
        for table in ("T", "U"):
            db.execute(f"""CREATE TABLE "{table}" ("Id" int PRIMARY KEY, note text)""")  # type: ignore[arg-type]
            db.execute(f"""INSERT INTO "{table}" VALUES (1, 'first'), (2, 'kept')""")  # type: ignore[arg-type]
        db.execute('CREATE PUBLICATION ebp_lakehouse FOR TABLE "T", "U"')
        try:
            assert start("batch", settings, STREAM[0]) == KILLED
            assert start("batch", settings) == 0
            query = "SELECT count(*) FROM pg_replication_slots WHERE database = current_database()"
            assert db.execute(query).fetchone() == (1,), "the slot that the killed run made is used, not left behind"
            expected = ["first"]
            for point in STREAM[1:]:
                for table in ("T", "U"):
                    for note in (f"{point} 1", f"{point} 2"):
                        db.execute(f"""UPDATE "{table}" SET note = '{note}' WHERE "Id" = 1""")  # type: ignore[arg-type]
                expected += [f"{point} 1", f"{point} 2"]
                assert start("batch", settings, point) == KILLED, f"{point} was not reached"
                assert start("batch", settings) == 0
                with catalog.connect(settings=settings) as lake:
                    for table in ("t", "u"):
                        found = lake.execute(
                            f'SELECT note FROM bronze.{table} WHERE "Id" = 1 ORDER BY _bronze_valid_from'
                        )
                        assert [row[0] for row in found.fetchall()] == expected, (point, table)
        finally:
            drop_slots(db)
