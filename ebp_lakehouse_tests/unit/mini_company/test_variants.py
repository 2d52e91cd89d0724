"""The mini company at another moment, under other parameters, and in installations that lack tables or columns."""

from __future__ import annotations

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.unit.silver.mock_bronze import declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import COMMUNES, SilverRun, run_dbt, run_silver

OPTIONAL_TABLES = (
    "sale_document_ex", "sale_credit_memo_origin", "periodic_invoicing", "customer_family", "customer_sub_family", "contact",
    "country", "settlement_mode", "item_family", "item_sub_family", "item_component", "unit", "classification_group",
    "supplier_item", "third_reference", "colleague_family", "storehouse", "accounting_year", "stock_item",
    "stock_movement", "zipcode", "states", "schedule_event", "schedule_event_type", "schedule_event_customer_product",
    "activity", "incident", "incident_template", "incident_customer_product", "customer_product", "maintenance_contract",
    "maintenance_contract_customer_product", "construction_site", "colleague_competence",
)  # fmt: skip
REVENUE = "select sum(net_amount_excl_tax) from silver.fact_sales where document_type in ('Invoice', 'CreditNote')"


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("mini") / "catalog.duckdb", catalog_rows(declared_tables()))


def test_known_at_shows_what_was_known_then(tmp_path: Path, catalog: Path) -> None:
    february = run_silver(tmp_path / "run", catalog, known_at=datetime.fromisoformat("2026-02-10T00:00:00"))
    assert february.failures() == {}
    documents = "select distinct document_number, is_paid, payment_date_key from silver.fact_sales order by 1"
    assert february.query(documents) == [
        ("BL260001", None, None), ("BL260002", None, None), ("CM260001", None, None), ("DE260001", None, None),
        ("FA260001", False, -2),
    ]  # fmt: skip
    # Neither the move of 15 February nor the renaming was known.
    customers = (
        "select customer_id, family_name, former_ids from silver.dim_customer where customer_id like 'C0%' order by 1"
    )
    assert february.query(customers) == [("C001", "Grands comptes", None), ("C003", None, None)]


OWN_FILES = {
    "market_size": "insee_code,department_code,potential_customers\n01053,,200\n,71,1000\n",
    # T2 works 31 h 30 in EBP: 27 hours are the same week, six sevenths of each day.
    "colleague_extra": """colleague_id,hire_date,termination_date,department,team,manager_id,depot_latitude,depot_longitude,weekly_hours,skills
jd,2019-09-02,,Direction,,,,,,
T2,,2026-04-30,,Équipe Sud,JD,45.5,4.5,27,gaz|froid
""",
    # Of two answers the newer; an appointment that nobody answered for has the answer about its invoice, which is e05's.
    "satisfaction": """event_number,document_number,date,score
E01,,2026-01-25,4
e01,FA260008,2026-01-20,2
,fa260008,,3
e03,FA260008,,5
e77,,,1
,FA260001,,2
""",
    "incident_extra": "incident_id,priority,severity,category\ni1,2,Haute,Pièce\nI2,,,Réglage\ni99,1,,\n",
}


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory, catalog: Path) -> SilverRun:
    """Silver under parameters and files of the user's own."""
    parameters = {
        "use_custom_revenue": True, "cost_fallback": "purchase_price", "segment_cut_a": 0.1,
        "business_hours": [["09:00", 13 * 60 + 30]], "inventory_daily_days": 3, "inventory_month_ends": 2,
    }  # fmt: skip
    folder = tmp_path_factory.mktemp("managed")
    for name, text in OWN_FILES.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    run = run_silver(folder / "run", catalog, parameters=parameters, user_files=folder)
    assert run.failures() == {}
    return run


def test_the_potential_of_a_department_is_shared_out_by_inhabitants(managed: SilverRun) -> None:
    with COMMUNES.open(encoding="utf-8", newline="") as file:
        inhabitants = [int(row["population"] or 0) for row in csv.DictReader(file) if row["department_code"] == "71"]
    towns = "select city, potential_customers from silver.dim_location where city in ('BOURG-EN-BRESSE', 'MÂCON', 'ANNECY') order by 1"
    assert managed.query(towns) == [
        ("ANNECY", None),
        ("BOURG-EN-BRESSE", 200.0),
        ("MÂCON", pytest.approx(1000 * 35177 / sum(inhabitants))),
    ]


