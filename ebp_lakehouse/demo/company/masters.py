"""Small master tables of the demo company: VAT, units, terms, families, colleagues, warehouses, fiscal years.

Customers and items have their own modules. Counts are those of the reference installation at every scale.
"""

# ruff: noqa: PLR2004 - rates and shares stand where they are used, codes are EBP's

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl

from ebp_lakehouse.demo.company.options import JANUARY, CompanyOptions
from ebp_lakehouse.demo.company.primitives import MONEY, decimals, generator, take, uuids

CREATED = datetime(2015, 1, 5, 9, 0)  # noqa: DTZ001 - wall clock, as EBP; the day the company moved to EBP
# (Rate in basis points, label, territory). The first six are the slots of ``pricing.RATES_BP``.
SALE_VATS = (
    (2000, "Taux normal 20 %", "FR"), (1000, "Taux intermédiaire 10 %", "FR"), (550, "Taux réduit 5,5 %", "FR"),
    (210, "Taux particulier 2,1 %", "FR"), (0, "Exonéré", "FR"), (0, "Export et livraison intra-UE", "EXP"),
)  # fmt: skip
OLD_VATS = (1960, 700, 850, 1300, 1050, 175, 105)  # closed rates, Corsica, overseas
VAT_ROWS = 78

UNITS = (
    ("U", "Pièce", 0), ("H", "Heure", 2), ("J", "Jour", 1), ("M", "Mètre", 3), ("M2", "Mètre carré", 3),
    ("KG", "Kilogramme", 3), ("L", "Litre", 3), ("BTE", "Boîte", 0), ("ROU", "Rouleau", 0), ("KM", "Kilomètre", 0),
    ("FORF", "Forfait", 0),
)  # fmt: skip

# (code, caption, instalments, days, end of month, day of month)
TERMS = (
    ("COMPT", "Comptant à réception", 1, 0, False, 0), ("CHQ30", "Chèque à 30 jours", 1, 30, False, 0),
    ("VIR30", "Virement 30 jours nets", 1, 30, False, 0), ("VIR30F", "Virement 30 jours fin de mois", 1, 30, True, 0),
    ("VIR45", "Virement 45 jours fin de mois", 1, 45, True, 0), ("VIR60", "Virement 60 jours nets", 1, 60, False, 0),
    ("PRLV", "Prélèvement à 15 jours", 1, 15, False, 0), ("LCR30", "LCR 30 jours fin de mois le 10", 1, 30, True, 10),
    ("2X", "En deux fois 30/60 jours", 2, 30, False, 0), ("3X", "En trois fois 30/60/90 jours", 3, 30, False, 0),
)  # fmt: skip
TERM_ROWS = 34

CUSTOMER_FAMILIES = (("PRO", "Professionnels"), ("PART", "Particuliers"), ("COLL", "Collectivités"))
ITEM_FAMILIES = 51
ITEM_SUBFAMILIES = 135
GROUPS = ("Maine-et-Loire", "Loire-Atlantique", "Grand Ouest", "Équipe Nord", "Équipe Sud", "Équipe atelier")
FUNCTIONS = (
    "Dirigeant", "Commercial", "Technico-commercial", "Technicien", "Technicien itinérant", "Magasinier",
    "Assistante de gestion", "Comptable", "Chef d'équipe", "Apprenti",
)  # fmt: skip
COLLEAGUES = (
    ("MARTIN", "Lucie"), ("BERNARD", "Claude"), ("ROUX", "Sandrine"), ("PETIT", "Jérôme"), ("DURAND", "Sylvie"),
    ("LEROY", "Thomas"), ("MOREAU", "Karine"), ("SIMON", "Yann"), ("LAURENT", "Élodie"), ("LEFEBVRE", "Marc"),
    ("MICHEL", "Nadia"), ("GARCIA", "Paul"), ("DAVID", "Anne"), ("BERTRAND", "Hugo"), ("VINCENT", "Zoé"),
    ("FOURNIER", "Alexis"), ("MOREL", "Inès"), ("GIRARD", "Loïc"), ("ANDRE", "Maëlle"), ("LEFEVRE", "Quentin"),
    ("MERCIER", "Fanny"), ("DUPONT", "Rémi"), ("LAMBERT", "Chloé"), ("BONNET", "Éric"), ("FRANCOIS", "Jade"),
    ("MARTINEZ", "Nils"), ("LEGRAND", "Océane"), ("GARNIER", "Pierre"), ("FAURE", "Wendy"), ("ROUSSEAU", "Bastien"),
    ("BLANC", "Gwenaël"),
)  # fmt: skip
SALESPEOPLE = 9  # the first nine sell
COUNTRIES = (
    ("FR", "France", True), ("BE", "Belgique", True), ("MC", "Monaco", False), ("DE", "Allemagne", True),
    ("ES", "Espagne", True), ("IT", "Italie", True), ("LU", "Luxembourg", True), ("CH", "Suisse", False),
    ("GB", "Royaume-Uni", False), ("PT", "Portugal", True), ("NL", "Pays-Bas", True), ("RE", "La Réunion", False),
)  # fmt: skip
COUNTRY_ROWS = 227


