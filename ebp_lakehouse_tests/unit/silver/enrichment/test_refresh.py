"""Two runs over the same folder lake: nothing is asked twice, nothing that was answered is lost, broken rows are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.settings import REPOSITORY_ROOT, Settings
from ebp_lakehouse.silver.contract import TableContract, enrichment_contracts
from ebp_lakehouse.silver.enrichment import refresh
from ebp_lakehouse.silver.enrichment.economy import economic_service
from ebp_lakehouse.silver.enrichment.geocoding import Geocoder, geocoder
from ebp_lakehouse.silver.enrichment.refresh import refresh_addresses, refresh_indices, refresh_weather
from ebp_lakehouse.silver.enrichment.shelf import Shelf
from ebp_lakehouse.silver.enrichment.weather import weather_service
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse_tests.unit.silver.enrichment.servers import (
    BAN_NOTHING,
    Asked,
    Clock,
    Local,
    Reply,
    as_json,
    ban_place,
    bdm_message,
    bdm_series,
    open_meteo,
    serving,
)

DAY = date(2026, 2, 10)
BT01, OTHER = "001710986", "001565183"
WEATHER = {"weather_communes": 20, "weather_years": 0, "weather_delay_days": 5}


@pytest.fixture(scope="module")
def contracts() -> dict[str, TableContract]:
    return enrichment_contracts(load_manifest(REPOSITORY_ROOT / "dbt_silver"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(lake_url=str(tmp_path / "lake"))


@pytest.fixture
def cache(settings: Settings, contracts: dict[str, TableContract], monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """A cache whose addresses are six lines of text instead of bronze."""
    lines = [(f"{n:032x}", f"{n} rue des Lilas, 44000 NANTES", "FR") for n in range(6)]
    addresses = pl.DataFrame(lines, schema=["address_key", "address", "country_code"], orient="row")
    monkeypatch.setattr(refresh, "_addresses", lambda *_: addresses)
    return Shelf(settings, replace(contracts["geocoded_addresses"], bronze=()), DAY, "run")


def ban(local: Local) -> Geocoder:
    made = geocoder(Settings(geocoder="ban", geocoder_url=local.url), Clock().patience())
    assert made is not None
    return made


def number(asked: Asked) -> int:
    return int(asked.query["q"].split()[0])


def rows(settings: Settings, sql: str, *, private: bool = False) -> list[tuple[Any, ...]]:
    with connect(settings=settings, private=private) as connection:
        return connection.execute(sql).fetchall()


def test_offline_tables_are_published_empty_and_typed_and_then_left_alone(
    settings: Settings, contracts: dict[str, TableContract]
) -> None:
    def run() -> int:
        refresh_addresses(Shelf(settings, contracts["geocoded_addresses"], DAY), None, 10)
        refresh_weather(Shelf(settings, contracts["weather_daily"], DAY), None, {}, DAY)
        refresh_indices(Shelf(settings, contracts["economic_index"], DAY), None, {})
        return publication.latest_number(Lake.open(settings))

    assert run() == run()
    for name, contract in contracts.items():
        described = dict(row[:2] for row in rows(settings, f"DESCRIBE silver.{name}", private=True))
        assert described.pop("_silver_ingestion_date") == "DATE"
        assert described == {column.name: column.data_type.upper() for column in contract.columns}
        assert rows(settings, f"SELECT count(*) FROM silver.{name}") == [(0,)]


def test_no_address_is_asked_twice_and_each_run_asks_few(cache: Shelf) -> None:
    with serving(lambda asked: BAN_NOTHING if number(asked) == 1 else ban_place(47.0 + number(asked), -1.5)) as local:
        first = refresh_addresses(cache, ban(local), 4)
        assert first.counts == {"addresses": 6, "found": 3, "not_found": 1, "refused": 0, "still_to_ask": 2}
        second = refresh_addresses(cache, ban(local), 4)
        assert second.counts == {"addresses": 6, "found": 2, "not_found": 0, "refused": 0, "still_to_ask": 0}
        third = refresh_addresses(cache, ban(local), 4)
        assert (third.counts["found"], third.bytes_written) == (0, 0)
    assert [number(asked) for asked in local.asked] == [0, 1, 2, 3, 4, 5]
    assert rows(
        cache.settings,
        "SELECT status, count(*), min(latitude), max(latitude) FROM silver.geocoded_addresses GROUP BY 1 ORDER BY 1",
        private=True,
    ) == [("found", 5, 47.0, 52.0), ("not_found", 1, None, None)]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_of_nothing_asks_nobody_and_still_publishes_the_empty_table(cache: Shelf, limit: int) -> None:
    with serving(lambda _: BAN_NOTHING) as local:
        outcome = refresh_addresses(cache, ban(local), limit)
    assert (outcome.counts["still_to_ask"], local.asked) == (6, [])
    assert rows(cache.settings, "SELECT count(*) FROM silver.geocoded_addresses") == [(0,)]


def test_addresses_and_points_are_private(cache: Shelf) -> None:
    with serving(lambda _: ban_place(47.2, -1.5)) as local:
        refresh_addresses(cache, ban(local), 1)
    public = {row[0] for row in rows(cache.settings, "DESCRIBE silver.geocoded_addresses")}
    assert not public & {"address", "latitude", "longitude"}
    files = (Path(cache.settings.lake_url) / "silver" / "geocoded_addresses").rglob("*.parquet")
    assert {name for file in files for name in pl.read_parquet_schema(file)} == public


def test_a_server_that_dies_half_way_loses_no_answer(cache: Shelf) -> None:
    def dying(asked: Asked) -> Reply:
        return ban_place(47.2, -1.5) if number(asked) < 3 else Reply(ban_place(0, 0).body, dies=True)

    with serving(dying) as local:
        outcome = refresh_addresses(cache, ban(local), 10)
        assert outcome.error is not None
        assert "failed 3 times" in outcome.error
        assert outcome.counts == {"addresses": 6, "found": 3, "not_found": 0, "refused": 0, "still_to_ask": 3}
        local.asked.clear()
        local.answer = lambda _: ban_place(47.2, -1.5)
        assert refresh_addresses(cache, ban(local), 10).error is None
        assert [number(asked) for asked in local.asked] == [3, 4, 5]
    assert rows(cache.settings, "SELECT count(*) FROM silver.geocoded_addresses") == [(6,)]


def test_answers_are_published_every_so_often(cache: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refresh, "PUBLISHED_EVERY", 2)

    def killing(asked: Asked) -> Reply:
        if number(asked) == 5:
            return as_json({}, 403)  # the third pair fails at its second address
        return ban_place(47.2, -1.5)

    with serving(killing) as local:
        outcome = refresh_addresses(cache, ban(local), 10)
    assert outcome.record.number == 3
    assert outcome.added == 5
    assert outcome.error is not None


def test_what_was_not_found_is_asked_again_only_when_told(cache: Shelf) -> None:
    with serving(lambda asked: BAN_NOTHING if number(asked) < 2 else ban_place(47.2, -1.5)) as local:
        refresh_addresses(cache, ban(local), 10)
        local.asked.clear()
        local.answer = lambda _: ban_place(47.9, -1.9)
        again = refresh_addresses(cache, ban(local), 10, ask_again=True)
        assert [number(asked) for asked in local.asked] == [0, 1]
    assert (again.counts["found"], again.added, again.updated) == (2, 0, 2)
    assert rows(cache.settings, "SELECT DISTINCT status FROM silver.geocoded_addresses") == [("found",)]


def test_without_customers_in_bronze_nothing_is_asked(settings: Settings, contracts: dict[str, TableContract]) -> None:
    shelf = Shelf(settings, contracts["geocoded_addresses"], DAY)
    with serving(lambda _: BAN_NOTHING) as local:
        outcome = refresh_addresses(shelf, ban(local), 10)
    assert outcome.error == "Addresses come from bronze/customer, not published yet. Materialise it first."
    assert local.asked == []


@pytest.fixture
def weather(settings: Settings, contracts: dict[str, TableContract], monkeypatch: pytest.MonkeyPatch) -> Shelf:
    communes = pl.DataFrame(
        {"insee_code": ["44109", "35238"], "latitude": [47.2184, 48.1173], "longitude": [-1.5536, -1.6778]}
    )
    monkeypatch.setattr(refresh, "_communes", lambda *_: communes)
    return Shelf(settings, contracts["weather_daily"], DAY)


def test_only_new_days_of_weather_are_asked(weather: Shelf) -> None:
    # 1 January to 5 February 2026 (five days before the 10th): 36 days of two communes; two days later two days more.
    with serving(open_meteo) as local:
        service = weather_service(Settings(weather_url=local.url), Clock().patience())
        first = refresh_weather(weather, service, WEATHER, DAY)
        assert (first.added, first.counts) == (72, {"communes": 2, "requests": 1})
        again = refresh_weather(weather, service, WEATHER, DAY)
        assert (again.bytes_written, again.counts["requests"]) == (0, 0)
        later = refresh_weather(weather, service, WEATHER, date(2026, 2, 12))
        assert (later.added, later.updated) == (4, 0)
    assert [(a.query["start_date"], a.query["end_date"]) for a in local.asked] == [
        ("2026-01-01", "2026-02-05"), ("2026-02-06", "2026-02-07"),
    ]  # fmt: skip


def test_weather_that_fails_leaves_what_is_published_and_keeps_what_came(weather: Shelf) -> None:
    def fails_in_2026(asked: Asked) -> Reply:
        return open_meteo(asked) if asked.query["start_date"] < "2026" else Reply(status=503)

    with serving(fails_in_2026) as local:
        service = weather_service(Settings(weather_url=local.url), Clock().patience())
        outcome = refresh_weather(weather, service, WEATHER | {"weather_years": 1}, DAY)
    # 401 days from 1 January 2025 on are cut after 366: the second request begins on 2 January 2026.
    assert outcome.added == 2 * 366
    assert outcome.error is not None
    assert "HTTP 503, 3 times" in outcome.error


def test_weather_off_this_planet_is_not_published(weather: Shelf) -> None:
    with serving(open_meteo) as local:
        service = weather_service(Settings(weather_url=local.url), Clock().patience())
        before = refresh_weather(weather, service, WEATHER, date(2026, 1, 21)).record
        # The next day is the 17th; its maximum of 27 °C becomes 327, in both communes.
        local.answer = lambda asked: Reply(open_meteo(asked).body.replace(b"27.0", b"327.0"))
        outcome = refresh_weather(weather, service, WEATHER, date(2026, 1, 22))
    assert outcome.problems == ["temperature_max: less_than_or_equal_to(60) (2 cases)"]
    assert publication.latest_number(Lake.open(weather.settings)) == before.number


def test_without_customers_no_weather_is_asked(settings: Settings, contracts: dict[str, TableContract]) -> None:
    with serving(open_meteo) as local:
        service = weather_service(Settings(weather_url=local.url), Clock().patience())
        outcome = refresh_weather(Shelf(settings, contracts["weather_daily"], DAY), service, WEATHER, DAY)
    assert (outcome.error, outcome.counts, local.asked) == (None, {"communes": 0, "requests": 0}, [])


def indices(*series: str) -> dict[str, Any]:
    return {"economic_series": list(series), "economic_start_year": 2020}


def test_indices_are_revised_dropped_and_kept(settings: Settings, contracts: dict[str, TableContract]) -> None:
    shelf = Shelf(settings, contracts["economic_index"], DAY)
    sent = {BT01: {"2026-08": "131.0", "2026-09": "131.4"}, OTHER: {"2026-09": "99.9"}}

    def answer(asked: Asked) -> Reply:
        wanted = asked.path.rpartition("/")[2].split("+")
        return Reply(bdm_message("".join(bdm_series(s, sent[s]) for s in wanted if s in sent)))

    def values() -> list[tuple[Any, ...]]:
        return rows(settings, "SELECT series_id, period, value FROM silver.economic_index ORDER BY 1, 2")

    with serving(answer) as local:
        service = economic_service(Settings(economic_url=local.url), Clock().patience())
        first = refresh_indices(shelf, service, indices(BT01, OTHER))
        assert (first.added, first.error) == (3, None)
        sent[BT01]["2026-09"] = "131.5"  # revised
        second = refresh_indices(shelf, service, indices(BT01, OTHER))
        assert (second.added, second.updated, second.deleted) == (0, 1, 0)
        assert values() == [
            (OTHER, "2026-09", Decimal("99.9")), (BT01, "2026-08", Decimal(131)), (BT01, "2026-09", Decimal("131.5")),
        ]  # fmt: skip
        del sent[OTHER]  # INSEE does not send it any more: it stays, and is told
        third = refresh_indices(shelf, service, indices(BT01, OTHER))
        assert third.error == (
            "INSEE's BDM sends nothing for the series 001565183. Correct the parameter economic_series."
        )
        assert (third.bytes_written, len(values())) == (0, 3)
        local.answer = lambda _: Reply(status=500)
        down = refresh_indices(shelf, service, indices(BT01))
        assert down.error is not None
        assert len(values()) == 3
        local.answer = answer
        assert refresh_indices(shelf, service, indices(BT01)).deleted == 1
    assert [row[:2] for row in values()] == [(BT01, "2026-08"), (BT01, "2026-09")]
