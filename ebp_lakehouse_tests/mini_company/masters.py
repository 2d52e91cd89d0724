"""Customers, items, colleagues, suppliers, storehouses and the code lists. Two customers change on 15 February 2026."""

from __future__ import annotations

from typing import Any

from ebp_lakehouse_tests.mini_company.rows import DELETED, EARLY, Row, captured

CHANGE = "2026-02-15 06:00:00"


def customer(code: str, name: str, **others: Any) -> Row:
    return {
        "Id": code,
        "UniqueId": f"customer {code}",
        "Name": name,
        "UseInvoicingAddressAsDeliveryAddress": True,
        **others,
    }


def billing(street: str, zipcode: str, town: str) -> Row:
    return {
        "MainInvoicingAddress_Address1": street,
        "MainInvoicingAddress_ZipCode": zipcode,
        "MainInvoicingAddress_City": town,
    }


def item(code: str, caption: str, price: float, cost: float, **others: Any) -> Row:
    return {
        "Id": code, "UniqueId": f"item {code}", "Caption": caption, "SalePriceVatExcluded": price, "CostPrice": cost,
        "VatId": "v20", "UnitId": "PCE", **others,
    }  # fmt: skip


def supplier_item(supplier: str, code: str, delay: int, **others: Any) -> Row:
    return {
        "Id": f"{supplier} {code}",
        "SupplierId": supplier,
        "ItemId": code,
        "MainSupplier": True,
        "DeliveryDelay": delay,
        **others,
    }


def week(monday_to_sunday: list[float]) -> Row:
    """Hours of each day. EBP's index 0 is a Sunday here; a day without hours is not worked."""
    hours = [monday_to_sunday[-1], *monday_to_sunday[:-1]]
    return {
        key: value
        for index, duration in enumerate(hours)
        for key, value in {
            f"DaySchedule{index}_Duration": duration,
            f"DaySchedule{index}_Active": duration > 0,
        }.items()
    }


OWN_WEEK = {f"DaySchedule{index}_Customize": True for index in range(7)}
FULL_TIME = week([7, 7, 7, 7, 7, 0, 0])
HALF_WEDNESDAY = week([7, 7, 3.5, 7, 7, 0, 0])
SIREN = "732829320"

