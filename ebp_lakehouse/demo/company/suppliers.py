"""Suppliers: who they are and how they behave, their price lines and references for the items.

``Suppliers`` keeps the arrays the purchases are made with: promised delays, lateness, short deliveries, defects. What
is bought from whom, and when, is in ``replenishment``.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import dirt, geography
from ebp_lakehouse.demo.company import masters as small
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.customers import FIRST_NAMES, LAST_NAMES, siren_numbers
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.primitives import (
    Bool,
    Float,
    Int,
    day_number,
    decimals,
    generator,
    office_time,
    stamps,
    take,
    users,
    uuids,
)  # fmt: skip
from ebp_lakehouse.demo.company.truth import GroundTruth

COUNT = 268  # reference installation, at every scale
GOODS = 45  # the first ones sell goods; the next ones services; the others are old entries of ten years
SERVICES = 70
ORDERED_FROM = 24  # of the goods suppliers: those that get written orders, beside purchases over the counter
ZIPF = 0.7


@dataclass(frozen=True)
class Profile:
    """How a kind of supplier delivers: days late (mean, deviation), shares of short deliveries and of defects."""

    name: str
    late_days: float
    late_deviation: float
    short: float
    defect: float


# Six kinds in turn, the largest suppliers first: every kind is seen at every scale.
PROFILES = (
    Profile("punctual", 0.0, 0.7, 0.02, 0.005), Profile("always late", 9.0, 3.0, 0.03, 0.01),
    Profile("erratic", 3.0, 8.0, 0.08, 0.02), Profile("delivers short", 1.0, 1.5, 0.35, 0.01),
    Profile("defective goods", 1.0, 1.5, 0.04, 0.12), Profile("usual", 1.5, 2.0, 0.05, 0.01),
)  # fmt: skip
PRICE_RISER, RISE = 5, 1.08  # the supplier that raised its prices in the middle of last year
FOREIGN = 3  # a Belgian supplier: reverse charge
SECOND_PRICE = 1.06  # what the second supplier of an item asks for
WORDS = ("Négoce", "Distribution", "Matériaux", "Sanitaire", "Chauffage", "Électro", "Outillage", "Fixations", "Clim")
OVERHEADS = (
    ("Carburant", 8_000, 35_000), ("Téléphone et internet", 4_000, 15_000), ("Loyer du dépôt", 90_000, 140_000),
    ("Sous-traitance de pose", 30_000, 300_000), ("Fournitures de bureau", 1_500, 20_000),
    ("Entretien des véhicules", 8_000, 90_000), ("Assurance", 40_000, 120_000), ("Électricité", 12_000, 60_000),
    ("Location de nacelle", 15_000, 80_000), ("Honoraires comptables", 30_000, 90_000),
)  # fmt: skip


@dataclass(frozen=True)
class Suppliers:
    """Master table and behaviour; arrays are aligned with ``codes`` (``COUNT`` long)."""

    frame: pl.DataFrame
    codes: list[str]
    promised: Int
    profile: Int
    term: Int
    rise_day: int

    def late_days(self, rng: np.random.Generator, supplier: Int) -> Int:
        """Days after the promise, one draw per delivery; never earlier than three days before it."""
        mean = np.array([p.late_days for p in PROFILES])[self.profile[supplier]]
        deviation = np.array([p.late_deviation for p in PROFILES])[self.profile[supplier]]
        return np.maximum(np.rint(rng.normal(mean, deviation)), -3).astype(np.int64)

    def share(self, name: str, supplier: Int) -> Float:
        """The profile's share ``short`` or ``defect`` of each supplier."""
        return np.asarray(np.array([getattr(p, name) for p in PROFILES])[self.profile[supplier]], dtype=np.float64)

    def price(self, list_price: Int, supplier: Int, day: Int) -> Int:
        """What a supplier asks on a day for goods whose usual price that day is ``list_price`` (cents)."""
        risen = (supplier == PRICE_RISER) & (day >= self.rise_day)
        return np.maximum(np.rint(list_price * np.where(risen, RISE, 1.0)), 1).astype(np.int64)


def main_supplier(rng: np.random.Generator, count: int) -> Int:
    """The main supplier of each of ``count`` items: a few sell most of the catalogue."""
    weight = 1.0 / np.arange(1, GOODS + 1) ** ZIPF
    return rng.choice(GOODS, count, p=weight / weight.sum()).astype(np.int64)


def build(seed: int, calendar: BusinessCalendar, masters: Masters, truth: GroundTruth) -> Suppliers:
    """The 268 suppliers, with their true delivery parameters reported."""
    rng = generator(seed, "suppliers")
    number = np.arange(COUNT)
    profile = np.where(number < GOODS, number % len(PROFILES), len(PROFILES) - 1)
    as_of = np.datetime64(calendar.as_of, "D").astype(object)
    suppliers = Suppliers(
        frame=_frame(rng, calendar, masters),
        codes=[f"FOU{n + 1:05d}" for n in number],
        promised=rng.choice([2, 5, 7, 10, 14, 21], COUNT),
        profile=profile,
        term=rng.choice([0, 2, 3, 4, 5], COUNT, p=[0.1, 0.35, 0.35, 0.15, 0.05]),
        rise_day=day_number(as_of.replace(year=as_of.year - 1, month=7, day=1)),
    )
    goods = number[:GOODS]
    truth.describe(
        "supplier",
        pl.DataFrame(
            {
                "supplier": suppliers.codes[:GOODS],
                "profile": [PROFILES[p].name for p in profile[goods]],
                "promised_days": suppliers.promised[goods],
                **{
                    name: [getattr(PROFILES[p], name) for p in profile[goods]]
                    for name in ("late_days", "late_deviation", "short", "defect")
                },
                "gets_orders": goods < ORDERED_FROM,
            }
        ),
    )
    truth.plant(
        f"prices raised by {RISE - 1:.0%} in the middle of last year", "Supplier", [suppliers.codes[PRICE_RISER]],
        "purchase price index",
    )  # fmt: skip
    return suppliers


