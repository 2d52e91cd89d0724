"""Cases that the mini company does not hold, in a company of their own; every figure worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.mini_company.field import DONE, INTERNAL, REPAIR, event
from ebp_lakehouse_tests.mini_company.masters import FULL_TIME, OWN_WEEK, billing, customer
from ebp_lakehouse_tests.mini_company.rows import DELETED, captured
from ebp_lakehouse_tests.mini_company.sales import DELIVERY, INVOICE, document, line, transfer
from ebp_lakehouse_tests.unit.silver.mock_bronze import declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import SilverRun, run_dbt

BUILT = (
    "build", "--exclude-resource-type", "unit_test", "--indirect-selection", "cautious",
    "--select", "+fact_sales", "+fact_technician_time", "+dim_location", "+rejects", "+reject_counts",
)  # fmt: skip

PERREUX = {
    "InvoicingAddress_ZipCode": "94170", "InvoicingAddress_City": "Le Perreux-sur-Marne",
    "InvoicingAddress_CodeINSEE": "94058", "InvoicingAddress_CountryIsoCode": "FR",
}  # fmt: skip
DELIVERED = [
    {"DeliveryAddress_ZipCode": "59279", "DeliveryAddress_City": "Loon-Plage"},
    {"DeliveryAddress_City": "Brest"},
    # EBP fills the country in by itself: nobody said where.
    {"DeliveryAddress_CountryIsoCode": "BE"},
    {"DeliveryAddress_ZipCode": "1000", "DeliveryAddress_City": "Bruxelles", "DeliveryAddress_CountryIsoCode": "BE"},
    # A commune without a name is no place of the list, but it is not where the invoice goes either.
    {"DeliveryAddress_CodeINSEE": "59359"},
]

# As it is, a SIRET, a digit lost of a SIRET, two digits too many, a SIRET of a SIREN that fails Luhn's check.
SIRENS = ["732829320", "732 829 320 00074", "7328293200007", "73282932012", "73282932100074"]

# Les Forges is no commune. Of 01000 there are Bourg-en-Bresse (46.2057, 5.2258) and Saint-Denis-lès-Bourg (46.2022, 5.1892).
PLACED = [
    ("C1", {"Address_ZipCode": "01000", "Address_City": "Les Forges"}),
    ("C3", {}),
    ("C1", {"Address_ZipCode": "01000", "Address_City": "Bourg en Bresse"}),
    ("C1", {"Address_ZipCode": "01000", "Address_City": "Dresden", "Address_CountryIsoCode": "DE"}),
    ("C3", {"Address_City": "Les Forges"}),
]


def technician(code: str, **others: object) -> dict[str, object]:
    return {"Id": code, "UniqueId": code, "Contact_Name": code, **OWN_WEEK, **FULL_TIME, **others}


def typed_at(prefix: str, zipcode: str, *point: float) -> dict[str, object]:
    latitude, longitude = point or (None, None)
    return {f"{prefix}_ZipCode": zipcode, f"{prefix}_Latitude": latitude, f"{prefix}_Longitude": longitude}


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> SilverRun:
    folder = tmp_path_factory.mktemp("apart")
    renamed = {"UniqueId": "customer OLD"}
    written = {
        "Customer": [
            customer("C1", "Un"),
            customer(
                "C2", "Deux", **billing("1 rue Haute", "94170", "Le Perreux-sur-Marne"),
                UseInvoicingAddressAsDeliveryAddress=False, MainDeliveryAddress_ZipCode="59279",
            ),
            customer("C3", "Trois", **billing("2 rue Haute", "01000", "Les Forges")),
            *(customer(f"S{index}", "Siren", Siren=typed) for index, typed in enumerate(SIRENS)),
            *captured("2026-03-01 06:00:00", {**customer("OLD", "Siège"), **renamed}),
            *captured("2026-03-10 06:00:00", {**customer("OLD", "Siège"), **renamed, DELETED: True}),
            *captured("2026-03-10 06:00:00", {**customer("NEW", "Siège"), **renamed}),
        ],
        "SaleDocument": [
            document("FA000000", INVOICE, "2023-01-02", "C1", 0, 0),  # the calendar begins with its year
            document("BL000001", DELIVERY, "2026-03-02", "C1", 1000, 200, shipping=10),
            document("FA000001", INVOICE, "2026-03-05", "C1", 100, 20, PaymentThirdId="old"),
            # No line of it has a link: it goes where its header leads.
            document("BL000002", DELIVERY, "2026-03-03", "C1", 50, 10, TransferedDocumentId="FA000002"),
            document("FA000002", INVOICE, "2026-03-06", "C1", 50, 10),
            *(
                document(f"FA00001{index}", INVOICE, "2026-03-06", "C1", 10, 2, **address, **PERREUX)
                for index, address in enumerate(DELIVERED)
            ),
        ],
        "SaleDocumentLine": [
            line("BL000001", 1, "A1", 1, 100),
            line("BL000001", 2, "A2", 1, 900),
            line("FA000001", 1, "A1", 1, 100),
            line("BL000002", 1, "A1", 1, 50),
            line("FA000002", 1, "A1", 1, 50),
            *(line(f"FA00001{index}", 1, "A1", 1, 10) for index in range(len(DELIVERED))),
        ],
        "DocumentLineAssociation": [transfer("BL000001-1", "FA000001-1", 1)],
        "Colleague": [
            technician("T1"),
            technician("ONCE"),
            # 22:30 in UTC is already the next day in France.
            *captured("2026-03-01 06:00:00", technician("GONE", ActiveState=0)),
            *captured("2026-03-09 23:30:00", technician("GONE", ActiveState=1)),
        ],
        "ScheduleEvent": [
            event("a1", "2026-03-04 08:00:00", "2026-03-04 10:00:00", "T1", "C1", REPAIR, **DONE),
            # Typed without an end: what was expected is what was planned.
            event(
                "a2", "2026-03-04 14:00:00", "2026-03-04 14:00:00", "T1", "C1", REPAIR,
                ExpectedDuration_DurationInHours=3,
            ),
            *(
                event(f"p{n}", f"2026-03-05 {8 + n:02}:00:00", f"2026-03-05 {9 + n:02}:00:00", "T1", who, REPAIR, **at)
                for n, (who, at) in enumerate(PLACED)
            ),
            event(
                "a4", "2026-03-04 16:00:00", "2026-03-04 17:00:00", "T1", "C1", INTERNAL,
                **typed_at("Address", "4900A", 0, 0), **DONE,
            ),
            event("a3", "2023-10-04 08:00:00", "2023-10-04 10:00:00", "ONCE", "C1", REPAIR, **DONE),
        ],
        "ConstructionSite": [
            {"Id": "CH1", **typed_at("ConstructionSiteAddress", "01000", 46.2, 5.2)},
            {"Id": "CH2", **typed_at("ConstructionSiteAddress", "490", 0, 0)},
        ],
        "CustomerProduct": [
            {"Id": "Q1", "CustomerId": "C1", **typed_at("DeliveryAddress", "1000", 91, 5)},
            # Nothing typed, and a postcode of a country that counts otherwise.
            {"Id": "Q2", "CustomerId": "C1", **typed_at("DeliveryAddress", "1012 AB"), "DeliveryAddress_CountryIsoCode": "NL"},
        ],
        "ScheduleEventType": [{"Id": REPAIR, "Caption": REPAIR}],
    }  # fmt: skip
    catalog = write_catalog(folder / "catalog.duckdb", catalog_rows(declared_tables(), written))
    run = run_dbt(folder, catalog, *BUILT)
    assert run.failures() == {}
    return run


def test_what_a_partial_invoice_leaves_is_not_invoiced(silver: SilverRun) -> None:
    rows = """select document_number, net_amount_excl_tax, invoice_date_key from silver.fact_sales
        where document_type = 'Delivery' order by 1, 2"""
    # The port has no link of its own: it goes with the document.
    assert silver.query(rows) == [
        ("BL000001", 10, 20260305),
        ("BL000001", 100, 20260305),
        ("BL000001", 900, -2),
        ("BL000002", 50, 20260306),
    ]


def test_of_two_addresses_one_is_the_place_of_a_sale_as_a_whole(silver: SilverRun) -> None:
    places = """select document_number, country_code, zipcode, city, insee_code, department_code
        from silver.fact_sales inner join silver.dim_location on delivery_location_key = location_key
        where document_number like 'FA00001%' order by 1"""
    assert silver.query(places) == [
        ("FA000010", "FR", "59279", "LOON-PLAGE", "59359", "59"),
        ("FA000011", "FR", None, "BREST", None, None),
        ("FA000012", "FR", "94170", "LE PERREUX-SUR-MARNE", "94058", "94"),
        ("FA000013", "BE", "1000", "BRUXELLES", None, None),
        ("FA000014", None, None, None, None, None),
    ]


def test_a_postcode_alone_is_where_a_customer_is_delivered(silver: SilverRun) -> None:
    delivered = """select delivery_address_full, delivery_zipcode, delivery_city from silver.dim_customer
        where customer_id = 'C2'"""
    assert silver.query(delivered) == [("59279", "59279", None)]


def test_nine_digits_are_a_siren_and_fourteen_begin_with_one(silver: SilverRun) -> None:
    sirens = "select customer_id, siren from silver.dim_customer where name = 'Siren' order by 1"
    refused = "select source_key, value from silver.rejects where source_column = 'Siren' order by 1"
    assert silver.query(sirens) == [("S0", "732829320"), ("S1", "732829320"), ("S2", None), ("S3", None), ("S4", None)]
    assert silver.query(refused) == [("S2", SIRENS[2]), ("S3", SIRENS[3]), ("S4", SIRENS[4])]


def test_places_of_events_sites_and_equipment_are_judged(silver: SilverRun) -> None:
    judged = "source_table in ('ScheduleEvent', 'ConstructionSite', 'CustomerProduct') and rule in ('gps', 'postcode')"
    counts = f"""select source_table, rule, filled_values, rejected_values from silver.reject_counts
        where {judged} order by 1, 2"""
    # Of the appointments p0, p2, p3 and a4 have a postcode, a4 alone a point.
    assert silver.query(counts) == [
        ("ConstructionSite", "gps", 2, 1),
        ("ConstructionSite", "postcode", 2, 1),
        ("CustomerProduct", "gps", 1, 1),
        ("CustomerProduct", "postcode", 2, 0),
        ("ScheduleEvent", "gps", 1, 1),
        ("ScheduleEvent", "postcode", 4, 1),
    ]
    refused = f"""select source_table, source_column, value_class, value, is_kept from silver.rejects
        where {judged} order by 1, 2"""
    assert silver.query(refused) == [
        ("ConstructionSite", "ConstructionSiteAddress_Latitude", "9.9 9.9", None, False),
        ("ConstructionSite", "ConstructionSiteAddress_ZipCode", "999", "490", True),
        ("CustomerProduct", "DeliveryAddress_Latitude", "99.9 9.9", None, False),
        ("ScheduleEvent", "Address_Latitude", "9.9 9.9", None, False),
        ("ScheduleEvent", "Address_ZipCode", "9999a", "4900A", True),
    ]


def test_who_pays_has_the_newest_code(silver: SilverRun) -> None:
    assert silver.query("select payer_id from silver.fact_sales where document_number = 'FA000001'") == [("NEW",)]


def test_an_appointment_in_a_town_unknown_to_its_postcode_is_in_the_middle_of_it(silver: SilverRun) -> None:
    points = """select start_time_key // 10000, round(latitude, 5), round(longitude, 5) from silver.fact_interventions
        where schedule_date_key = 20260305 order by 1"""
    middle, bourg = (46.20395, 5.2075), (46.2057, 5.2258)
    assert silver.query(points) == [(8, *middle), (9, *middle), (10, *bourg), (11, None, None), (12, None, None)]
    places = "select latitude, longitude from silver.dim_location where zipcode = '01000' and city = 'LES FORGES'"
    assert silver.query(places) == [pytest.approx(middle)]


def test_somebody_leaves_on_the_day_it_is_in_france(silver: SilverRun) -> None:
    leaving = "select colleague_id, termination_date from silver.dim_colleague where termination_date is not null"
    assert silver.query(leaving) == [("GONE", date(2026, 3, 10))]


def test_an_appointment_typed_without_an_end_lasts_as_expected(silver: SilverRun) -> None:
    planned = """select start_time_key, scheduled_duration_minutes from silver.fact_interventions
        where schedule_date_key = 20260304 order by 1"""
    assert silver.query(planned) == [(80000, 120), (140000, 180), (160000, 60)]


def test_who_was_at_a_customers_once_is_available_for_two_years(silver: SilverRun) -> None:
    days = """select colleague_id, min(date_key), max(date_key) from silver.fact_technician_time
        group by all order by 1"""
    # As of 6 March 2026: eight weeks ahead end on Friday 1 May, a holiday; 4 October 2025 is a Saturday.
    assert silver.query(days) == [("ONCE", 20231002, 20251003), ("T1", 20260302, 20260430)]