@dataclass(frozen=True)
class Masters:
    """Codes and ids that documents refer to, beside the rendered tables."""

    frames: dict[str, pl.DataFrame]
    vat_ids: pl.Series
    territory_id: str
    storehouse_ids: pl.Series
    group_ids: pl.Series
    colleague_codes: list[str]
    colleague_active: np.ndarray
    term_codes: list[str]


def audited(frame: pl.DataFrame, created: datetime = CREATED) -> pl.DataFrame:
    """The frame with the sys columns of a row typed in at the start and not touched since."""
    return frame.with_columns(
        sysCreatedDate=pl.lit(created, pl.Datetime("us")),
        sysCreatedUser=pl.lit("ADM"),
        sysModifiedDate=pl.lit(created, pl.Datetime("us")),
        sysModifiedUser=pl.lit("ADM"),
    )


def _vats(ids: pl.Series, territories: list[str]) -> pl.DataFrame:
    rates = [rate for rate, _, _ in SALE_VATS] + [OLD_VATS[n % len(OLD_VATS)] for n in range(VAT_ROWS - len(SALE_VATS))]
    labels = [label for _, label, _ in SALE_VATS] + [
        f"TVA {r / 100:g} % (code {n})" for n, r in enumerate(rates[len(SALE_VATS) :])
    ]
    where = [0] * 5 + [1] + [n % len(territories) for n in range(VAT_ROWS - len(SALE_VATS))]
    return pl.DataFrame(
        {
            "Id": ids,
            "TerritorialityId": [territories[n] for n in where],
            "Rate": decimals(np.array(rates)),
            "Description": labels,
            "TerritorialityDefaultRate": [n == 0 for n in range(VAT_ROWS)],
            "Inactive": [n >= len(SALE_VATS) + 10 for n in range(VAT_ROWS)],
        }
    )