# fmt: off
TABLES: dict[str, list[Row]] = {
    "Customer": [
        # Moves and changes family on 15 February; phone, e-mail and postcode as people type them.
        *captured(EARLY, customer("C001", "  Dupont   SARL ", FamilyId="gc", **billing("1 rue du Four", "1000", "Bourg-en-Bresse Cedex 9"),
            MainInvoicingContact_Phone="04.74.00 00 01", MainInvoicingContact_Email="Compta@Dupont.FR; x@y.fr", Siren="732 829 320", AllowedAmount=500)),
        *captured(CHANGE, customer("C001", "Dupont SARL", FamilyId="PME", **billing("2 quai Lamartine", "71000", "Mâcon"),
            MainInvoicingContact_Phone="0385000001", MainInvoicingContact_Email="compta@dupont.fr", Siren=SIREN, AllowedAmount=500)),
        # An individual: family code without a caption, GPS 0/0, a SIREN whose check digit fails.
        customer("C002", "Martin", NaturalPerson=True, FamilyId="XX", UseInvoicingAddressAsDeliveryAddress=False, Siren="732829321",
            MainDeliveryAddress_ZipCode="20000", MainDeliveryAddress_City="AJACCIO", MainDeliveryAddress_CodeINSEE="2A004",
            MainDeliveryAddress_Latitude=0, MainDeliveryAddress_Longitude=0, MainInvoicingContact_Phone="12", MainInvoicingContact_Email="martin@@free"),
        # Renamed on 15 February: the same UniqueId under a new code.
        *captured(EARLY, {**customer("C003", "Bernard"), "UniqueId": "customer C003"}),
        *captured(CHANGE, {**customer("C003", "Bernard"), "UniqueId": "customer C003", DELETED: True}),
        *captured(CHANGE, {**customer("C003B", "Bernard"), "UniqueId": "customer C003"}),
        customer("C004", "Hôtel du Lac", FamilyId="GC", ColleagueId="JD", **billing("3 quai des Cygnes", "74000", "Annecy")),
        # Delivered abroad.
        customer("C005", "Groupe Alpin", FamilyId="GC", AllowedAmount=300, UseInvoicingAddressAsDeliveryAddress=False,
            MainDeliveryAddress_Address1="Rue Haute 1", MainDeliveryAddress_ZipCode="1000", MainDeliveryAddress_City="Bruxelles",
            MainDeliveryAddress_CountryIsoCode="BE"),
        # The same SIREN as C001; never invoiced.
        customer("C006", "DUPONT", Siren=SIREN),
        customer("P001", "Prospect", ActiveState=1),
    ],
    "CustomerFamily": captured(EARLY, {"Id": "GC", "UniqueId": "gc", "Caption": "Grands comptes"}, {"Id": "PME", "UniqueId": "pme", "Caption": "PME"}),
    "Item": [
        item("A1", "Vanne", 10, 6, ManageStock=True, FamilyId="ROB", SupplierId="F1", PurchasePrice=6.25, Pump=5.8),
        # Its catalogue price goes from 90 to 100 on 15 February.
        *captured(EARLY, item("A2", "Radiateur", 90, 60, ManageStock=True, FamilyId="CHA", SupplierId="F2", PurchasePrice=60, Pump=60)),
        *captured(CHANGE, item("A2", "Radiateur", 100, 60, ManageStock=True, FamilyId="CHA", SupplierId="F2", PurchasePrice=60, Pump=60)),
        item("B1", "Lot de vannes", 50, 30, ManageStock=True, FamilyId="ROB"),
        item("CM1", "Contrat d'entretien", 240, 0, IsMaintenanceContract=True),
        item("E1", "Chaudière", 1000, 700, ManageStock=True, FamilyId="CHA", SupplierId="F2", PurchasePrice=690, Pump=690),
        {**item("I1", "Isolant", 20, 12), "VatId": "v5"},
        {**item("S1", "Main d'œuvre", 0, 0), "IsSubscription": True, "UnitId": "H"},
    ],
    "ItemFamily": [{"Id": "ROB", "UniqueId": "rob", "Caption": "Robinetterie"}, {"Id": "CHA", "UniqueId": "cha", "Caption": "Chauffage"}],
    "ItemComponent": [{"Id": "B1 A1", "ParentItemId": "b1", "ItemId": "A1", "Quantity": 5}],
    "Unit": [{"Id": "PCE", "UniqueId": "pce", "Caption": "Pièce"}, {"Id": "H", "UniqueId": "h", "Caption": "Heure"}],
    "Vat": [{"Id": "v20", "Rate": 20}, {"Id": "v5", "Rate": 5.5}, {"Id": "v0", "Rate": 0}],
    "Colleague": [
        {"Id": "JD", "UniqueId": "JD", "Contact_Name": "Durand", "Contact_FirstName": "Jeanne", "IsSalesperson": True,
         "Contact_CellPhone": "06 00 00 00 01", **OWN_WEEK, **FULL_TIME},
        # The technician's own days are not customised: those of the family apply.
        {"Id": "T1", "UniqueId": "T1", "Contact_Name": "Leroy", "HourlyCostPrice": 25, "ColleagueFamilyId": "TECH", "StorehouseId": "VAN"},
        {"Id": "T2", "UniqueId": "T2", "Contact_Name": "Petit", "HourlyCostPrice": 20, "ColleagueFamilyId": "TECH", **OWN_WEEK, **HALF_WEDNESDAY},
    ],
    "ColleagueFamily": [{"Id": "TECH", "UniqueId": "tech", "Caption": "Techniciens", **FULL_TIME}],
    # The depot lies at 46° north, 5° east: the customers' points are due north of it, so that distances can be worked by hand.
    "Storehouse": [
        {"Id": "DEP", "Caption": "Dépôt", "Main": True, "Address_Latitude": 46, "Address_Longitude": 5},
        {"Id": "VAN", "Caption": "Camionnette", "Address_Latitude": 46, "Address_Longitude": 5},
    ],
    "Supplier": [
        {"Id": "F1", "UniqueId": "F1", "Name": "Robinetterie du Rhône", "SettlementModeId": "30J", "MainInvoicingAddress_City": "Lyon"},
        {"Id": "F2", "UniqueId": "F2", "Name": "Thermique SA", "SettlementModeId": "30J", "MainInvoicingAddress_City": "Dijon"},
    ],
    "SupplierItem": [
        supplier_item("F1", "A1", 7, PurchaseOrderMultipleQuantity=50, ReferenceId="R A1"),
        supplier_item("F2", "A2", 14),
        supplier_item("F2", "E1", 14),
    ],
    "ThirdReference": [{"Id": "R A1", "ThirdId": "F1", "ItemId": "A1", "Reference": "RR-100"}],
    "SettlementMode": [{"Id": "30J", "UniqueId": "30j", "Caption": "30 jours"}],
    "SettlementModeLine": [{"Id": "30J", "SettlementModeId": "30J", "DaysNumber": 30, "PercentageDistribution": 100}],
    # The first fiscal year is 18 months long.
    "AccountingYear": [
        {"Id": "y1", "StartingDate": "2024-01-01", "EndingDate": "2025-06-30"},
        {"Id": "y2", "StartingDate": "2025-07-01", "EndingDate": "2026-06-30"},
    ],
    # One town only: the others are found on documents.
    "Zipcode": [{"Id": "ANNECY", "CountryIsoCode": "FR", "ZipCode": "74000", "City": "ANNECY", "CodeINSEE": "74010"}],
    "Country": [{"IsoCode": "FR", "Caption": "France", "UniqueId": "fr"}, {"IsoCode": "BE", "Caption": "Belgique", "UniqueId": "be"}],
}
# fmt: on
