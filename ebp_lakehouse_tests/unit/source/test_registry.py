"""The registry is held together with the reference installation: keys, measures and secrets must exist there."""

from __future__ import annotations

import csv
import gzip
from importlib import resources

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
def test_text_that_looks_like_a_secret_is_one(name: str) -> None:
    spec = Registry.load().tables["Customer"]
    assert spec.is_secret(name, "character varying(20)")
    assert not spec.is_secret(name, "boolean")


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
