"""The registry is held together with the reference installation: keys, measures and secrets must exist there."""

from __future__ import annotations

import csv
import gzip
from importlib import resources
from pathlib import Path

import pytest

from ebp_lakehouse.errors import ContractError, SettingsError
from ebp_lakehouse.source.introspection import reference_table
from ebp_lakehouse.source.registry import Registry


@pytest.fixture(scope="module")
def reference() -> dict[str, dict[str, str]]:
    packed = resources.files("ebp_lakehouse.source").joinpath("reference", "columns.csv.gz").read_bytes()
    tables: dict[str, dict[str, str]] = {}
    for row in csv.DictReader(gzip.decompress(packed).decode().splitlines()):
        tables.setdefault(row["table"], {})[row["column"]] = row["type"]
    return tables


# The specification's fifty: 36 that it names, and the 14 that complete its domains.
COMPLETING = {
    "CustomerSubFamily", "DealCustomer", "DocumentLineAssociation", "SettlementMode", "PaymentType", "SupplierFamily",
    "PurchaseSettlementCommitmentAssociation", "DealPurchaseDocument", "DealPurchaseDocumentLine", "Vat",
    "ItemSubFamily", "Storehouse", "Unit", "ScheduleEventType",
}  # fmt: skip
SUPPORT = {
    "SaleCreditMemoOrigin", "ItemComponent", "States", "ClassificationGroup", "ThirdReference", "SettlementModeLine",
    "AccountingYear", "PeriodicInvoicing", "ColleagueFamily", "ColleagueFunction", "ColleagueCompetence",
    "MaintenanceContractCustomerProduct", "ScheduleEventCustomerProduct", "IncidentTemplate",
    "IncidentCustomerProduct", "DealResourcesCost", "DealStockDocumentLine",
}  # fmt: skip


def test_the_priority_set_is_the_specifications_fifty_and_seventeen_support_tables() -> None:
    registered = {spec.name: spec for spec in Registry.load()}
    starred = {name for name, spec in registered.items() if spec.stars}
    assert len(starred) == 36
    assert set(registered) == starred | COMPLETING | SUPPORT
    assert registered["SaleSettlementCommitmentAssociation"].asset == "sale_settlement_commitment"
    assert {name for name in SUPPORT if not registered[name].support} == set()


def test_every_name_the_registry_declares_exists_in_the_reference(reference: dict[str, dict[str, str]]) -> None:
    for spec in Registry.load():
        columns = reference[spec.name]
        named = [*spec.key, *spec.personal]
        if spec.reconcile:
            named += [*spec.reconcile.measures, *(g.column for g in spec.reconcile.groupings)]
        assert [name for name in named if name not in columns] == [], spec.name


def test_the_secrets_of_the_reference_are_exactly_these(reference: dict[str, dict[str, str]]) -> None:
    spec = Registry.load().tables["Customer"]
    found = {(t, c) for t, columns in reference.items() for c, kind in columns.items() if spec.is_secret(c, kind)}
    assert found == {
        ("Customer", "xx_login_ticket"),
        ("Customer", "xx_mdp_ticket"),
        ("CustomerProduct", "xx_Cles_PC"),
        ("CustomerProduct", "xx_Cle_Web"),
        ("CustomerProduct", "xx_Licence"),
        ("EbpSysUser", "UserPassword"),
    }


@pytest.mark.parametrize(
    "name", ["xx_Password_FTP", "motdepasse", "api_key", "PWD", "xx_MDP", "AccessToken", "ClientSecret"]
)
def test_what_looks_like_a_secret_is_one_unless_its_type_can_hold_none(name: str) -> None:
    spec = Registry.load().tables["Customer"]
    for kind in (
        "character varying(20)",
        "citext",
        "bytea",
        "uuid",
        "jsonb",
        "xml",
        "text[]",
        "numeric(10,2)[]",
        "mood",
    ):
        assert spec.is_secret(name, kind), kind
    for kind in ("boolean", "integer", "numeric(10,2)", "double precision", "date", "timestamp(3) without time zone"):
        assert not spec.is_secret(name, kind), kind


