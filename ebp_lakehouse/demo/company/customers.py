"""Customers and their contacts: identities, addresses, dirt, and the buying rhythm that drives the documents.

``Customers`` keeps the arrays the document generator needs; ``frame`` is the EBP table without its running counters
(first and last invoice, outstanding amount), which ``generator`` fills once documents exist.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company import customercases, dirt, geography
from ebp_lakehouse.demo.company.calendar import BusinessCalendar
from ebp_lakehouse.demo.company.masters import Masters
from ebp_lakehouse.demo.company.primitives import (
    Bool,
    Float,
    Int,
    decimals,
    generator,
    office_time,
    stamps,
    take,
    users,
    uuids,
)
from ebp_lakehouse.demo.company.truth import GroundTruth

LAST_NAMES = (
    "Martin", "Bernard", "Dubois", "Thomas", "Robert", "Richard", "Petit", "Durand", "Leroy", "Moreau", "Simon",
    "Laurent", "Lefèbvre", "Michel", "Garcia", "David", "Bertrand", "Roux", "Vincent", "Fournier", "Morel", "Girard",
    "André", "Lefèvre", "Mercier", "Dupont", "Lambert", "Bonnet", "François", "Martinez", "N'Diaye", "Le Goff",
)  # fmt: skip
FIRST_NAMES = (
    "Marie", "Jean", "Nathalie", "Philippe", "Isabelle", "Michel", "Sylvie", "Alain", "Catherine", "Patrick",
    "Camille", "Nicolas", "Émilie", "Julien", "Léa", "Loïc", "Chloé", "Noël", "Zoé", "Gaël",
)  # fmt: skip
TRADES = (
    "Garage", "Boulangerie", "Hôtel", "Menuiserie", "Clinique", "Transports", "Imprimerie", "Pharmacie",
    "Restaurant", "Cabinet", "Électricité", "Plomberie", "Maçonnerie", "Domaine", "Laiterie", "Ateliers",
)  # fmt: skip
FORMS = ("SARL", "SAS", "EURL", "SA", "SCI", "")
PROSPECT_SHARE = 0.12  # asked for quotes, never invoiced
INDIVIDUAL_SHARE = 0.38  # heating and plumbing trades serve many households
PAUSE_SHARE = 0.05  # stop for a year, then come back
GROUPED_SHARE = 0.10  # one invoice a month for all deliveries
TAX_INCLUDED_CUSTOMER = 2  # an individual who buys over the counter, at every scale
TAX_INCLUDED_SHARE = 0.25  # of individuals: documents typed TTC


@dataclass(frozen=True)
class Customers:
    """Master table and the behaviour of each customer; arrays are aligned with ``frame``.

    ``former`` holds the address columns as they were before the day ``moved_on`` (0 = never moved).
    """

    frame: pl.DataFrame
    contacts: pl.DataFrame
    weight: Float
    first_day: Int
    last_day: Int
    pause_start: Int
    trend: Float
    regular: Bool
    prospect: Bool
    grouped: Bool
    price_with_tax: Bool
    individual: Bool
    export: Bool
    salesperson: Int
    term: Int
    former: pl.DataFrame
    moved_on: Int

    @property
    def count(self) -> int:
        """Number of customers."""
        return self.frame.height


def siren_numbers(rng: np.random.Generator, count: int) -> Int:
    """Nine-digit company numbers whose Luhn check digit is right."""
    body = rng.integers(10_000_000, 100_000_000, count)
    digits = (body[:, None] // 10 ** np.arange(8)) % 10  # least significant first: these are doubled every other one
    doubled = digits.copy()
    doubled[:, 0::2] *= 2
    doubled = np.where(doubled > 9, doubled - 9, doubled)
    return np.asarray(body * 10 + (-doubled.sum(axis=1)) % 10)


def build(seed: int, scale: float, calendar: BusinessCalendar, masters: Masters, truth: GroundTruth) -> Customers:
    """About ``1338 * scale`` customers and ``2615 * scale`` contacts."""
    rng = generator(seed, "customers")
    count = max(24, round(1338 * scale))
    individual = rng.random(count) < INDIVIDUAL_SHARE
    individual[TAX_INCLUDED_CUSTOMER] = True
    public = ~individual & (rng.random(count) < 0.06)
    family = np.where(individual, 1, np.where(public, 2, 0))
    names, civility, first, last = _names(rng, individual, public)

    span = calendar.as_of - calendar.first_day
    # A third were there when EBP was installed; the others arrive evenly over the ten years.
    arrival = np.where(rng.random(count) < 0.35, 0, rng.integers(0, max(1, span - 30), count))
    first_day = calendar.first_day + arrival
    leaves = rng.random(count) < 0.35
    life = rng.exponential(4.5 * 365, count).astype(np.int64) + 120
    last_day = np.where(leaves, np.minimum(first_day + life, calendar.as_of), calendar.as_of)
    pause = rng.random(count) < PAUSE_SHARE
    pause_start = np.where(pause, first_day + (last_day - first_day) // 2, -1)
    # Log-normal purchase rates: a few buy every week, most a few times a year (Pareto-like revenue).
    first_day[TAX_INCLUDED_CUSTOMER], last_day[TAX_INCLUDED_CUSTOMER] = calendar.first_day, calendar.as_of
    weight = rng.lognormal(0.0, 1.15, count) * np.where(individual, 0.35, 1.0)
    export, frame = _frame(
        rng, count, family, names, civility, first, last, first_day, last_day, calendar, masters, truth
    )

    tax_included = np.arange(count) == TAX_INCLUDED_CUSTOMER
    former, moved_on = customercases.removals(rng, frame, calendar, truth)
    customers = Customers(
        former=former,
        moved_on=moved_on,
        frame=frame,
        contacts=_contacts(rng, scale, frame),
        weight=weight,
        first_day=first_day,
        last_day=last_day,
        pause_start=pause_start,
        trend=np.exp(rng.normal(0, 0.35, count)),
        regular=weight > np.quantile(weight, 0.9),
        prospect=(rng.random(count) < PROSPECT_SHARE) & (weight < np.quantile(weight, 0.8)) & ~tax_included,
        grouped=~individual & (rng.random(count) < GROUPED_SHARE / (1 - INDIVIDUAL_SHARE)),
        price_with_tax=tax_included | (individual & (rng.random(count) < TAX_INCLUDED_SHARE)),
        individual=individual,
        export=export,
        salesperson=1 + np.arange(count) % 7,
        term=np.where(
            individual,
            rng.choice([0, 1, 9], count),
            rng.choice([2, 3, 4, 5, 6, 7, 8], count, p=[0.3, 0.25, 0.15, 0.08, 0.1, 0.07, 0.05]),
        ),
    )
    customercases.describe(vars(customers), truth)
    terms = take(masters.term_codes, customers.term)
    sellers = take(masters.colleague_codes, customers.salesperson)
    return Customers(**{**vars(customers), "frame": frame.with_columns(SettlementModeId=terms, ColleagueId=sellers)})


def _names(
    rng: np.random.Generator, individual: Bool, public: Bool
) -> tuple[list[str], list[str | None], list[str], list[str]]:
    count = len(individual)
    last = [LAST_NAMES[i] for i in rng.integers(0, len(LAST_NAMES), count)]
    first = [FIRST_NAMES[i] for i in rng.integers(0, len(FIRST_NAMES), count)]
    trade = [TRADES[i] for i in rng.integers(0, len(TRADES), count)]
    form = [FORMS[i] for i in rng.integers(0, len(FORMS), count)]
    names = [
        f"{last[n].upper()} {first[n]}"
        if individual[n]
        else f"Mairie de {last[n]}"
        if public[n]
        else f"{form[n]} {trade[n]} {last[n]}".strip()
        for n in range(count)
    ]
    civility = [("Madame" if n % 2 else "Monsieur") if individual[n] else None for n in range(count)]
    return names, civility, first, last


def _frame(
    rng: np.random.Generator,
    count: int,
    family: Int,
    names: list[str],
    civility: list[str | None],
    first: list[str],
    last: list[str],
    first_day: Int,
    last_day: Int,
    calendar: BusinessCalendar,
    masters: Masters,
    truth: GroundTruth,
) -> tuple[Bool, pl.DataFrame]:
    company = family != 1
    place = geography.communes()[geography.draw(rng, count).tolist()]
    zips, cities = (
        place["postcode"].to_list(),
        [c.upper() if n % 3 else c for n, c in enumerate(place["name"].to_list())],
    )
    insee = place["insee_code"].to_list()
    country: list[str | None] = ["FR" if n % 6 else None for n in range(count)]
    for n, planted in enumerate(geography.PLANTED):  # customers 3, 4, 5 …: present at every scale
        zips[3 + n], cities[3 + n], insee[3 + n], country[3 + n] = (
            planted.zip_code,
            planted.city,
            planted.insee,
            planted.country,
        )
    export = np.array([c == "BE" for c in country])
    zips, misspelt = dirt.wrong_postcodes(rng, zips, 3 + len(geography.PLANTED) + 20)
    located = (rng.random(count) < 0.55) & np.array([c in (None, "FR") for c in country])
    latitude = np.rint(np.nan_to_num(place["latitude"].to_numpy().astype(float)) * 1e6).astype(np.int64)
    longitude = np.rint(np.nan_to_num(place["longitude"].to_numpy().astype(float)) * 1e6).astype(np.int64)
    null_island = rng.random(count) < dirt.GPS_ZERO
    null_island[19 % count] = True
    siren = [str(s) for s in siren_numbers(rng, count)]
    streets = [
        f"{rng_n} {geography.STREETS[s]}"
        for rng_n, s in zip(rng.integers(1, 180, count), rng.integers(0, len(geography.STREETS), count), strict=True)
    ]
    phones = dirt.phones(rng, count)
    emails = dirt.emails(rng, [f"{first[n]}.{last[n]}{n}" for n in range(count)], "client.example")
    created = office_time(rng, np.maximum(first_day - 3, calendar.first_day))
    created[: max(2, count // 3)] = calendar.first_day * 86_400_000_000 + 36_000_000_000  # migration day
    duplicates = max(3, round(dirt.DUPLICATE_CUSTOMERS * count))
    for n in range(duplicates):  # the same company typed twice: same name and town, or same SIREN
        twin, origin = count - 1 - n, 2 * n + 20 if count > 60 else n
        if n % 3 == 2:
            emails[twin] = emails[origin] = emails[origin] or "contact@client.example"  # by their e-mail only
        else:
            siren[twin], names[twin], cities[twin], zips[twin] = (
                siren[origin],
                names[origin],
                cities[origin],
                zips[origin],
            )
    codes = [f"CLI{n + 1:05d}" for n in range(count)]
    customercases.report(codes, duplicates, misspelt, null_island, emails, phones, truth)
    inactive = (last_day < calendar.as_of - 900) & (rng.random(count) < 0.6)
    frame = pl.DataFrame(
        {
            "Id": codes,
            "UniqueId": uuids(rng, count),
            "Name": [f" {name}" if n % 97 == 11 else name for n, name in enumerate(names)],
            "Civility": civility,
            "NaturalPerson": ~company,
            "Type": np.zeros(count, dtype=np.int64),
            "FamilyId": take(("PRO", "PART", "COLL"), np.where(rng.random(count) < 0.03, -1, family)),
            "SubFamilyId": take(
                ("GC", "ZZ"),
                np.where(company & (rng.random(count) < 0.05), 0, np.where(rng.random(count) < 0.003, 1, -1)),
            ),
            "Group1": take(masters.group_ids, np.where(rng.random(count) < 0.3, rng.integers(0, 3, count), -1)),
            "Siren": [s if c else None for s, c in zip(siren, company, strict=True)],
            "NAF": take(
                ("4322A", "4322B", "5610A", "8411Z", "4520A"), np.where(company, rng.integers(0, 5, count), -1)
            ),
            "ActiveState": inactive.astype(np.int64),
            "BuyerReference": [f"SERVICE-{n:03d}" if f == 2 else None for n, f in enumerate(family)],
            "AllowedAmount": decimals(
                np.where(company & (rng.random(count) < 0.25), rng.choice([500_00, 2000_00, 10_000_00], count), 0)
            ),
            "PriceWithTaxBased": ~company,
            "TerritorialityId": [masters.territory_id] * count,
            "UseInvoicingAddressAsDeliveryAddress": rng.random(count) < 0.8,
            "MainInvoicingAddress_Address1": streets,
            "MainInvoicingAddress_Address2": [
                "" if n % 4 == 0 else (" " if n % 50 == 1 else None) for n in range(count)
            ],
            "MainInvoicingAddress_ZipCode": zips,
            "MainInvoicingAddress_City": cities,
            "MainInvoicingAddress_CountryIsoCode": country,
            "MainInvoicingAddress_CodeINSEE": [i if n % 2 else None for n, i in enumerate(insee)],
            "MainDeliveryAddress_Address1": streets,
            "MainDeliveryAddress_ZipCode": zips,
            "MainDeliveryAddress_City": cities,
            "MainDeliveryAddress_CountryIsoCode": country,
            "MainDeliveryAddress_CodeINSEE": [i if n % 2 else None for n, i in enumerate(insee)],
            "MainInvoicingContact_Civility": civility,
            "MainInvoicingContact_Name": [x if n % 9 else None for n, x in enumerate(last)],
            "MainInvoicingContact_FirstName": first,
            "MainInvoicingContact_NaturalPerson": [True] * count,
            "MainInvoicingContact_Phone": phones,
            "MainInvoicingContact_CellPhone": [
                f"+336{n:08d}" if n % 3 == 0 else None for n in rng.integers(10**7, 10**8, count).tolist()
            ],
            "MainInvoicingContact_Email": emails,
            "MainDeliveryContact_Name": last,
            "MainDeliveryContact_Phone": ["" if n % 5 else "0241991234" for n in range(count)],
        }
    ).with_columns(
        MainDeliveryAddress_Latitude=_masked(decimals(np.where(null_island, 0, latitude), 6), located | null_island),
        MainDeliveryAddress_Longitude=_masked(decimals(np.where(null_island, 0, longitude), 6), located | null_island),
        sysCreatedDate=stamps(created),
        sysCreatedUser=users(rng, count),
        sysModifiedDate=stamps(
            np.minimum(created + rng.integers(0, 900, count) * 86_400_000_000, calendar.as_of * 86_400_000_000)
        ),
        sysModifiedUser=users(rng, count),
    )
    return export, frame


def _masked(values: pl.Series, keep: Bool) -> pl.Series:
    return pl.select(pl.when(pl.Series(keep)).then(values)).to_series()


def _contacts(rng: np.random.Generator, scale: float, frame: pl.DataFrame) -> pl.DataFrame:
    """One main contact per customer, then secondary contacts, then contacts of suppliers, up to the reference count."""
    count = max(frame.height, round(2615 * scale))
    owner = np.arange(count) % frame.height
    rank = np.arange(count) // frame.height
    supplier = (rank > 0) & (rng.random(count) < 0.3)
    person = rng.integers(0, len(LAST_NAMES), count)
    source = frame[owner.tolist()]
    return pl.DataFrame(
        {
            "Id": uuids(rng, count),
            "AssociatedCustomerId": take(frame["Id"], np.where(supplier, -1, owner)),
            "AssociatedSupplierId": take(
                [f"FOU{n:05d}" for n in range(1, 269)], np.where(supplier, rng.integers(0, 268, count), -1)
            ),
            "IsMainInvoicing": rank == 0,
            "IsMainDelivery": rank == 0,
            "IsMainReminder": rank == 0,
            "ContactFields_Name": take(LAST_NAMES, person),
            "ContactFields_FirstName": take(FIRST_NAMES, rng.integers(0, len(FIRST_NAMES), count)),
            "ContactFields_NaturalPerson": np.ones(count, dtype=bool),
            "ContactFields_Phone": dirt.phones(rng, count),
            "ContactFields_Function": take(
                ("Gérant", "Comptable", "Acheteur", "Responsable technique"), rng.integers(-1, 4, count)
            ),
            "AddressFields_ZipCode": source["MainInvoicingAddress_ZipCode"],
            "AddressFields_City": source["MainInvoicingAddress_City"],
            "AddressFields_CountryIsoCode": source["MainInvoicingAddress_CountryIsoCode"],
            "sysCreatedDate": source["sysCreatedDate"],
            "sysCreatedUser": source["sysCreatedUser"],
            "sysModifiedDate": source["sysModifiedDate"],
            "sysModifiedUser": source["sysModifiedUser"],
        }
    )