def test_colleagues_are_who_the_users_file_says(managed: SilverRun) -> None:
    columns = (
        "hire_date, termination_date, termination_source, department, team_name, is_technician, depot_latitude, skills"
    )
    assert managed.query(f"select {columns} from silver.dim_colleague where colleague_id in ('JD', 'T2') order by colleague_id") == [
        (date(2019, 9, 2), None, None, "Direction", None, False, 46.0, None),
        (None, date(2026, 4, 30), "file", "Techniciens", "Équipe Sud", True, 45.5, "gaz|froid"),
    ]  # fmt: skip
    managers = """select c.colleague_id, m.colleague_id from silver.dim_colleague as c
        join silver.dim_colleague as m on c.manager_colleague_key = m.colleague_key"""
    assert managed.query(managers) == [("T2", "JD")]
    weeks = "select monday_minutes, wednesday_minutes, sunday_minutes, weekly_minutes from silver.dim_colleague where colleague_id = '{}'"
    assert managed.query(weeks.format("T2")) == [(360, 180, 0, 1620)]
    assert managed.query(weeks.format("T1")) == [(420, 420, 0, 2100)]
    available = "select distinct available_minutes from silver.fact_technician_time where colleague_key = md5('T2') and date_key = {}"
    assert managed.query(available.format(20260325)) == [(180.0,)]


def test_hours_of_the_file_make_a_week_where_ebp_has_none(tmp_path: Path) -> None:
    catalog = write_catalog(tmp_path / "catalog.duckdb", {"colleague": [{"Id": "X1", "Contact_Name": "Roux"}]})
    (tmp_path / "colleague_extra.csv").write_text("colleague_id,weekly_hours\nX1,35\n")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EBP_DBT_COLLEAGUE_EXTRA", str(tmp_path / "colleague_extra.csv"))
        run = run_dbt(tmp_path, catalog, "build", "--select", "+dim_colleague", "--exclude-resource-type", "unit_test")
    week = "select monday_minutes, friday_minutes, saturday_minutes, weekly_minutes from silver.dim_colleague where colleague_id = 'X1'"
    assert run.query(week) == [(420, 420, 0, 2100)]


