"""The mini company with every service switched on, through Dagster: services are local servers; then they all fail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from pydantic import SecretStr

from ebp_lakehouse.demo.servers import EmbeddedPostgres
from ebp_lakehouse.lake import publication
from ebp_lakehouse.lake.catalog import connect
from ebp_lakehouse.lake.store import Lake
from ebp_lakehouse.orchestration.runs import RunSummary, instance_at, materialize
from ebp_lakehouse.settings import Settings
from ebp_lakehouse_tests.mini_company.company import load_mini_company
from ebp_lakehouse_tests.unit.silver.enrichment.servers import (
    Asked,
    Local,
    Reply,
    ban_place,
    bdm_message,
    bdm_series,
    open_meteo,
    serving,
)

pytestmark = pytest.mark.timeout(900)  # an ingestion and some builds: minutes where the machine is shared

BT01 = "001710986"
PARAMETERS = f"geocoder_limit: 2\nweather_years: 1\nweather_communes: 3\neconomic_series: ['{BT01}']\n"
# What customers come from, what reads the cache, and the three tables: not the facts, they take minutes.
CUSTOMERS = '+key:"silver/dim_customer" or key:"silver/weather_daily" or key:"silver/economic_index"'
TABLES = ("geocoded_addresses", "weather_daily", "economic_index")


# The mini company has two French customers with a street, C001 and C004, and one in Belgium, whom the BAN does not know.
# Two more, and one whose point EBP knows.
STREETS = """
    UPDATE "Customer" SET "MainInvoicingAddress_Address1" = '5 rue Basse', "MainInvoicingAddress_ZipCode" = '69001',
        "MainInvoicingAddress_City" = 'Lyon' WHERE "Id" = 'C006';
    UPDATE "Customer" SET "MainInvoicingAddress_Address1" = '7 rue Neuve', "MainInvoicingAddress_ZipCode" = '44000',
        "MainInvoicingAddress_City" = 'Nantes' WHERE "Id" = 'P001';
    UPDATE "Customer" SET "MainInvoicingAddress_Address1" = '9 place Verte', "MainInvoicingAddress_ZipCode" = '38000',
        "MainInvoicingAddress_City" = 'Grenoble', "MainDeliveryAddress_Latitude" = 45.19,
        "MainDeliveryAddress_Longitude" = 5.72 WHERE "Id" = 'C003B';
