"""Every published table against the figures of docs/mini-company.md, silver by dbt on a mock bronze, gold by its own SQL.

A table that is stated but not built yet is skipped; it is compared from the day its contract exists. A table that is built
but not stated fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from ebp_lakehouse.gold.compute import Day
from ebp_lakehouse.gold.tables import GOLD_TABLES
from ebp_lakehouse.parameters import parameters
from ebp_lakehouse.settings import Settings
from ebp_lakehouse.silver.contract import contracts
from ebp_lakehouse.silver.manifest import load_manifest
from ebp_lakehouse_tests.mini_company.company import catalog_rows
from ebp_lakehouse_tests.mini_company.expected import TABLES, actual_rows, differences
from ebp_lakehouse_tests.mini_company.rows import AS_OF
from ebp_lakehouse_tests.unit.silver.mock_bronze import DBT_PROJECT, declared_tables, write_catalog
from ebp_lakehouse_tests.unit.silver.silver_run import SilverRun, run_silver

# Published tables of which the mini company states nothing, each with its reason.
UNSTATED: dict[str, str] = {
    "silver.fact_quotes": "the rules in models/intermediate/unit_tests_quotes.yml, the rows as gold.quote_funnel",
    "gold.product_affinity": "empty, no two goods are on ten invoices together: see unit/gold/test_product_affinity.py",
    "silver.fact_sale_components": "one row: see test_components_of_the_bundle_are_kept_apart",
    "silver.fact_purchase_receipts": "three rows: see test_what_came_of_an_order_is_told_day_by_day",
    "silver.source_totals": "what EBP's headers add up to: its sums are those of gold.reconciliation",
    "silver.fact_technician_time": "worked out as its sums: see test_available_and_used_minutes_of_technicians",
    "gold.interventions_cube": "every cell is counted apart: see unit/gold/test_interventions_cube.py",
    "silver.fact_contract_visits": "no contract here has a periodicity: see dbt's unit test a_contract_wants_a_visit_…",
    "silver.fact_deleted_appointments": "one row, e08: see test_a_deleted_appointment_leaves_the_interventions",
    "gold.kpi_catalogue": "made of the contracts, not of the company: see unit/gold/test_contracts.py",
}


@pytest.fixture(scope="module")
def silver(tmp_path_factory: pytest.TempPathFactory) -> SilverRun:
    folder = tmp_path_factory.mktemp("mini")
    run = run_silver(folder, write_catalog(folder / "catalog.duckdb", catalog_rows(declared_tables())))
    assert run.failures() == {}
    return run


@pytest.fixture(scope="module")
def built(silver: SilverRun) -> Iterator[duckdb.DuckDBPyConnection]:
    """The silver tables, and each gold table computed as of the company's last day, as `gold_<name>`."""
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH '{silver.database}' AS mini (READ_ONLY); USE mini")
        values = parameters(DBT_PROJECT, None).values | {"as_of": date.fromisoformat(AS_OF)}
        day = Day(connection, values)
        for table in GOLD_TABLES:
            frame, found = day.table(table)
            assert not found, (table.name, found)
            connection.register(f"gold_{table.name}", frame.to_arrow())
        yield connection


@pytest.fixture(scope="module")
def published() -> set[str]:
    """Names of all declared tables, as silver.<name> and gold.<name>."""
    silver = contracts(load_manifest(Settings.from_environment().dbt_project_dir))
    return {f"silver.{name}" for name in silver} | {f"gold.{table.name}" for table in GOLD_TABLES}


@pytest.mark.parametrize("name", TABLES)
def test_the_table_is_what_was_worked_out_by_hand(
    name: str, built: duckdb.DuckDBPyConnection, published: set[str]
) -> None:
    if name not in published:
        pytest.skip(f"{name} is not built yet")
    table = TABLES[name]
    relation = name if table.layer == "silver" else f"gold_{table.name}"
    assert differences(table, actual_rows(built, table, relation)) == []


def test_every_published_table_is_stated(published: set[str]) -> None:
    assert published <= set(TABLES) | set(UNSTATED)
    assert not set(UNSTATED) & set(TABLES)