def test_one_coordinate_of_the_file_moves_no_depot(tmp_path: Path) -> None:
    """The check of the files refuses it; whoever runs dbt alone gets EBP's own point, not one between the two."""
    lives = {"Address_Latitude": 48.1, "Address_Longitude": -1.7}
    colleagues = [{"Id": code, "Contact_Name": code, **lives} for code in ("BOTH", "HALF")]
    catalog = write_catalog(tmp_path / "catalog.duckdb", {"colleague": colleagues})
    (tmp_path / "colleague_extra.csv").write_text(
        "colleague_id,depot_latitude,depot_longitude\nBOTH,47.2,-1.5\nHALF,47.2,\n"
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("EBP_DBT_COLLEAGUE_EXTRA", str(tmp_path / "colleague_extra.csv"))
        run = run_dbt(tmp_path, catalog, "build", "--select", "+dim_colleague", "--exclude-resource-type", "unit_test")
    depots = """select colleague_id, depot_latitude, depot_longitude from silver.dim_colleague
        where colleague_id in ('BOTH', 'HALF') order by 1"""
    assert run.query(depots) == [("BOTH", 47.2, -1.5), ("HALF", 48.1, -1.7)]


def test_answers_of_customers_reach_their_appointment(managed: SilverRun) -> None:
    answers = """select schedule_date_key, customer_satisfaction_score, customer_satisfaction_date
        from silver.fact_interventions
        where customer_satisfaction_score is not null order by schedule_date_key, start_time_key"""
    assert managed.query(answers) == [(20260119, 4, date(2026, 1, 25)), (20260123, 5, None), (20260317, 3, None)]
    assert managed.query("select count(*), count(distinct intervention_key) from silver.fact_interventions") == [(7, 7)]


def test_what_a_users_file_says_of_nothing_that_ebp_has_is_told(managed: SilverRun) -> None:
    """e77 is no appointment and no appointment is on FA260001; i99 is no incident; all colleagues of the file are EBP's."""
    told = {
        "answers_reach_appointments_fact_interventions_": ("warn", 2),
        "known_to_ebp_fact_incidents_incident_id__incident_extra": ("warn", 1),
        "known_to_ebp_dim_colleague_colleague_id__colleague_extra": ("pass", 0),
    }
    results = {name: managed.results[name] for name in told}
    assert {name: (result.status, result.failures) for name, result in results.items()} == told


def test_incidents_have_what_the_users_file_adds(managed: SilverRun) -> None:
    incidents = (
        "select creation_date_key, priority, severity, resolution_category from silver.fact_incidents order by 1"
    )
    assert managed.query(incidents) == [
        (20260118, 2, "Haute", "Pièce"),
        (20260316, 1, None, None),
        (20260329, 3, None, None),
    ]


def test_parameters_change_cost_and_corrections(managed: SilverRun) -> None:
    rows = "select line_number, row_origin, net_amount_excl_tax, margin_amount from silver.fact_sales where document_number = '{}' order by 1 desc"
    assert managed.query(rows.format("FA220001")) == [
        (1, "line", Decimal(100), Decimal(40)),
        (-10, "correction", Decimal(5), Decimal(2)),
    ]
    # The radiator without a cost takes its purchase price of 55.
    assert managed.query(rows.format("FA260009")) == [
        (2, "line", Decimal(100), Decimal(45)),
        (1, "line", Decimal(240), Decimal(240)),
    ]
    # C001 begins at 66.9 % and is no longer below the first cut; C002 (88.1 %) stays B, C003B (98.8 %) stays C.
    segments = (
        "select customer_id, segment from silver.dim_customer where is_current and segment is not null order by 1"
    )
    assert managed.query(segments) == [("C001", "B"), ("C002", "B"), ("C003B", "C"), ("C004", "A")]


def test_parameters_change_hours_and_days_of_stock(managed: SilverRun) -> None:
    # YAML reads an unquoted 13:30 as 810.
    hours = "select min(time_key), max(time_key), count(*) from silver.dim_time where business_hours_flag"
    assert managed.query(hours) == [(90000, 132900, 270)]
    days = "select distinct date_key from silver.fact_inventory order by 1"
    assert managed.query(days) == [(20260131,), (20260228,), (20260329,), (20260330,), (20260331,)]


def test_an_installation_without_custom_columns_nor_support_tables(tmp_path: Path) -> None:
    some = {table: rows for table, rows in catalog_rows(declared_tables()).items() if table not in OPTIONAL_TABLES}
    bare = write_catalog(
        tmp_path / "catalog.duckdb",
        some,
        without_tables=OPTIONAL_TABLES,
        without_columns=("xx_Regul_CA", "xx_Regul_Marge", "xx_Ref_Fabricant"),
    )
    run = run_silver(tmp_path / "run", bare)
    assert run.failures() == {}
    # 2022, 2024, the twelve months and 2031: 100 + 200 + 2165.98 + 30; nothing says any more that MO260001 is a model (77)
    # and TI260001 a held ticket (999).
    assert run.query(REVENUE) == [(Decimal("3571.98"),)]
    families = "select distinct family_name from silver.dim_customer where customer_id = 'C001' order by 1"
    assert run.query(families) == [("(GC)",), ("(PME)",)]


def test_an_empty_source_gives_the_members_only(tmp_path: Path) -> None:
    run = run_silver(tmp_path / "run", write_catalog(tmp_path / "catalog.duckdb"))
    assert run.failures() == {}
    counts = ", ".join(
        f"(select count(*) from silver.{table})"
        for table in ("fact_sales", "fact_inventory", "rejects", "dim_customer", "dim_warehouse", "dim_location")
    )
    assert run.query(f"select {counts}") == [(0, 0, 0, 2, 2, 1)]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    without_table = write_catalog(tmp_path / "table.duckdb", without_tables=("vat",))
    run = run_dbt(tmp_path / "a", without_table, "run", "--select", "stg_vat")
    assert "bronze/vat" in run.results["stg_vat"].message
    without_column = write_catalog(tmp_path / "column.duckdb", without_columns=("SettlementDate",))
    run = run_dbt(tmp_path / "b", without_column, "run", "--select", "stg_sale_settlement")
    assert "sale_settlement" in run.results["stg_sale_settlement"].message
    assert '"SettlementDate"' in run.results["stg_sale_settlement"].message


def test_optional_tables_are_those_of_the_registry_that_silver_declares() -> None:
    assert set(OPTIONAL_TABLES) <= set(declared_tables())


def test_unit_tests_of_the_rules_pass(managed: SilverRun, catalog: Path) -> None:
    """The rules one by one, in dbt: models/intermediate/unit_tests*.yml; they need built models for their types only."""
    run = run_dbt(managed.database.parent, catalog, "test", "--select", "test_type:unit")
    assert run.failures() == {}
    assert len(run.results) >= 11