def _terms(rng: np.random.Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
    codes = [t[0] for t in TERMS] + [f"M{n:02d}" for n in range(TERM_ROWS - len(TERMS))]
    captions = [t[1] for t in TERMS] + [f"Ancien mode {n:02d}" for n in range(TERM_ROWS - len(TERMS))]
    modes = pl.DataFrame(
        {
            "Id": codes,
            "Caption": captions,
            "UniqueId": uuids(rng, TERM_ROWS),
            "IsInactive": [n >= len(TERMS) for n in range(TERM_ROWS)],
        }
    )
    rows: list[tuple[str, int, bool, int, int, str]] = []
    for code, _, parts, days, end_of_month, day in TERMS:
        means = {"CHQ30": "CHQ", "PRLV": "PRLV", "LCR30": "LCR", "COMPT": "CB"}.get(code, "VIR")
        rows += [(code, days * (n + 1), end_of_month, day, 10_000 // parts, means) for n in range(parts)]
    rows += [(code, 30, False, 0, 10_000, "VIR") for code in codes[len(TERMS) :]]
    rows = (rows + [("M00", 60, True, 0, 5_000, "VIR")] * 42)[:42]
    lines = pl.DataFrame(
        {
            "Id": uuids(rng, len(rows)),
            "SettlementModeId": [r[0] for r in rows],
            "DaysNumber": [r[1] for r in rows],
            "AccountingMonth": [r[2] for r in rows],
            "DayOfMonth": [r[3] or None for r in rows],
            "PercentageDistribution": decimals(np.array([r[4] for r in rows])),
            "PaymentTypeId": [r[5] for r in rows],
        }
    )
    return modes, lines


def _colleagues(rng: np.random.Generator, groups: pl.Series, storehouses: pl.Series) -> tuple[pl.DataFrame, list[str]]:
    codes: list[str] = []
    for name, first in COLLEAGUES:
        code = (first[0] + name[:2]).upper().replace("É", "E")
        codes.append(code if code not in codes else code + str(len(codes)))
    count = len(COLLEAGUES)
    function = [0] + [1 + n % 2 for n in range(1, SALESPEOPLE)] + [3 + n % 7 for n in range(count - SALESPEOPLE)]
    salesperson = np.arange(count) < SALESPEOPLE
    week = {
        f"DaySchedule{d}_{field}": [value] * count
        for d in range(7)
        for field, value in (("Active", d < 5), ("Customize", False), ("Duration", 7.0 if d < 5 else 0.0))
    }
    frame = pl.DataFrame(
        {
            "Id": codes,
            "UniqueId": uuids(rng, count),
            "Contact_Civility": ["Madame" if n % 2 == 0 else "Monsieur" for n in range(count)],
            "Contact_Name": [c[0] for c in COLLEAGUES],
            "Contact_FirstName": [c[1] for c in COLLEAGUES],
            "Contact_ColleagueFunction": [FUNCTIONS[f] for f in function],
            "Contact_Phone": [f"02 41 00 10 {n:02d}" for n in range(count)],
            "Contact_CellPhone": [f"06.12.34.56.{n:02d}" if n % 3 else None for n in range(count)],
            "Contact_Email": [f"{c[1][0]}.{c[0]}@demo-ebp.example".lower().replace("é", "e") for c in COLLEAGUES],
            "IsSalesperson": salesperson,
            "ActiveState": [1 if n in (7, 20, 29) else 0 for n in range(count)],
            "HourlyCostPrice": decimals(np.where(salesperson, 4200, 3150 + 50 * (np.arange(count) % 7))),
            "ColleagueFamilyId": ["TOUS"] * count,
            "Group1": take(groups, np.array([3 + n % 3 if n % 5 else -1 for n in range(count)])),
            # One itinerant technician drives the van.
            "StorehouseId": take(
                storehouses,
                np.where(np.arange(count) == 13, 2, np.where(np.arange(count) % 4 == 0, 1, 0)) % len(storehouses),
            ),
            "Address_ZipCode": ["49000"] * count,
            "Address_City": ["ANGERS"] * count,
            "Address_CountryIsoCode": ["FR"] * count,
            **week,
        }
    )
    return frame, codes


def build(seed: int, as_of: date, options: CompanyOptions) -> Masters:
    """All small masters with the row counts of the reference installation."""
    rng = generator(seed, "masters")
    vat_ids, territories = uuids(rng, VAT_ROWS), uuids(rng, 3).to_list()
    storehouses, groups = uuids(rng, 3), uuids(rng, len(GROUPS))
    modes, mode_lines = _terms(rng)
    colleagues, codes = _colleagues(rng, groups, storehouses.head(options.storehouses))
    countries = list(COUNTRIES) + [
        (f"X{n // 26:d}{chr(65 + n % 26)}", f"Pays {n:03d}", False) for n in range(COUNTRY_ROWS - len(COUNTRIES))
    ]
    subfamilies = [
        (f"SF{n:03d}", f"Sous-famille {n:03d}", f"FA{n % ITEM_FAMILIES:02d}") for n in range(ITEM_SUBFAMILIES)
    ]
    families = [(f"FA{n:02d}", _family_caption(n)) for n in range(ITEM_FAMILIES)]
    frames = {
        "Vat": _vats(vat_ids, territories),
        "Unit": pl.DataFrame(
            {
                "Id": [u[0] for u in UNITS],
                "Caption": [u[1] for u in UNITS],
                "UnitType": [1 if u[0] in ("H", "J") else 0 for u in UNITS],
                "Decimals": [u[2] for u in UNITS],
                "ConversionRate": pl.Series([1] * len(UNITS)).cast(MONEY),
                "UniqueId": uuids(rng, len(UNITS)),
            }
        ),
        "SettlementMode": modes,
        "SettlementModeLine": mode_lines,
        "CustomerFamily": pl.DataFrame(
            {
                "Id": [f[0] for f in CUSTOMER_FAMILIES],
                "Caption": [f[1] for f in CUSTOMER_FAMILIES],
                "UniqueId": uuids(rng, 3),
                "ColleagueId": codes[1:4],
            }
        ),
        "CustomerSubFamily": pl.DataFrame(
            {"Id": ["GC"], "Caption": ["Grands comptes"], "CustomerFamilyId": ["PRO"], "UniqueId": uuids(rng, 1)}
        ),
        "ItemFamily": pl.DataFrame(
            {
                "Id": [f[0] for f in families],
                "Caption": [f[1] for f in families],
                "UniqueId": uuids(rng, ITEM_FAMILIES),
                "ManageStock": [n % 5 != 4 for n in range(ITEM_FAMILIES)],
            }
        ),
        "ItemSubFamily": pl.DataFrame(subfamilies, schema=["Id", "Caption", "ItemFamilyId"], orient="row"),
        "ClassificationGroup": pl.DataFrame({"Id": groups, "Caption": list(GROUPS), "GroupType": [0, 0, 0, 3, 3, 3]}),
        "ColleagueFamily": pl.DataFrame(
            {"Id": ["TOUS"], "Caption": ["Tout le personnel"], "UniqueId": uuids(rng, 1)}
            | {f"DaySchedule{d}_Active": [d < 5] for d in range(7)}
            | {f"DaySchedule{d}_Customize": [True] for d in range(7)}
            | {f"DaySchedule{d}_Duration": [7.0 if d < 5 else 0.0] for d in range(7)}
        ),
        "ColleagueFunction": pl.DataFrame({"Id": uuids(rng, len(FUNCTIONS)), "Caption": list(FUNCTIONS)}),
        "Colleague": colleagues,
        "Storehouse": pl.DataFrame(
            {
                "Id": storehouses,
                "Caption": ["Dépôt principal", "Dépôt Nantes", "Camion atelier"],
                "Main": [True, False, False],
                "Address_Address1": ["12 ZI Nord", "5 route de Vannes", None],
                "Address_ZipCode": ["49000", "44800", None],
                "Address_City": ["ANGERS", "SAINT-HERBLAIN", None],
                "Address_CountryIsoCode": ["FR", "FR", None],
                "Address_Latitude": pl.Series(["47.4739", "47.2122", None]).cast(MONEY),
                "Address_Longitude": pl.Series(["-0.5517", "-1.6497", None]).cast(MONEY),
            }
        ).head(options.storehouses),
        "AccountingYear": _accounting_years(rng, as_of, options.fiscal_year_start),
        "Country": pl.DataFrame(
            {
                "IsoCode": [c[0] for c in countries],
                "Caption": [c[1] for c in countries],
                "Eu": [c[2] for c in countries],
                "Inactive": [n >= 200 for n in range(COUNTRY_ROWS)],
                "UniqueId": uuids(rng, COUNTRY_ROWS),
            }
        ),
    }
    return Masters(
        frames={table: audited(frame) for table, frame in frames.items()},
        vat_ids=vat_ids,
        territory_id=territories[0],
        storehouse_ids=storehouses,
        group_ids=groups,
        colleague_codes=codes,
        colleague_active=np.array([s == 0 for s in colleagues["ActiveState"].to_list()]),
        term_codes=[t[0] for t in TERMS],
    )


def _accounting_years(rng: np.random.Generator, as_of: date, first_month: int) -> pl.DataFrame:
    """The current fiscal year alone, as the reference has it; all of them where they do not begin in January.

    A company that moved its year end did it once: its first fiscal year is long (18 months for July).
    """
    if first_month == JANUARY:
        years = [(as_of.year, datetime(as_of.year, 1, 1), datetime(as_of.year, 12, 31))]  # noqa: DTZ001 - wall clock
    else:
        ends = as_of.year + (as_of.month >= first_month)
        starts = [datetime(year, first_month, 1) for year in range(ends - 9, ends + 1)]  # noqa: DTZ001
        starts[0] = datetime(ends - 10, 1, 1)  # noqa: DTZ001
        lasts = [datetime(year, first_month, 1) - timedelta(days=1) for year in range(ends - 8, ends + 2)]  # noqa: DTZ001
        years = [(last.year, start, last) for start, last in zip(starts, lasts, strict=True)]
    return pl.DataFrame(
        {
            "Id": uuids(rng, len(years)),
            "Caption": [f"Exercice {name}" for name, _, _ in years],
            "StartingDate": [start for _, start, _ in years],
            "EndingDate": [end for _, _, end in years],
            "IsCurrent": [n == len(years) - 1 for n in range(len(years))],
            "Status": [0] * len(years),
        },
        schema_overrides={"StartingDate": pl.Datetime("us"), "EndingDate": pl.Datetime("us")},
    )


def _family_caption(number: int) -> str:
    words = (
        "Chaudières", "Radiateurs", "Tubes et raccords", "Robinetterie", "Entretien", "Câbles", "Appareillage",
        "Outillage", "Ventilation", "Main d'œuvre",
    )  # fmt: skip
    return f"{words[number % 10]} {'ABCDEF'[number // 10]}" if number >= 10 else words[number]