def test_identities_hold_on_every_row_of_sales(silver: SilverRun) -> None:
    broken = """
        select sale_key from silver.fact_sales
        where cast(quantity * unit_price_excl_tax as decimal(28, 8)) - discount_amount <> net_amount_excl_tax
            or net_amount_excl_tax - financial_discount_amount + tax_amount <> net_amount_incl_tax
            or net_amount_excl_tax - cost_amount <> margin_amount
    """
    assert silver.query(broken) == []


def test_components_of_the_bundle_are_kept_apart(silver: SilverRun) -> None:
    components = """
        select f.document_number, f.line_number, c.date_key, c.product_id, c.quantity
        from silver.fact_sale_components c join silver.fact_sales f using (sale_key) order by c.quantity
    """
    assert silver.query(components) == [
        ("FA260002", 1, 20260210, "A1", Decimal(2)),
        ("FA260002", 1, 20260210, "A1", Decimal(3)),
    ]


def test_what_came_of_an_order_is_told_day_by_day(silver: SilverRun) -> None:
    """Of the 40 of PC260002 came 30 and 10; the invoices of these receipts bring nothing twice, PF260003 is of no order."""
    receipts = """
        select o.document_number, o.line_number, i.document_number, r.date_key, r.received_quantity
        from silver.fact_purchase_receipts as r
        inner join silver.fact_purchases as o on r.order_purchase_key = o.purchase_key
        inner join silver.fact_purchases as i on r.receipt_purchase_key = i.purchase_key
        order by r.date_key
    """
    assert silver.query(receipts) == [
        ("PC260001", 1, "PR260001", 20260119, 50),
        ("PC260002", 1, "PR260002", 20260212, 30),
        ("PC260002", 1, "PR260003", 20260220, 10),
    ]
    lines = """
        select o.document_number, o.received_quantity, coalesce(sum(r.received_quantity), 0)
        from silver.fact_purchases as o
        left join silver.fact_purchase_receipts as r on o.purchase_key = r.order_purchase_key
        where o.document_type = 'Order'
        group by all
    """
    told = silver.query(lines)
    assert len(told) == 4
    assert all(of_the_line == of_its_receipts for _, of_the_line, of_its_receipts in told)


def test_sales_find_the_version_of_their_day(silver: SilverRun) -> None:
    families = """
        select f.document_number, any_value(c.family_name)
        from silver.fact_sales f join silver.dim_customer c using (customer_key)
        where f.document_number in ('FA240001', 'FA260001', 'FA260003') group by 1 order by 1
    """
    assert silver.query(families) == [
        ("FA240001", "Grands comptes"),
        ("FA260001", "Grands comptes"),
        ("FA260003", "PME"),
    ]
    prices = """
        select f.document_number, any_value(p.selling_price)
        from silver.fact_sales f join silver.dim_product p using (product_key)
        where f.product_id = 'A2' and f.document_number in ('FA250001', 'FA260003') group by 1 order by 1
    """
    assert silver.query(prices) == [("FA250001", Decimal(90)), ("FA260003", Decimal(100))]


def test_codes_without_a_master_point_at_the_orphan(silver: SilverRun) -> None:
    orphans = """
        select document_number, customer_key = md5('orphan'), product_key = md5('orphan') from silver.fact_sales
        where customer_id = 'GONE' or product_id = 'OLD' order by 1
    """
    assert silver.query(orphans) == [("BL260003", False, True), ("FA220001", True, False)]


def test_duplicates_are_shown(silver: SilverRun) -> None:
    groups = "select list(customer_id order by customer_id) from silver.dim_customer where is_current and duplicate_group_id is not null group by duplicate_group_id"
    assert silver.query(groups) == [(["C001", "C006"],)]


