"""What a geocoder may be asked, and whose point wins: EBP's, the geocoder's when it is sure, the commune's."""

from __future__ import annotations

from hashlib import md5
from typing import Any

import duckdb
import pytest

from ebp_lakehouse_tests.unit.silver.mock_bronze import write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import SilverRun, run_dbt

MODELS = (
    "build",
    "--select",
    "+int_customer_points",
    "+int_delivery_addresses",
    "--exclude-resource-type",
    "unit_test",
)


def customer(code: str, street: str | None, zipcode: str | None, city: str | None, **more: Any) -> dict[str, Any]:
    return {
        "Id": code,
        "Name": code,
        "UseInvoicingAddressAsDeliveryAddress": True,
        "MainInvoicingAddress_Address1": street,
        "MainInvoicingAddress_ZipCode": zipcode,
        "MainInvoicingAddress_City": city,
    } | more


def key(text: str, country: str = "FR") -> str:
    """The key worked out apart from dbt: the address in capitals without accents, words one space apart."""
    return md5(f"{text}|{country}".encode()).hexdigest()  # noqa: S324 - no secret


LILAS = key("12 RUE DES LILAS 44000 NANTES")
CUSTOMERS = [
    customer("SURE", "12, rue des Lilas", "44000", "Nantes"),
    customer("SAME", "12 RUE DES LILAS", "44000", "NANTES CEDEX 2"),
    customer("UNSURE", "3 allée Été", "44000", "Nantes"),
    customer("HAMLET", "Le Bourg", "35000", "Rennes"),
    customer("UNSCORED", "4 quai Sud", "35000", "Rennes"),
    customer("UNKNOWN", "5 chemin Creux", "35000", "Rennes"),
    customer(
        "OWN", "6 rue Haute", "44000", "Nantes", MainDeliveryAddress_Latitude=47.3, MainDeliveryAddress_Longitude=-1.6
    ),
    customer("NOSTREET", None, "44000", "Nantes"),
    customer("NOTOWN", "7 rue Basse", None, None),
    customer("ABROAD", "Rue Haute 1", "1000", "Bruxelles", MainInvoicingAddress_CountryIsoCode="BE"),
    customer("MOVED", "8 rue Vieille", "44000", "Nantes"),
    customer("MOVED", "9 rue Neuve", "35000", "Rennes", _bronze_valid_from="2026-03-20 06:00:00"),
    customer("GONE", "10 rue Vide", "35000", "Rennes", ActiveState=1),
]
# key, status, latitude, longitude, score, precision; the third is below the default minimum of 0.5.
CACHE = [
    (LILAS, "found", 47.21, -1.55, 0.9, "house"),
    (key("6 RUE HAUTE 44000 NANTES"), "found", 1.0, 1.0, 0.9, "house"),
    (key("3 ALLEE ETE 44000 NANTES"), "found", 2.0, 2.0, 0.49, "street"),
    (key("LE BOURG 35000 RENNES"), "found", 48.11, -1.67, 0.5, "town"),
    (key("4 QUAI SUD 35000 RENNES"), "found", 48.12, -1.68, None, "street"),
    (key("5 CHEMIN CREUX 35000 RENNES"), "not_found", None, None, None, None),
    (key("8 RUE VIEILLE 44000 NANTES"), "found", 47.22, -1.56, 1.0, "house"),
]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> SilverRun:
    folder = tmp_path_factory.mktemp("points")
    catalog = write_catalog(folder / "catalog.duckdb", {"customer": CUSTOMERS})
    with duckdb.connect(str(catalog)) as connection:
        # Published before the column asked_at and others were declared: what is missing is NULL.
        connection.execute(
            """CREATE SCHEMA silver; CREATE TABLE silver.geocoded_addresses (address_key VARCHAR, status VARCHAR,
            latitude DOUBLE, longitude DOUBLE, score DOUBLE, coordinate_precision VARCHAR)"""
        )
        connection.executemany("INSERT INTO silver.geocoded_addresses VALUES (?, ?, ?, ?, ?, ?)", CACHE)
    return run_dbt(folder / "run", catalog, *MODELS)


def test_the_best_point_that_is_known_wins(run: SilverRun) -> None:
    assert run.failures() == {}
    found = run.query(
        "SELECT customer_id, version_from::DATE::VARCHAR, coordinate_source FROM intermediate.int_customer_points"
    )
    first = "1900-01-01"
    assert {(code, since): source for code, since, source in found} == {
        ("SURE", first): "geocoder_house",
        ("SAME", first): "geocoder_house",
        ("UNSURE", first): "commune_postcode",
        ("HAMLET", first): "geocoder_town",
        ("UNSCORED", first): "geocoder_street",
        ("UNKNOWN", first): "commune_postcode",
        ("OWN", first): "ebp",
        ("NOSTREET", first): "commune_postcode",
        ("NOTOWN", first): None,
        ("ABROAD", first): None,
        ("MOVED", first): "geocoder_house",
        ("MOVED", "2026-03-20"): "commune_postcode",
        ("GONE", first): "commune_postcode",
    }
    sql = "SELECT customer_id, latitude, longitude FROM intermediate.int_customer_points WHERE version_from < '2000-01-01'"
    points = {code: (latitude, longitude) for code, latitude, longitude in run.query(sql)}
    assert points["SURE"] == points["SAME"] == (47.21, -1.55)
    assert points["OWN"] == (47.3, -1.6)
    assert points["NOTOWN"] == (None, None)
    assert points["UNSURE"] == points["NOSTREET"]  # Nantes, the commune


def test_only_todays_addresses_with_a_street_and_without_a_point_may_be_asked(run: SilverRun) -> None:
    askable = run.query(
        "SELECT address, country_code, active_customers FROM intermediate.int_delivery_addresses ORDER BY 1"
    )
    assert askable == [
        ("10 rue Vide, 35000 RENNES", "FR", 0),
        ("12 RUE DES LILAS, 44000 NANTES", "FR", 2),
        ("3 allée Été, 44000 NANTES", "FR", 1),
        ("4 quai Sud, 35000 RENNES", "FR", 1),
        ("5 chemin Creux, 35000 RENNES", "FR", 1),
        ("9 rue Neuve, 35000 RENNES", "FR", 1),
        ("Le Bourg, 35000 RENNES", "FR", 1),
        ("Rue Haute 1, 1000 BRUXELLES", "BE", 1),
    ]
    keys = run.query("SELECT address_key FROM intermediate.int_delivery_addresses WHERE active_customers = 2")
    assert keys == [(LILAS,)]