def _frame(rng: np.random.Generator, calendar: BusinessCalendar, masters: Masters) -> pl.DataFrame:
    number = np.arange(COUNT)
    place = geography.communes()[geography.draw(rng, COUNT).tolist()]
    zips, cities = place["postcode"].to_list(), [name.upper()[:35] for name in place["name"].to_list()]
    zips[FOREIGN], cities[FOREIGN] = "7000", "MONS"
    last = [LAST_NAMES[i] for i in rng.integers(0, len(LAST_NAMES), COUNT)]
    first = [FIRST_NAMES[i] for i in rng.integers(0, len(FIRST_NAMES), COUNT)]
    old = number >= GOODS + SERVICES
    streets = [
        f"{house} {geography.STREETS[street]}"
        for house, street in zip(
            rng.integers(1, 180, COUNT), rng.integers(0, len(geography.STREETS), COUNT), strict=True
        )
    ]
    created = office_time(rng, np.where(number < 90, calendar.first_day, calendar.first_day + number * 6))
    address = {
        "Address1": streets, "ZipCode": zips, "City": cities,
        "CountryIsoCode": ["BE" if n == FOREIGN else "FR" for n in number],
    }  # fmt: skip
    return pl.DataFrame(
        {
            "Id": [f"FOU{n + 1:05d}" for n in number],
            "UniqueId": uuids(rng, COUNT),
            "Name": [
                f"{WORDS[n % 9]} {last[n]}"
                if n < GOODS
                else f"{OVERHEADS[n % 10][0]} {last[n]}"
                if not old[n]
                else f"Ets {last[n]} {n}"
                for n in number
            ],
            "Civility": take(("SARL", "SAS"), number % 3 - 1),
            "NaturalPerson": np.zeros(COUNT, dtype=bool),
            "SupplierType": np.where((number >= GOODS) & ~old & (number % 10 == 3), 1, 0),
            "ActiveState": np.where(old & (rng.random(COUNT) < 0.6), 1, 0),
            "Siren": [str(s) if n % 11 else None for n, s in enumerate(siren_numbers(rng, COUNT))],
            "NAF": take(("4674B", "4673B", "4669B", None), rng.integers(0, 4, COUNT)),
            "TerritorialityId": [masters.territory_id] * COUNT,
            "UseInvoicingAddressAsDeliveryAddress": np.ones(COUNT, dtype=bool),
            **{f"Main{role}Address_{f}": v for role in ("Invoicing", "Delivery") for f, v in address.items()},
            "MainInvoicingContact_Name": [x if n % 7 else None for n, x in enumerate(last)],
            "MainInvoicingContact_FirstName": first,
            "MainInvoicingContact_Phone": dirt.phones(rng, COUNT),
            "MainInvoicingContact_Email": dirt.emails(
                rng, [f"{first[n]}.{last[n]}{n}" for n in number], "fournisseur.example"
            ),
            "sysCreatedDate": stamps(created),
            "sysCreatedUser": users(rng, COUNT),
            "sysModifiedDate": stamps(np.minimum(created + rng.integers(0, 900, COUNT) * 86_400_000_000, calendar.as_of * 86_400_000_000)),
            "sysModifiedUser": users(rng, COUNT),
        }
    )  # fmt: skip


def price_lines(
    rng: np.random.Generator,
    scale: float,
    suppliers: Suppliers,
    codes: list[str],
    main: Int,
    purchase: Int,
    goods: Bool,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Supplier price lines (5007) and the third-party references they point to (3622) at full scale.

    Every item has its main supplier, the first goods a second one that is dearer. One line in thirty is in boxes of ten.
    """
    rows, known = max(20, round(5007 * scale)), max(10, round(3622 * scale))
    order = np.argsort(~goods, kind="stable")
    item = order[np.arange(rows) % len(codes)]
    second = np.arange(rows) >= len(codes)
    ids = uuids(rng, known)
    who = np.where(second, (main[item] + 7) % GOODS, main[item])
    boxed = goods[item] & (item % 30 == 4)
    prices = np.rint(purchase[item] * np.where(second, SECOND_PRICE, 1.0) * np.where(boxed, 10, 1)).astype(np.int64)
    names = take(suppliers.codes, who)
    supplier_items = pl.DataFrame(
        {
            "Id": uuids(rng, rows),
            "ItemId": take(codes, item),
            "SupplierId": names,
            "MainSupplier": ~second,
            "ReferenceId": take(ids, np.where(np.arange(rows) < known, np.arange(rows), -1)),
            "PublicPurchasePrice": decimals(prices),
            "NetPurchasePrice": decimals(prices),
            "DeliveryDelay": suppliers.promised[who],
            "PurchaseUnitId": take(("BTE",), np.where(boxed, 0, -1)),
            "SalePurchaseConversionRate": decimals(np.where(boxed, 10, 1), 0),
            "PurchaseOrderMinimumQuantity": decimals(np.ones(rows, dtype=np.int64), 0),
            "PriceModifiedDate": stamps(
                np.where(who == PRICE_RISER, suppliers.rise_day, suppliers.rise_day - 180) * 86_400_000_000
            ),
        }
    )
    references = pl.DataFrame(
        {
            "Id": ids,
            "ThirdId": names.head(known),
            "ItemId": take(codes, item[:known]),
            "Reference": [f"REF-{n:06d}" for n in range(known)],
        }
    )
    return small.audited(supplier_items), small.audited(references)