"""
ASKABLE = {
    "2 quai Lamartine, 71000 MÂCON",
    "3 quai des Cygnes, 74000 ANNECY",
    "5 rue Basse, 69001 LYON",
    "7 rue Neuve, 44000 NANTES",
}


def answer(asked: Asked) -> Reply:
    """All three services behind one port."""
    if asked.path == "/ban/search":
        return ban_place(47.5, -1.25)
    if asked.path == "/meteo/v1/archive":
        return open_meteo(asked)
    assert asked.path == f"/bdm/data/SERIES_BDM/{BT01}"
    return Reply(bdm_message(bdm_series(BT01, {"2026-09": "131.4"})))


@dataclass
class House:
    settings: Settings
    home: Path
    services: Local
    first: RunSummary | None = None

    def run(self, selection: str = CUSTOMERS) -> RunSummary:
        return materialize(self.settings, instance_at(self.home / "dagster"), selection)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with connect(settings=self.settings, private=True) as connection:
            return connection.execute(query).fetchall()

    @property
    def record(self) -> publication.Record:
        return publication.latest(Lake.open(self.settings))

    def addresses(self) -> list[str]:
        return [asked.query["q"] for asked in self.services.asked if asked.path == "/ban/search"]


@pytest.fixture(scope="module")
def house(postgres: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    name = f"enriched_{uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    load_mini_company(postgres.url_of(name))
    with psycopg.connect(postgres.url_of(name)) as database:
        database.execute(STREETS)
    home = tmp_path_factory.mktemp("enriched")
    (home / "parameters.yaml").write_text(PARAMETERS)
    with serving(answer) as services, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home / "dagster"))
        settings = Settings(
            source_url=SecretStr(postgres.url_of(name)),
            lake_url=str(home / "lake"),
            parameters_file=home / "parameters.yaml",
            geocoder="ban",
            geocoder_url=f"{services.url}/ban",
            weather_url=f"{services.url}/meteo",
            economic_url=f"{services.url}/bdm",
        )
        made = House(settings, home, services)
        made.first = made.run()
        yield made


def test_one_run_fills_all_tables(house: House) -> None:
    assert house.first is not None
    assert house.first.ok, (house.first.failed_checks, house.first.error)
    assert list(house.first.layers) == ["bronze", "silver"]
    assert {name for name in TABLES if house.first.layers["silver"].rows.get(name)} == set(TABLES)
    assert house.rows("SELECT period, value::VARCHAR FROM silver.economic_index") == [("2026-09", "131.40000000")]


def test_customers_take_the_geocoders_point_before_the_communes_but_after_ebps(house: House) -> None:
    found = house.rows(
        "SELECT coordinate_source, count(*) FROM silver.dim_customer WHERE is_current AND location_key IS NOT NULL GROUP BY ALL"
    )
    # Two of the four askable ones, because of geocoder_limit; C002 has an INSEE code, C005 is in Belgium.
    assert dict(found) == {"ebp": 1, "geocoder_house": 2, "commune_postcode": 2, "commune_insee": 1, None: 1}
    geocoded = house.rows(
        """SELECT delivery_address_full, delivery_latitude, delivery_longitude FROM silver.dim_customer
        WHERE coordinate_source = 'geocoder_house' ORDER BY 1"""
    )
    asked = house.addresses()
    assert len(asked) == 2
    assert set(asked) < ASKABLE
    assert geocoded == [(address, 47.5, -1.25) for address in sorted(asked)]


def test_weather_is_that_of_the_communes_with_most_customers(house: House) -> None:
    communes = house.rows("SELECT DISTINCT insee_code FROM silver.weather_daily ORDER BY 1")
    counted = house.rows(
        """SELECT insee_code FROM silver.dim_customer JOIN silver.dim_location USING (location_key)
        WHERE is_current AND insee_code IS NOT NULL AND latitude IS NOT NULL
        GROUP BY 1 ORDER BY count(DISTINCT customer_id) DESC, 1 LIMIT 3"""
    )
    assert communes == sorted(counted)
    days = house.rows(
        "SELECT DISTINCT count(*) = max(date_value) - min(date_value) + 1 FROM silver.weather_daily GROUP BY insee_code"
    )
    assert days == [(True,)]


def test_services_that_fail_fail_their_tables_and_nobody_else(house: House) -> None:
    before = house.record
    house.services.answer = lambda _: Reply(status=503)
    try:
        down = house.run()
    finally:
        house.services.answer = answer
    # No day of weather is missing, so that service is not even asked.
    assert set(down.failed_checks) == {"silver/geocoded_addresses:service", "silver/economic_index:service"}
    assert "The Base Adresse Nationale at 127.0.0.1" in down.failed_checks["silver/geocoded_addresses:service"]
    assert down.success
    assert down.layers["silver"].rows.keys() == {"dim_customer", "dim_location", *TABLES}
    assert house.record.pins == before.pins


def test_over_all_runs_no_address_was_asked_twice(house: House) -> None:
    house.services.asked.clear()
    known = {row[0] for row in house.rows("SELECT address FROM silver.geocoded_addresses")}
    assert house.run('key:"silver/geocoded_addresses"').ok
    assert house.run('key:"silver/geocoded_addresses"').ok
    assert sorted(house.addresses()) == sorted(ASKABLE - known)
    assert {row[0] for row in house.rows("SELECT address FROM silver.geocoded_addresses")} == ASKABLE
    assert {request.path for request in house.services.asked} == {"/ban/search"}