def test_a_reference_to_another_row_is_no_secret() -> None:
    spec = Registry.load().tables["Customer"]
    assert not spec.is_secret("SecretaryId", "uuid")
    assert not spec.is_secret("api_key_id", "uuid")
    assert spec.is_secret("SecretaryId", "text")
    assert spec.is_secret("apikeyid", "uuid")


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("MainInvoicingContact_Email", "direct"),
        ("MainDeliveryAddress_Address2", "direct"),
        ("MainDeliveryAddress_Latitude", "direct"),
        ("Name", "direct"),
        ("SendReceiptByMail", "none"),
        ("MainInvoicingAddress_ZipCode", "indirect"),
        ("sysModifiedUser", "indirect"),
        ("NotesClear", "indirect"),
        ("CurrentAmount", "none"),
        ("FamilyId", "none"),
    ],
)
def test_personal_class_by_name(column: str, expected: str) -> None:
    assert Registry.load().tables["Customer"].personal_class(column) == expected


def test_selection_takes_either_name_and_refuses_unknown_ones() -> None:
    registry = Registry.load()
    assert [s.name for s in registry.select("SaleDocument, vat")] == ["SaleDocument", "Vat"]
    assert len(registry.select("priority")) == len(registry)
    with pytest.raises(SettingsError, match="SaleDocumnt"):
        registry.select("SaleDocumnt")


def test_a_wrong_file_names_the_table_and_field() -> None:
    rules = "secrets: []\nsecret_patterns: []\npersonal_rules: []\n"
    text = rules + "tables:\n  Vat: {asset: vat, domain: nowhere, description: x}"
    with pytest.raises(ContractError, match="domain"):
        Registry.load(text)


def test_a_missing_support_table_takes_the_shape_of_the_reference() -> None:
    table = reference_table(Registry.load().tables["Customer"])
    assert table.column("Id") is not None
    assert table.column("xx_mdp_ticket") is None


def test_all_is_every_table_of_the_reference_with_names_that_do_not_move(reference: dict[str, dict[str, str]]) -> None:
    registry = Registry.load()
    specs = registry.select("all")
    assert {spec.name for spec in specs} == set(reference)
    assert len({spec.asset for spec in specs}) == len(specs) == 319
    assert specs[: len(registry)] == registry.select("priority"), "registered tables are as they were declared"
    by_name = {spec.name: spec for spec in specs}
    assert by_name["AccountingExchangeGroup"].asset == "accounting_exchange_group"
    assert by_name["EbpSysUser"].is_secret("UserPassword"), "secrets are secrets in every table"
    assert by_name["Bank"].personal_class("Iban") == "direct"
    assert reference_table(by_name["AccountingExchangeGroup"]).key == ("Id",)


def test_a_file_of_ones_own_adds_tables_and_changes_declared_ones(tmp_path: Path) -> None:
    file = tmp_path / "tables.yaml"
    file.write_text("tables:\n  orders:\n  Customer: {text: [Note], asset: clients}\n  customer: {key: [a, b]}\n")
    registry = Registry.load(own=file)
    assert [spec.name for spec in registry.select("all")] == ["orders", "Customer", "customer"]
    orders, client, other = registry.select("all")
    assert (orders.asset, orders.key, orders.support) == ("orders", (), False)
    assert (client.asset, client.key, client.text, client.domain) == ("clients", ("Id",), ("Note",), "customers")
    assert (other.asset, other.key) == ("customer_91ec1f93", ("a", "b"))  # bronze/customer was EBP's when it was named
    assert orders.is_secret("api_key")
    assert len(registry.select("priority")) == len(Registry.load())
    assert registry.select("orders,Vat")[1].asset == "vat"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("tables: {a: {asset: 'No Name'}}", "table a: asset"),
        ("tables: {a: {colour: red}}", "table a: colour"),
        ("tables: {a: {asset: x}, b: {asset: x}}", "share the asset x"),
        ("tables: {a: {asset: sale_document}}", "share the asset sale_document"),
        ("tables: [", "is not YAML"),
        ("- a", "is not valid"),
    ],
)
def test_what_is_wrong_in_a_file_of_ones_own_is_told_with_its_name(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(ContractError, match=words) as refused:
        Registry.load(own=file)
    assert "mine.yaml" in str(refused.value)
    with pytest.raises(SettingsError, match=r"EBP_TABLES_FILE.*discover"):
        Registry.load(own=tmp_path / "none.yaml")
