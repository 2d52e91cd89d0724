"""The star schema of the mini company: every figure worked by hand in mini_company.py."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from ebp_lakehouse_tests.unit.silver.mini_company import rows
from ebp_lakehouse_tests.unit.silver.mock_bronze import declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import SilverRun, run_silver

OPTIONAL_TABLES = (
    "sale_document_ex", "sale_credit_memo_origin", "periodic_invoicing", "customer_family", "customer_sub_family", "contact",
    "country", "settlement_mode", "item_family", "item_sub_family", "item_component", "unit", "classification_group",
    "supplier_item", "third_reference", "colleague_family", "storehouse", "accounting_year",
)  # fmt: skip


@pytest.fixture(scope="module")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("mini") / "catalog.duckdb", rows())


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory, catalog: Path) -> SilverRun:
    run = run_silver(tmp_path_factory.mktemp("silver"), catalog)
    assert run.failures() == {}
    return run


@pytest.fixture(scope="module")
def february(tmp_path_factory: pytest.TempPathFactory, catalog: Path) -> SilverRun:
    run = run_silver(tmp_path_factory.mktemp("february"), catalog, known_at="2026-02-16 00:00:00")
    assert run.failures() == {}
    return run


def of(silver: SilverRun, document: str, columns: str) -> list[tuple[object, ...]]:
    return silver.query(
        f"select {columns} from silver.fact_sales where document_id = '{document}' order by line_number desc"
    )


def test_revenue_is_invoices_less_credit_notes_and_nothing_else(silver: SilverRun) -> None:
    # 72 + 55 - 20 + 40 + 100 + 15 + 30 + 2; the quote, order and delivery of fa1, the deposit and the rest add nothing.
    revenue = "select sum(net_amount_excl_tax) from silver.fact_sales where document_type in ('Invoice', 'CreditNote')"
    assert silver.query(revenue) == [(Decimal(294),)]
    kinds = silver.query(
        "select document_type, count(distinct document_id) from silver.fact_sales group by 1 order by 1"
    )
    assert kinds == [
        ("CreditNote", 1), ("Delivery", 1), ("DepositInvoice", 1), ("Invoice", 7), ("Order", 1), ("Other", 1), ("Quote", 1),
        ("Return", 1), ("Template", 1),
    ]  # fmt: skip


def test_port_is_a_row_of_its_own(silver: SilverRun) -> None:
    columns = (
        "line_number, product_id, row_origin, quantity, net_amount_excl_tax, tax_amount, cost_amount, margin_amount"
    )
    assert of(silver, "fa1", columns) == [
        (1, "A1", "line", Decimal(6), Decimal(60), Decimal(12), Decimal(36), Decimal(24)),
        (-1, "PORT", "header", Decimal(1), Decimal(12), Decimal("2.4"), Decimal(0), Decimal(12)),
    ]


def test_a_bundle_counts_once_and_an_option_never(silver: SilverRun) -> None:
    assert of(silver, "fa2", "line_number, product_id, net_amount_excl_tax, cost_amount, is_bundle") == [
        (4, "NO_ITEM", Decimal(5), Decimal(0), False),
        (1, "B1", Decimal(50), Decimal(30), True),
    ]
    components = "select item_code, sum(quantity) from intermediate.int_sale_line_components group by 1"
    assert silver.query(components) == [("A1", Decimal(5))]


def test_a_credit_note_turns_every_amount_and_keeps_the_line_of_the_other_sign(silver: SilverRun) -> None:
    columns = "quantity, unit_price_excl_tax, net_amount_excl_tax, tax_amount, cost_amount, origin_invoice_number"
    assert of(silver, "av1", columns) == [
        (Decimal(1), Decimal(10), Decimal(10), Decimal(2), Decimal(6), "FA1"),
        (Decimal(-3), Decimal(10), Decimal(-30), Decimal(-6), Decimal(-18), "FA1"),
    ]
    assert of(silver, "br1", "quantity, net_amount_excl_tax") == [(Decimal(-1), Decimal(-10))]


def test_discounts_are_told_apart(silver: SilverRun) -> None:
    columns = "discount_amount, line_discount_amount, footer_discount_amount, net_amount_excl_tax, tax_amount"
    assert of(silver, "fa3", columns) == [(Decimal(10), Decimal(5), Decimal(5), Decimal(40), Decimal(8))]


def test_escompte_lowers_the_tax_base_but_not_revenue(silver: SilverRun) -> None:
    columns = "net_amount_excl_tax, financial_discount_amount, tax_amount, net_amount_incl_tax"
    assert of(silver, "fa4", columns) == [(Decimal(100), Decimal(2), Decimal("19.6"), Decimal("117.6"))]


def test_rounding_goes_to_the_largest_line(silver: SilverRun) -> None:
    assert of(silver, "fa7", "net_amount_excl_tax") == [(Decimal("0.999"),), (Decimal("1.001"),)]


def test_identities_hold_on_every_row(silver: SilverRun) -> None:
    broken = """
        select sale_key from silver.fact_sales
        where cast(quantity * unit_price_excl_tax as decimal(28, 8)) - discount_amount <> net_amount_excl_tax
            or net_amount_excl_tax - financial_discount_amount + tax_amount <> net_amount_incl_tax
            or net_amount_excl_tax - cost_amount <> margin_amount
    """
    assert silver.query(broken) == []


def test_payment(silver: SilverRun) -> None:
    paid = "select distinct document_number, is_paid, payment_date_key from silver.fact_sales where document_type_code in (1, 2, 3) order by 1"
    assert silver.query(paid) == [
        ("AV1", True, -1),  # balance 0 and no trace of a payment
        ("DE1", None, None),
        ("FA1", True, 20260220),  # the rejected settlement of 10 February does not count
        ("FA2", False, -2),
        ("FA3", True, 20260312),  # written off
        ("FA4", False, -2),
        ("FA5", False, -2),
        ("FA6", False, -2),
        ("FA7", False, -2),
        ("MO1", None, None),
    ]


def test_invoice_date_follows_the_chain(silver: SilverRun) -> None:
    dates = "select document_number, max(invoice_date_key) from silver.fact_sales where document_type <> 'Other' group by 1 order by 1"
    reached = dict(silver.query(dates))
    assert {name: reached[name] for name in ("DE1", "CM1", "BL1", "FA1", "FD1", "AV1")} == {
        "DE1": 20260120, "CM1": 20260120, "BL1": 20260120, "FA1": 20260120, "FD1": -2, "AV1": -2,
    }  # fmt: skip


def test_sales_find_the_version_of_their_day(silver: SilverRun) -> None:
    families = """
        select f.document_number, any_value(c.family_name), any_value(f.customer_id)
        from silver.fact_sales f join silver.dim_customer c using (customer_key)
        where f.document_number in ('FA1', 'FA2', 'FA7') group by 1 order by 1
    """
    assert silver.query(families) == [("FA1", "Grands comptes", "C001"), ("FA2", "PME", "C001"), ("FA7", None, "C003B")]


def test_customer_versions(silver: SilverRun) -> None:
    columns = "customer_id, family_name, valid_from, valid_to, is_current, former_ids"
    versions = silver.query(
        f"select {columns} from silver.dim_customer where customer_id like 'C00%' order by 1, valid_from"
    )
    start, change = datetime(1900, 1, 1), datetime(2026, 2, 15, 6)  # noqa: DTZ001
    assert versions == [
        ("C001", "Grands comptes", start, change, False, None),
        ("C001", "PME", change, None, True, None),
        ("C002", "(XX)", start, None, True, None),
        ("C003B", None, start, None, True, "C003"),
    ]


def test_customer_attributes(silver: SilverRun) -> None:
    columns = "name, type, phone, email, billing_city, billing_zipcode, billing_country_code, delivery_city, coordinate_source, siren"
    first = silver.query(f"select {columns} from silver.dim_customer where customer_id = 'C001' order by valid_from")[0]
    assert first == (
        "Dupont SARL", "Entreprise", "+33474000001", "compta@dupont.fr", "BOURG-EN-BRESSE", "01000", "FR", "BOURG-EN-BRESSE",
        "commune_postcode", "732829320",
    )  # fmt: skip
    martin = silver.query(
        "select type, siren, coordinate_source, round(delivery_latitude, 2) from silver.dim_customer where customer_id = 'C002'"
    )
    assert martin == [
        ("Particulier", None, "commune_insee", 41.92)
    ]  # GPS 0/0 is not believed; the SIREN fails its check digit


def test_customer_metrics_leave_out_the_future(silver: SilverRun) -> None:
    columns = "customer_id, lifecycle, segment, lifetime_value, lifetime_margin, first_order_date, last_order_date"
    metrics = silver.query(
        f"select {columns} from silver.dim_customer where is_current and customer_id not like '(%' order by 1"
    )
    assert metrics == [
        # 72 + 55 - 20 = 107; cost 36 + 30 - 12 = 54. Order of 10 January first, invoice of 5 March last.
        ("C001", "Client", "A", Decimal(107), Decimal(53), date(2026, 1, 10), date(2026, 3, 5)),
        ("C002", "Client", "A", Decimal(140), Decimal(68), date(2026, 3, 6), date(2026, 3, 7)),
        ("C003B", "Client", "C", Decimal(2), Decimal(2), date(2026, 3, 9), date(2026, 3, 9)),
        ("P001", "Prospect", None, None, None, None, None),
    ]
    flags = silver.query("select document_number from silver.fact_sales where is_future_dated")
    assert flags == [("FA6",)]


def test_codes_that_are_not_in_the_master_keep_their_figures(silver: SilverRun) -> None:
    columns = "customer_id, product_id, customer_key = md5('orphan'), product_key = md5('orphan'), net_amount_excl_tax"
    assert of(silver, "fa5", columns) == [("GONE", "OLD", True, True, Decimal(15))]
    assert of(silver, "fa4", "colleague_id, colleague_key = md5('orphan')") == [("XX", True)]


def test_product_types_and_special_members(silver: SilverRun) -> None:
    types = dict(silver.query("select product_id, type from silver.dim_product where is_commercial_product"))
    assert types == {"A1": "Good", "S1": "Service", "B1": "Bundle"}
    special = silver.query("select product_id from silver.dim_product where not is_commercial_product order by 1")
    assert [name for (name,) in special] == ["(orphan)", "(unknown)", "ECART", "ECOTAXE", "FRAIS", "NO_ITEM", "PORT"]
    assert silver.query("select margin_percent from silver.dim_product where product_id in ('A1', 'S1') order by 1 nulls last") == [
        (40.0,), (None,)
    ]  # fmt: skip


def test_fiscal_year_is_the_year_in_which_it_ends(silver: SilverRun) -> None:
    days = "select date_id, fiscal_year, fiscal_quarter, is_holiday, is_business_day, iso_year, week, season from silver.dim_date where date_id in "
    assert silver.query(days + "(20260501, 20260706, 20270101) order by 1") == [
        (20260501, 2026, 4, True, False, 2026, 18, "printemps"),
        (20260706, 2026, 3, False, True, 2026, 28, "été"),  # not covered by an accounting year: calendar year
        (20270101, 2027, 1, True, False, 2026, 53, "hiver"),
    ]


def test_the_week_is_found_behind_the_index_of_the_days(silver: SilverRun) -> None:
    columns = (
        "monday_minutes, wednesday_minutes, friday_minutes, saturday_minutes, sunday_minutes, weekly_minutes, phone"
    )
    week = silver.query(f"select {columns} from silver.dim_colleague where colleague_id = 'JD'")
    assert week == [(420, 210, 420, 0, 0, 1890, "+33600000001")]


def test_parameters_change_cost_and_corrections(tmp_path: Path, catalog: Path) -> None:
    parameters = {"use_custom_revenue": True, "cost_fallback": "purchase_price", "segment_cut_a": 0.1}
    run = run_silver(tmp_path / "run", catalog, parameters=parameters)
    assert run.failures() == {}
    columns = "line_number, row_origin, net_amount_excl_tax, margin_amount"
    assert of(run, "fa5", columns) == [
        (1, "line", Decimal(15), Decimal(15)),
        (-10, "correction", Decimal(5), Decimal(2)),
    ]
    assert of(run, "fa7", "cost_amount, is_cost_missing")[-1] == (Decimal("0.3"), False)
    segments = (
        "select customer_id, segment from silver.dim_customer where is_current and segment is not null order by 1"
    )
    assert run.query(segments) == [("C001", "B"), ("C002", "A"), ("C003B", "C")]


def test_known_at_shows_what_was_known_then(february: SilverRun) -> None:
    documents = "select distinct document_number, is_paid, payment_date_key from silver.fact_sales order by 1"
    assert february.query(documents) == [
        ("BL1", None, None), ("CM1", None, None), ("DE1", None, None), ("FA1", False, -2),
    ]  # fmt: skip
    families = february.query(
        "select family_name from silver.dim_customer where customer_id = 'C001' order by valid_from"
    )
    assert len(families) == 2  # the change of 15 February was known on the 16th
    assert february.query("select customer_id, former_ids from silver.dim_customer where customer_id like 'C003%'") == [
        ("C003", None)
    ]


def test_an_installation_without_custom_columns_nor_support_tables(tmp_path: Path) -> None:
    some = {table: content for table, content in rows().items() if table not in OPTIONAL_TABLES}
    bare = write_catalog(
        tmp_path / "catalog.duckdb",
        some,
        without_tables=OPTIONAL_TABLES,
        without_columns=("xx_Regul_CA", "xx_Regul_Marge", "xx_Ref_Fabricant"),
    )
    run = run_silver(tmp_path / "run", bare)
    assert run.failures() == {}
    # Nothing says any more that mo1 is a model and ti1 a held ticket: 294 + 77 + 999.
    revenue = "select sum(net_amount_excl_tax) from silver.fact_sales where document_type in ('Invoice', 'CreditNote')"
    assert run.query(revenue) == [(Decimal(1370),)]
    assert run.query("select distinct family_name from silver.dim_customer where customer_id = 'C001' order by 1") == [
        ("(GC)",),
        ("(PME)",),
    ]


def test_an_empty_source_gives_the_members_only(tmp_path: Path) -> None:
    run = run_silver(tmp_path / "run", write_catalog(tmp_path / "catalog.duckdb"))
    assert run.failures() == {}
    assert run.query("select (select count(*) from silver.fact_sales), (select count(*) from silver.dim_customer)") == [
        (0, 2)
    ]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    without_table = write_catalog(tmp_path / "table.duckdb", without_tables=("vat",))
    run = run_silver(tmp_path / "a", without_table, command=("run", "--select", "stg_vat"))
    assert "bronze/vat" in run.messages["stg_vat"]
    without_column = write_catalog(tmp_path / "column.duckdb", without_columns=("SettlementDate",))
    run = run_silver(tmp_path / "b", without_column, command=("run", "--select", "stg_sale_settlement"))
    assert "sale_settlement" in run.messages["stg_sale_settlement"]
    assert '"SettlementDate"' in run.messages["stg_sale_settlement"]


def test_optional_tables_are_those_of_the_registry_that_silver_declares() -> None:
    assert set(OPTIONAL_TABLES) <= set(declared_tables())


def test_unit_tests_of_the_rules_pass(silver: SilverRun, catalog: Path) -> None:
    """The rules one by one, in dbt: models/intermediate/unit_tests.yml; they need the built models for their types."""
    run = run_silver(silver.database.parent, catalog, command=("test", "--select", "test_type:unit"))
    assert run.failures() == {}
    assert len(run.statuses) >= 11
