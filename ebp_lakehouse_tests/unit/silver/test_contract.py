"""Contracts derived from dbt's manifest: what is declared once in yml is what Arrow, Pandera and Dagster see."""

from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest
from pandera.errors import SchemaErrors

from ebp_lakehouse.settings import REPOSITORY_ROOT
from ebp_lakehouse.silver.calendar import french_holidays
from ebp_lakehouse.silver.contract import Column, TableContract, contracts
from ebp_lakehouse.silver.manifest import load_manifest

SPECIFICATION = {
    "dim_date": "date_id date_value year quarter month week day_of_week day_name is_weekend is_holiday fiscal_year "
    "fiscal_quarter season",
    "dim_customer": "customer_key customer_id name type family_name subfamily_name main_contact_name phone email "
    "billing_address_full billing_city billing_zipcode billing_country delivery_address_full delivery_city "
    "delivery_zipcode delivery_latitude delivery_longitude segment lifetime_value is_active created_date "
    "first_order_date valid_from valid_to is_current",
    "dim_product": "product_key product_id name reference family_name subfamily_name category_l1 category_l2 "
    "category_l3 type unit cost_price selling_price margin_percent is_active valid_from valid_to is_current",
    "dim_colleague": "colleague_key colleague_id name first_name job_title department email phone hire_date "
    "termination_date is_active team_name manager_colleague_key",
    "dim_time": "time_key hour minute time_of_day business_hours_flag",
    "dim_location": "location_key zipcode city state country_code country_name latitude longitude region department "
    "population density urban_rural_flag",
    "fact_inventory": "inventory_key date_key product_key warehouse_key quantity_on_hand quantity_reserved "
    "quantity_available reorder_point stock_value days_of_supply",
    "fact_interventions": "intervention_key schedule_date_key start_time_key end_time_key customer_key location_key "
    "colleague_key product_key intervention_type priority state scheduled_duration_minutes actual_duration_minutes "
    "distance_km is_first_call_resolution customer_satisfaction_score resolution_notes billable_amount",
    "fact_incidents": "incident_key creation_date_key resolution_date_key customer_key product_key "
    "assigned_colleague_key incident_type priority severity state time_to_first_response_hours "
    "time_to_resolution_hours sla_met_flag reopened_count resolution_category",
    "fact_customer_activity": "activity_key date_key customer_key colleague_key activity_type duration_minutes outcome "
    "notes_summary",
    "fact_sales": "sale_key date_key customer_key product_key colleague_key document_type document_number line_number "
    "quantity unit_price_excl_tax discount_amount net_amount_excl_tax tax_amount net_amount_incl_tax cost_amount "
    "margin_amount margin_percent is_paid payment_date_key invoice_date_key",
}


@pytest.fixture(scope="module")
def tables() -> dict[str, TableContract]:
    return contracts(load_manifest(REPOSITORY_ROOT / "dbt_silver"))


@pytest.mark.parametrize("table", SPECIFICATION)
def test_every_column_of_the_specification_is_there(tables: dict[str, TableContract], table: str) -> None:
    declared = {column.name for column in tables[table].columns}
    assert set(SPECIFICATION[table].split()) <= declared


def test_every_column_has_a_french_label_and_a_type_the_lake_holds(tables: dict[str, TableContract]) -> None:
    for table in tables.values():
        for column in table.columns:
            assert column.label_fr, f"{table.name}.{column.name}"
            assert isinstance(column.arrow_type, pa.DataType)


def test_money_is_decimal(tables: dict[str, TableContract]) -> None:
    for name in ("net_amount_excl_tax", "tax_amount", "cost_amount", "quantity", "unit_price_excl_tax"):
        assert tables["fact_sales"].column(name).arrow_type == pa.decimal128(28, 8)


def test_dependencies_are_collapsed_to_what_is_published(tables: dict[str, TableContract]) -> None:
    fact = tables["fact_sales"]
    assert {"dim_customer", "dim_product", "dim_colleague"} <= set(fact.parents)
    assert {"sale_document", "sale_document_line", "sale_settlement"} <= set(fact.bronze)
    assert list(tables).index("dim_customer") < list(tables).index("fact_sales")


def test_personal_columns_are_apart(tables: dict[str, TableContract]) -> None:
    customer = tables["dim_customer"]
    public = {column.name for column in customer.public_columns()}
    private = {column.name for column in customer.private_columns()}
    assert {"name", "phone", "email", "main_contact_name", "billing_address_full"} <= private
    assert public & private == {"customer_key"}
    assert tables["fact_sales"].private_columns() == []


def column(**rules: object) -> Column:
    return Column("x", "integer", "a number", "Nombre", personal=False, rules=rules)


def test_pandera_checks_the_data_not_only_the_types() -> None:
    contract = TableContract("t", "model.t", "", "x", (column(not_null=True, min=1, unique=True),), (), (), ())
    schema = contract.pandera_schema()
    schema.validate(pl.DataFrame({"x": [1, 2]}, schema={"x": pl.Int32}), lazy=True)
    for bad in ([0, 1], [1, 1], [1, None]):
        with pytest.raises(SchemaErrors):
            schema.validate(pl.DataFrame({"x": bad}, schema={"x": pl.Int32}), lazy=True)


def test_holidays_of_2026_by_the_official_calendar() -> None:
    days = french_holidays().filter((pl.col("date").dt.year() == 2026) & (pl.col("calendar") == "metropole"))
    assert sorted(d.strftime("%m-%d") for d in days["date"]) == [
        "01-01", "04-06", "05-01", "05-08", "05-14", "05-25", "07-14", "08-15", "11-01", "11-11", "12-25",
    ]  # fmt: skip
