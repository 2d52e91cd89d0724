"""Changed rows by EBP's dates, for sources without xmin: what it finds, what it misses, and that the proof says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from ebp_lakehouse.bronze.prove import content_differences
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.delta import load
from ebp_lakehouse.source.extraction import CLOCK_SKEW
from ebp_lakehouse_tests.integration.bronze.conftest import House


@pytest.fixture
def viewed(new_house: Callable[..., House]) -> House:
    """T is a view of a table ``base``: rows without xmin, of old dates."""
    house = new_house()
    house.run(
        'CREATE TABLE base ("Id" text PRIMARY KEY, note text, "sysCreatedDate" timestamp, "sysModifiedDate" timestamp)',
        """INSERT INTO base SELECT 'r' || g, 'n', '2020-01-01', '2020-01-01' FROM generate_series(1, 50) g""",
        """INSERT INTO base VALUES ('undated', 'n', NULL, NULL)""",
        'CREATE VIEW "T" AS SELECT * FROM base',
    )
    return house


def differences(house: House) -> list[str]:
    pin = publication.latest(house.lake).pins[house.spec.lake_key]
    version = load(house.lake, house.spec.lake_key, pin.version)
    assert version is not None
    with house.capture() as capture:
        return content_differences(capture, capture.tables["T"], house.lake, version)


def test_what_ebp_dates_is_found_and_deletes_are_too(viewed: House) -> None:
    assert viewed.ingest(by_dates=True).choice.route == "snapshot"
    viewed.run(
        """UPDATE base SET note = 'x', "sysModifiedDate" = now() AT TIME ZONE 'Europe/Paris' WHERE "Id" = 'r1'""",
        """INSERT INTO base VALUES ('new', 'n', now() AT TIME ZONE 'Europe/Paris', NULL)""",
        """UPDATE base SET note = 'y' WHERE "Id" = 'undated'""",
        """DELETE FROM base WHERE "Id" = 'r2'""",
    )
    batch = viewed.ingest(by_dates=True)
    assert (batch.choice.route, batch.scanned_rows) == ("timestamp", 3)
    assert (batch.inserted, batch.updated, batch.deleted) == (1, 2, 1)
    assert differences(viewed) == []
    assert viewed.ingest(by_dates=True).commit is None


def test_a_commit_later_than_the_allowance_is_missed_and_the_proof_and_a_full_reading_find_it(viewed: House) -> None:
    viewed.ingest(by_dates=True)
    late = datetime.now(UTC) - CLOCK_SKEW - timedelta(hours=1)
    viewed.run(f"""UPDATE base SET note = 'late', "sysModifiedDate" = '{late:%Y-%m-%d %H:%M}' WHERE "Id" = 'r1'""")
    assert viewed.ingest(by_dates=True).commit is None
    missing, extra = differences(viewed)
    assert missing.startswith("1 rows of the source are not in the lake as they are (Id = r1")
    assert extra.startswith("1 live rows of the lake are not at the source (Id = r1")
    assert viewed.ingest(full=True).updated == 1
    assert differences(viewed) == []