def test_suppliers_are_measured_as_gold_will_show_them(silver: SilverRun) -> None:
    """The ingredients behind dim_supplier.rating, against the figures worked out for gold.supplier_performance."""
    names = {
        "order_count": "total_orders_count",
        "spend": "total_amount",
        "on_time_in_full_rate": "on_time_delivery_rate",
        "defect_rate": "quality_defect_rate",
        "lead_time_days": "avg_lead_time_days",
        "lead_time_std_days": "lead_time_std_days",
        "price_variance_percent": "price_variance_percent",
        "terms_compliance_rate": "payment_terms_compliance",
        "score": "supplier_score",
    }
    columns = ", ".join(f"{ours} as {stated}" for ours, stated in names.items())
    sql = f"select supplier_id, period_start, period_end, {columns} from intermediate.int_supplier_performance"
    with duckdb.connect(str(silver.database), read_only=True) as connection:
        rows = connection.execute(sql).to_arrow_table().to_pylist()
    table = TABLES["gold.supplier_performance"]
    assert differences(table, rows) == []


def test_available_and_used_minutes_of_technicians(silver: SilverRun) -> None:
    """The minutes behind colleague_performance, interventions_daily_kpi and technician_calendar_load of the document."""
    january = "select colleague_id, sum(available_minutes) from silver.fact_technician_time where date_key between 20260101 and 20260131 group by 1 order by 1"
    assert silver.query(january) == [("T1", 8580), ("T2", 7980)]
    days = """
        select date_key, sum(available_minutes), sum(absent_minutes), sum(planned_minutes), sum(intervention_minutes),
            sum(internal_minutes)
        from silver.fact_technician_time
        where date_key in (20260119, 20260120, 20260121, 20260123, 20260317, 20260318, 20260402) group by 1 order by 1
    """
    assert silver.query(days) == [
        (20260119, 840, 0, 180, 180, 0), (20260120, 600, 240, 0, 0, 0), (20260121, 630, 0, 0, 0, 60),
        (20260123, 840, 0, 180, 180, 0), (20260317, 840, 0, 60, 60, 0), (20260318, 630, 0, 90, 90, 0),
        (20260402, 840, 0, 90, 0, 0),
    ]  # fmt: skip


def test_a_deleted_appointment_leaves_the_interventions(silver: SilverRun) -> None:
    deleted = "select event_number, schedule_date_key, state from silver.fact_deleted_appointments"
    assert silver.query(deleted) == [("e08", 20260325, "Cancelled")]


def test_movements_are_those_of_the_two_storehouses(silver: SilverRun) -> None:
    """By hand: A1 sold 6+4+5+10+3+2+5+1 = 36 pieces for 201.3 and 1 came back; A2 1+2+1+1 = 5 for 300; E1 1 for 700."""
    sold = """
        select product_id, -sum(quantity), -sum(cost_amount) from silver.fact_stock_movements
        where is_demand and quantity < 0 group by 1 order by 1
    """
    assert silver.query(sold) == [("A1", 36, Decimal("201.3")), ("A2", 5, 300), ("E1", 1, 700)]
    closing = "select product_id, sum(quantity) from silver.fact_stock_movements group by 1 order by 1"
    assert silver.query(closing) == [("A1", 77), ("A2", 1), ("E1", 1)]


def test_the_sales_tables_add_up_to_the_same_revenue(built: duckdb.DuckDBPyConnection) -> None:
    """Semantics §13 over the twelve months to D, which are whole months; 2165.98 is worked out in the document."""
    revenue = {
        "day": "select sum(total_revenue_excl_tax) from gold_sales_daily_kpi where date_id between 20250401 and 20260331",
        "customer": "select sum(total_revenue) from gold_sales_by_customer",
        "place": "select sum(total_revenue) from gold_sales_by_region where period between '2025-04' and '2026-03'",
        "bridge": "select sum(closing_revenue) from gold_revenue_bridge where comparison = 'rolling_12_months'",
        "product": """select (select sum(total_revenue) from gold_sales_by_product) + sum(net_amount_excl_tax)
            from silver.fact_sales join silver.dim_product using (product_key)
            where not is_commercial_product and document_type in ('Invoice', 'CreditNote')
                and date_key between 20250401 and 20260331""",
    }
    sums = {name: built.execute(sql).fetchone()[0] for name, sql in revenue.items()}  # type: ignore[index]
    assert sums == dict.fromkeys(revenue, Decimal("2165.98"))
